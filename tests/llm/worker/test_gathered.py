"""Rows that decode keep their place; whoever comes, grows or fills a hole is gathered; what is held never differs."""

from __future__ import annotations

import random

import torch

from llm.worker.gathered import SHORTEST, Gathered, Group, Row, room_for

PAGE = 8
HEADS, WIDTH = 2, 4


def pages_of(count: int) -> torch.Tensor:
    return torch.randn(count, PAGE, HEADS, WIDTH, generator=torch.Generator().manual_seed(1))


def gathered(limit: int = 10_000) -> Gathered:
    return Gathered(pages_of(1), layers=1, page_size=PAGE, limit=limit)


def row(place: int, length: int, first_page: int) -> Row:
    return Row(place, length, tuple(range(first_page, first_page + -(-length // PAGE))))


def moved(groups: list[Group]) -> list[int]:
    """Places in the step of the rows that must be gathered."""
    return sorted(int(group.places[number]) for group in groups for number, _, _ in group.moved)


def test_who_goes_on_is_not_gathered_again() -> None:
    subject = gathered()
    assert moved(subject.plan([row(0, 20, 0), row(1, 21, 10)])[0]) == [0, 1]
    assert moved(subject.plan([row(0, 21, 0), row(1, 22, 10)])[0]) == []
    assert moved(subject.plan([row(0, 23, 10), row(1, 22, 0)])[0]) == []  # the order in the step does not matter


def test_a_newcomer_a_missed_step_and_other_pages_are_gathered() -> None:
    subject = gathered()
    subject.plan([row(0, 20, 0)])
    assert moved(subject.plan([row(0, 21, 0), row(1, 9, 30)])[0]) == [1]
    assert moved(subject.plan([row(0, 10, 30)])[0]) == [0]  # the first row left: a hole before it
    assert moved(subject.plan([row(0, 22, 0)])[0]) == [0]
    assert moved(subject.plan([row(0, 23, 50)])[0]) == [0]


def test_a_row_that_outgrows_its_room_moves() -> None:
    subject = gathered()
    subject.plan([row(0, SHORTEST, 0)])
    groups, _ = subject.plan([row(0, SHORTEST + 1, 0)])
    assert moved(groups) == [0] and groups[0].slab.room == 2 * SHORTEST


def test_rooms_are_few_and_not_much_larger_than_what_is_in_them() -> None:
    rooms = {room_for(length) for length in range(1, 4097)}
    assert sorted(rooms) == [64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096]
    assert all(length <= room_for(length) <= max(SHORTEST, length * 3 / 2 + SHORTEST) for length in range(1, 4097))


def test_slabs_never_overlap_and_everybody_moves_when_no_gap_is_large_enough() -> None:
    subject = gathered(limit=16 * SHORTEST)
    subject.plan([row(number, 20, 10 * number) for number in range(3)])  # a slab of 8 places
    groups, excess = subject.plan([row(0, 21, 0), *(row(number, 100, 100 * number) for number in range(1, 7))])
    assert not excess and sorted((group.slab.first, group.slab.end) for group in groups) == [
        (0, SHORTEST),
        (SHORTEST, 13 * SHORTEST),
    ]
    assert len(moved(groups)) == 7


def test_what_lies_beyond_a_length_is_masked_for_every_head() -> None:
    mask = gathered().plan([row(0, 21, 0), row(1, 19, 20)])[0][0].mask
    assert mask.shape == (2 * HEADS, 1, SHORTEST)
    assert (mask == 0).sum(-1).flatten().tolist() == [21, 21, 19, 19]
    assert bool((mask.cumsum(-1).isfinite() == (mask == 0)).all())  # no token behind one that is masked


def test_who_is_in_the_order_of_the_step_is_known_to_be() -> None:
    subject = gathered()
    assert subject.plan([row(0, 20, 0), row(1, 21, 10)])[0][0].in_order
    assert not subject.plan([row(0, 22, 10), row(1, 21, 0)])[0][0].in_order


def test_beyond_the_limit_there_is_no_room() -> None:
    groups, excess = gathered(limit=3 * SHORTEST).plan([row(number, 20, 10 * number) for number in range(5)])
    assert sum(len(group.places) for group in groups) == 3
    assert [left.place for left in excess] == [3, 4]


def test_what_is_held_is_what_the_pages_hold() -> None:
    """A crowd that comes, grows, pauses and goes, in any order."""
    draw = random.Random(4)
    store = pages_of(400)
    subject = Gathered(store, layers=1, page_size=PAGE, limit=2_000)
    lengths = {number: draw.randint(1, 150) for number in range(12)}
    for _ in range(120):
        present = draw.sample(sorted(lengths), draw.randint(1, 12)) if draw.random() < 0.3 else sorted(lengths)
        for number in present:
            lengths[number] = draw.randint(1, 150) if draw.random() < 0.05 else lengths[number] % 240 + 1
        rows = [row(place, lengths[number], 31 * number) for place, number in enumerate(present)]
        groups, excess = subject.plan(rows)
        for group in groups:
            carry_out(group, rows, store, subject.tensors(group.slab, 0)[0])
        assert sorted([int(at) for group in groups for at in group.places] + [left.place for left in excess]) == [
            *range(len(rows))
        ]


def carry_out(group: Group, rows: list[Row], store: torch.Tensor, slab: torch.Tensor) -> None:
    """What the attention does with a group, then compare every row with its pages."""
    for number, tokens, pages in group.moved:
        slab[number, :, :tokens] = whole(store, pages)[:, :tokens]
    new = torch.stack([last_token(store, rows[int(at)]) for at in group.places])
    slab.view(-1, WIDTH).index_copy_(0, group.targets, new.reshape(-1, WIDTH))
    for number, at in enumerate(group.places.tolist()):
        length = rows[at].length
        assert torch.equal(slab[number, :, :length], whole(store, torch.tensor(rows[at].pages))[:, :length])


def whole(store: torch.Tensor, pages: torch.Tensor) -> torch.Tensor:
    return store[pages].flatten(0, 1).transpose(0, 1)


def last_token(store: torch.Tensor, of: Row) -> torch.Tensor:
    return store[of.pages[-1], (of.length - 1) % PAGE]
