"""Whose turn it is: accounts, newcomers, debts."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from llm.worker.shares import Share


@dataclass(frozen=True)
class Entry:
    path: tuple[str, str]
    cost: int
    number: int = 0


def add(share: Share[Entry], guild: str, person: str = "p", cost: int = 1, number: int = 0) -> Entry:
    entry = Entry((guild, person), cost, number)
    share.add(entry.path, entry)
    return entry


def begin(share: Share[Entry]) -> Entry:
    """The next one gets its turn and uses up its cost."""
    entry = next(share.heads())
    share.take(entry.path)
    share.spend(entry.path, entry.cost, entry.cost)
    return entry


def serve(share: Share[Entry]) -> Entry:
    """The next one from beginning to end."""
    entry = begin(share)
    share.end(entry.path)
    return entry


def served(share: Share[Entry], turns: int) -> str:
    return "".join(serve(share).path[0] for _ in range(turns))


def test_turns_are_weighted_by_tokens() -> None:
    share: Share[Entry] = Share()
    for _ in range(12):
        add(share, "a", cost=30)
        add(share, "b", cost=10)
    order = served(share, 12)
    assert (order.count("a"), order.count("b")) == (3, 9)


def test_people_share_what_their_guild_gets() -> None:
    share: Share[Entry] = Share()
    for _ in range(8):
        add(share, "a", "flood")
        add(share, "a", "quiet")
        add(share, "b", "alone")
    people = [serve(share).path[1] for _ in range(8)]
    assert [people.count(name) for name in ("flood", "quiet", "alone")] == [2, 2, 4]


def test_who_was_away_has_not_saved_anything_up() -> None:
    share: Share[Entry] = Share()
    for _ in range(40):
        add(share, "a", cost=10)
        add(share, "b", cost=10)
    served(share, 40)
    for _ in range(20):
        add(share, "new", cost=10)
    assert served(share, 30).count("new") == 10


def test_a_debt_is_not_lost_by_leaving_while_others_wait() -> None:
    share: Share[Entry] = Share()
    for _ in range(9):
        add(share, "a", cost=10)
    add(share, "huge", cost=50)
    served(share, 2)
    add(share, "huge", cost=10)
    assert served(share, 5) == "aaaahuge"


def test_debts_are_forgotten_when_everybody_has_gone() -> None:
    share: Share[Entry] = Share()
    add(share, "huge", cost=1000)
    serve(share)
    add(share, "huge", cost=1)
    add(share, "a", cost=1)
    assert served(share, 2) == "hugea"


def test_what_is_given_back_counts() -> None:
    share: Share[Entry] = Share()
    for _ in range(8):
        add(share, "a", cost=10)
        add(share, "b", cost=10)
    order = ""
    for _ in range(9):
        entry = begin(share)
        if entry.path[0] == "a":
            share.spend(entry.path, -5, entry.cost)
        share.end(entry.path)
        order += entry.path[0]
    assert order.count("a") == 6


def test_an_endless_row_of_newcomers_does_not_starve_a_debtor() -> None:
    share: Share[Entry] = Share()
    add(share, "debtor", cost=100)
    add(share, "0", cost=10)
    serve(share)
    add(share, "debtor", cost=10)
    for number in range(1, 1000):
        add(share, str(number), cost=10)
        if serve(share).path[0] == "debtor":
            break
    assert number < 50


entries = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(1, 9)), max_size=25)


@given(entries, entries)
def test_the_order_foretold_is_the_order_kept(
    before: list[tuple[str, str, int]], later: list[tuple[str, str, int]]
) -> None:
    share: Share[Entry] = Share()
    for number, (guild, person, cost) in enumerate(before):
        add(share, guild, person, cost, number)
    for _ in before[::2]:
        begin(share)
    for number, (guild, person, cost) in enumerate(later):
        add(share, guild, person, cost, 100 + number)
    foretold = list(share.order())
    assert [serve(share) for _ in range(share.waiting)] == foretold


@given(entries, st.lists(st.integers(0, 24)))
def test_what_was_removed_leaves_no_trace(added: list[tuple[str, str, int]], gone: list[int]) -> None:
    share: Share[Entry] = Share()
    waiting = [add(share, guild, person, cost, number) for number, (guild, person, cost) in enumerate(added)]
    for place in gone:
        if place < len(waiting):
            entry = waiting.pop(place)
            share.remove(entry.path, entry)
    assert share.waiting == len(waiting)
    assert sorted(entry.number for entry in share.order()) == [entry.number for entry in waiting]
    for _ in waiting:
        serve(share)
    assert share.waiting == 0 and not share._parts
