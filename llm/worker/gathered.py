"""Keys and values of the requests that decode, kept side by side as one attention product on a CPU wants them.

Pages lie scattered and hold a token's heads together; gathering them anew in every step and layer costs more than the
attention itself. So a request's pages are gathered once, and after that each step adds its one new token. It knows
pages and lengths, no requests: whoever had the same pages in the step before goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

SHORTEST = 64  # tokens; the smallest room that a row gets
ROOM_FOR = 8  # rows that a slab grows by, so that not every new request moves everybody


@dataclass(frozen=True, slots=True)
class Row:
    """One request that decodes one token: its place in the step, all its tokens, the pages that hold them."""

    place: int
    length: int
    pages: tuple[int, ...]


@dataclass(slots=True)
class Slab:
    """Rows of about the same length. One [rows, heads, room, width] tensor of keys and one of values per layer."""

    keys: list[torch.Tensor]
    values: list[torch.Tensor]
    rows: list[Row] = field(default_factory=list)

    @property
    def places(self) -> int:
        return int(self.keys[0].shape[0])


@dataclass(frozen=True, slots=True)
class Group:
    """What one step does with one slab, the same in every layer."""

    slab: Slab
    places: torch.Tensor  # [n]: where the rows' tokens lie in the step, in the slab's order
    targets: torch.Tensor  # [n × heads]: where their keys go in a slab seen as [rows × heads × room, width]
    longest: int
    mask: torch.Tensor | None  # [n, 1, 1, longest]
    moved: list[tuple[int, int, torch.Tensor]]  # (row, tokens, pages) that must be gathered first


class Gathered:
    """Slabs by the length of what is in them, a power of two; at most `limit` tokens in all."""

    def __init__(self, like: torch.Tensor, layers: int, page_size: int, limit: int) -> None:
        """`like`: pages of one layer, [pages, tokens, heads, width]."""
        self._like = like
        self._layers = layers
        self._page_size = page_size
        self._limit = limit
        self._slabs: dict[int, Slab] = {}

    def plan(self, rows: Sequence[Row]) -> tuple[list[Group], list[Row]]:
        """The groups of one step, and the rows for which there is no room. Every step must be planned."""
        rooms: dict[int, list[Row]] = {}
        left, excess = self._limit, []
        for row in rows:
            room = max(SHORTEST, 1 << (row.length - 1).bit_length())
            if room > left:
                excess.append(row)
                continue
            left -= room
            rooms.setdefault(room, []).append(row)
        self._slabs = {room: self._slab(room, len(found)) for room, found in rooms.items()}
        return [self._group(self._slabs[room], found) for room, found in rooms.items()], excess

    def _slab(self, room: int, rows: int) -> Slab:
        slab = self._slabs.get(room)
        if slab is None or slab.places < rows:
            shape = (-(-rows // ROOM_FOR) * ROOM_FOR, self._like.shape[2], room, self._like.shape[3])
            # Zeros: what lies beyond a row's end is multiplied by zero, and must be a number for that.
            tensors = [self._like.new_zeros(shape) for _ in range(2 * self._layers)]
            slab = Slab(tensors[: self._layers], tensors[self._layers :])
        return slab

    def _group(self, slab: Slab, rows: Sequence[Row]) -> Group:
        order, moved = self._arrange(slab.rows, rows)
        slab.rows = order
        _, heads, room, _ = slab.keys[0].shape
        lengths = torch.tensor([row.length for row in order])
        firsts = torch.arange(len(order) * heads).view(-1, heads) * room
        longest = max(row.length for row in order)
        mask = None
        if longest > min(row.length for row in order):
            beyond = torch.arange(longest) >= lengths[:, None]
            mask = self._like.new_zeros(beyond.shape).masked_fill_(beyond, float("-inf"))[:, None, None]
        return Group(
            slab,
            torch.tensor([row.place for row in order]),
            (firsts + (lengths - 1)[:, None]).flatten(),
            longest,
            mask,
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
