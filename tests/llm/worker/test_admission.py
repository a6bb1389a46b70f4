"""Who is next: classes, turns, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.types import Priority
from llm.worker.admission import CLASSES, Admission, Full, Ticket, parse_user


def ticket(name: str, guild: str = "g", person: str = "p", priority: Priority = "interactive", cost: int = 1) -> Ticket:
    return Ticket(name, priority, guild, person, cost)


def drain(admission: Admission) -> list[str]:
    """Names in the order of their turns, each finished before the next begins."""
    order: list[str] = []
    while admitted := admission.admit():
        for entry in admitted:
            order.append(entry.id)
            admission.leave(entry.id)
    return order


def one_at_a_time(*tickets: Ticket) -> Admission:
    admission = Admission(max_waiting=100, max_running=1, capacity=100)
    for entry in tickets:
        admission.enter(entry)
    return admission


def test_first_come_first_served_for_one_person() -> None:
    assert drain(one_at_a_time(ticket("a"), ticket("b"), ticket("c"))) == ["a", "b", "c"]


def test_interactive_before_command_before_background() -> None:
    admission = one_at_a_time(
        ticket("slow", priority="background"), ticket("mid", priority="command"), ticket("now", priority="interactive")
    )
    assert drain(admission) == ["now", "mid", "slow"]


def test_guilds_take_turns_however_many_requests_one_sends() -> None:
    flood = [ticket(f"flood{n}", guild="loud", person=str(n)) for n in range(4)]
    assert drain(one_at_a_time(*flood, ticket("quiet", guild="quiet"))) == [
        "flood0",
        "quiet",
        "flood1",
        "flood2",
        "flood3",
    ]


def test_people_of_a_guild_take_turns() -> None:
    admission = one_at_a_time(ticket("a1", person="a"), ticket("a2", person="a"), ticket("b1", person="b"))
    assert drain(admission) == ["a1", "b1", "a2"]


def test_a_guild_that_was_served_goes_behind_those_that_were_not() -> None:
    admission = one_at_a_time(ticket("x1", guild="x"), ticket("y1", guild="y"), ticket("x2", guild="x"))
    assert [entry.id for entry in admission.admit()] == ["x1"]
    admission.enter(ticket("y2", guild="y"))
    admission.leave("x1")
    assert drain(admission) == ["y1", "x2", "y2"]


def test_full_is_said_and_leaves_the_queue_as_it_was() -> None:
    admission = Admission(max_waiting=2, max_running=1, capacity=10)
    admission.enter(ticket("a"))
    admission.enter(ticket("b"))
    with pytest.raises(Full):
        admission.enter(ticket("c"))
    assert drain(admission) == ["a", "b"]


def test_running_requests_do_not_count_as_waiting() -> None:
    admission = Admission(max_waiting=1, max_running=1, capacity=10)
    admission.enter(ticket("a"))
    admission.admit()
    admission.enter(ticket("b"))
    assert admission.waiting() == {"interactive": 1, "command": 0, "background": 0}
    assert admission.running == 1


def test_what_does_not_fit_the_cache_waits_and_is_not_overtaken() -> None:
    admission = Admission(max_waiting=9, max_running=9, capacity=10)
    for entry in (ticket("a", cost=6), ticket("large", cost=8), ticket("small", cost=1)):
        admission.enter(entry)
    assert [entry.id for entry in admission.admit()] == ["a"]
    admission.leave("a")
    assert [entry.id for entry in admission.admit()] == ["large", "small"]


def test_what_can_never_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="never fit"):
        Admission(max_waiting=9, max_running=9, capacity=10).enter(ticket("a", cost=11))


def test_leaving_twice_or_unknown_is_no_error() -> None:
    admission = one_at_a_time(ticket("a"), ticket("b"))
    admission.leave("b")
    admission.leave("b")
    admission.leave("never")
    assert drain(admission) == ["a"]


@pytest.mark.parametrize(
    ("user", "expected"),
    [("1/2", ("1", "2")), ("ada", ("", "ada")), (None, ("", "")), ("", ("", "")), ("1/2/3", ("1", "2/3"))],
)
def test_user_names_guild_and_person(user: str | None, expected: tuple[str, str]) -> None:
    assert parse_user(user) == expected


tickets = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from("xyz"), st.sampled_from("ab"), st.integers(1, 5)), max_size=30
)


@given(tickets, st.integers(1, 4))
def test_everybody_gets_a_turn_exactly_once_and_positions_tell_the_truth(
    entries: list[tuple[Priority, str, str, int]], max_running: int
) -> None:
    admission = Admission(max_waiting=100, max_running=max_running, capacity=10)
    for number, (priority, guild, person, cost) in enumerate(entries):
        admission.enter(Ticket(str(number), priority, guild, person, cost))
    positions = admission.positions()
    order = drain(admission)
    assert sorted(order, key=int) == [str(number) for number in range(len(entries))]
    assert positions == {name: place for place, name in enumerate(order)}
    assert admission.running == 0


@given(tickets)
def test_never_more_runs_than_is_allowed(entries: list[tuple[Priority, str, str, int]]) -> None:
    admission = Admission(max_waiting=100, max_running=3, capacity=7)
    running: dict[str, int] = {}
    for number, (priority, guild, person, cost) in enumerate(entries):
        admission.enter(Ticket(str(number), priority, guild, person, cost))
        running |= {entry.id: entry.cost for entry in admission.admit()}
        assert len(running) <= 3 and sum(running.values()) <= 7
        if number % 2 and running:
            name = next(iter(running))
            del running[name]
            admission.leave(name)
