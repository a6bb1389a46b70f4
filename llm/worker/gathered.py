"""Keys and values of the requests that decode, kept side by side as one attention product on a CPU wants them.

Pages lie scattered and hold a token's heads together; gathering them anew in every step and layer costs more than the
attention itself. So a request's pages are gathered once, and after that each step adds its one new token. It knows
pages and lengths, no requests: whoever had the same pages in the step before goes on where it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import torch

SHORTEST = 64  # tokens; the smallest room that a row gets, and the smallest step to the next larger one
ROWS_AT_ONCE = 8  # rows that a slab grows by, so that not every new request moves everybody


@dataclass(frozen=True, slots=True)
class Row:
    """One request that decodes one token: its place in the step, all its tokens, the pages that hold them."""

    place: int
    length: int
    pages: tuple[int, ...]


@dataclass(slots=True)
class Slab:
    """A part of the store: `places` rows, each with room for as many tokens."""

    first: int  # token of the store
    places: int
    room: int
    rows: list[Row] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.first + self.places * self.room


@dataclass(frozen=True, slots=True)
class Group:
    """What one step does with one slab, the same in every layer."""

    slab: Slab
    places: torch.Tensor  # [n]: where the rows' tokens lie in the step, in the slab's order
    in_order: bool  # the places are 0, 1, 2, …
    targets: torch.Tensor  # [n × heads]: where their keys go in a slab seen as [rows × heads × room, width]
    mask: torch.Tensor  # [n × heads, 1, room]: 0 where there is a token, minus infinity where there is none
    moved: list[tuple[int, int, torch.Tensor]]  # (row, tokens, pages) that must be gathered first


def room_for(length: int) -> int:
    """64, 128, 192, 256, 384, 512, 768, 1024, … tokens: few slabs, and never much more room than is used."""
    step = max(SHORTEST, (1 << (length - 1).bit_length()) // 4)
    return -(-length // step) * step


class Gathered:
    """One store for `limit` tokens, taken at once; in it a slab for every length of room that is in use."""

    def __init__(self, like: torch.Tensor, layers: int, page_size: int, limit: int) -> None:
        """`like`: pages of one layer, [pages, tokens, heads, width]."""
        self._heads, self._width = like.shape[2:]
        self._store = like.new_zeros(layers, 2, limit * self._heads * self._width)
        self._page_size = page_size
        self._limit = limit
        self._slabs: dict[int, Slab] = {}

    def tensors(self, slab: Slab, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Its keys and its values in the layer-th layer, [places, heads, room, width] each."""
        token = self._heads * self._width
        keys, values = self._store[layer, :, slab.first * token : slab.end * token].view(
            2, slab.places, self._heads, slab.room, self._width
        )
        return keys, values

    def plan(self, rows: Sequence[Row]) -> tuple[list[Group], list[Row]]:
        """The groups of one step, and the rows for which there is no room. Every step must be planned."""
        rooms: dict[int, list[Row]] = {}
        left, excess = self._limit, []
        for row in rows:
            room = room_for(row.length)
            if room > left:
                excess.append(row)
                continue
            left -= room
            rooms.setdefault(room, []).append(row)
        self._slabs = self._lay_out({room: len(found) for room, found in rooms.items()})
        return [self._group(self._slabs[room], found) for room, found in rooms.items()], excess

    def _lay_out(self, needs: Mapping[int, int]) -> dict[int, Slab]:
        """Slabs that are large enough stay; the others find a gap, or else everybody moves together."""
        slabs = {room: slab for room, slab in self._slabs.items() if slab.places >= needs.get(room, slab.places + 1)}
        for room, rows in needs.items():
            if room not in slabs:
                ample = -(-rows // ROWS_AT_ONCE) * ROWS_AT_ONCE
                slab = self._in_a_gap(ample, room, slabs.values()) or self._in_a_gap(rows, room, slabs.values())
                if slab is None:
                    return self._from_the_start(needs)
                slabs[room] = slab
        return slabs

    def _in_a_gap(self, rows: int, room: int, slabs: Collection[Slab]) -> Slab | None:
        begin = 0
        for slab in sorted(slabs, key=lambda slab: slab.first):
            if slab.first - begin >= rows * room:
                break
            begin = slab.end
        return Slab(begin, rows, room) if self._free_at(begin, slabs) >= rows * room else None

    def _free_at(self, begin: int, slabs: Collection[Slab]) -> int:
        return min((slab.first for slab in slabs if slab.first >= begin), default=self._limit) - begin

    def _from_the_start(self, needs: Mapping[int, int]) -> dict[int, Slab]:
        slabs: dict[int, Slab] = {}
        begin = 0
        for room, rows in needs.items():
            slabs[room] = Slab(begin, rows, room)
            begin = slabs[room].end
        return slabs

    def _group(self, slab: Slab, rows: Sequence[Row]) -> Group:
        order, moved = self._arrange(slab.rows, rows)
        slab.rows = order
        lengths = torch.tensor([row.length for row in order])
        firsts = torch.arange(len(order) * self._heads).view(-1, self._heads) * slab.room
        beyond = (torch.arange(slab.room) >= lengths[:, None]).repeat_interleave(self._heads, 0)
        places = [row.place for row in order]
        return Group(
            slab,
            torch.tensor(places),
            places == list(range(len(places))),
            (firsts + (lengths - 1)[:, None]).flatten(),
            self._store.new_zeros(beyond.shape).masked_fill_(beyond, float("-inf"))[:, None],
            [(row, order[row].length, torch.tensor(order[row].pages)) for row in moved],
        )

    def _arrange(self, before: Sequence[Row], rows: Sequence[Row]) -> tuple[list[Row], list[int]]:
        """Who had a row keeps it unless that leaves a hole; returns the order and the rows that must be gathered."""
        known = {(row.length, row.pages): number for number, row in enumerate(before) if number < len(rows)}
        order: list[Row | None] = [None] * len(rows)
        others: list[Row] = []
        for row in rows:
            pages = row.pages[: -(-(row.length - 1) // self._page_size)]
            number = known.pop((row.length - 1, pages), None)
            if number is None:
                others.append(row)
            else:
                order[number] = row
        moved = [number for number, row in enumerate(order) if row is None]
        for number, other in zip(moved, others, strict=True):
            order[number] = other
        return [row for row in order if row is not None], moved
