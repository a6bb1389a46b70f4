"""Who is next: classes, turns, limits. What holds over many requests is in test_fairness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.types import Priority
from llm.worker.admission import AGING, CLASSES, Admission, Full, Ticket, parse_user


def ticket(
    name: str,
    guild: str = "g",
    person: str = "p",
    priority: Priority = "interactive",
    cost: int = 1,
    answer: int = 0,
) -> Ticket:
    return Ticket(name, priority, guild, person, cost, answer)


def admitted(admission: Admission) -> list[str]:
    return [entry.id for entry in admission.admit()]


def drain(admission: Admission) -> list[str]:
    """Names in the order of their turns, each with its whole cost and finished before the next begins."""
    order: list[str] = []
    while entries := admission.admit():
        for entry in entries:
            order.append(entry.id)
            admission.spend(entry.id, entry.answer)
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
    assert admitted(admission) == ["x1"]
    admission.enter(ticket("y2", guild="y"))
    admission.leave("x1")
    assert drain(admission) == ["y1", "x2", "y2"]


def test_what_was_said_counts_and_not_what_might_have_been() -> None:
    admission = one_at_a_time(*(ticket(f"{g}{n}", guild=g, cost=1, answer=40) for n in range(9) for g in "xy"))
    order = ""
    for _ in range(10):
        (entry,) = admission.admit()
        admission.spend(entry.id, 19 if entry.guild == "x" else 4)
        admission.leave(entry.id)
        order += entry.guild
    assert order.count("x") == 2


def test_prompt_tokens_that_were_reused_are_given_back() -> None:
    admission = one_at_a_time(*(ticket(f"{g}{n}", guild=g, cost=10) for n in range(9) for g in "xy"))
    order = ""
    for _ in range(9):
        (entry,) = admission.admit()
        admission.spend(entry.id, -5 if entry.guild == "y" else 0)
        admission.leave(entry.id)
        order += entry.guild
    assert order.count("x") == 3


def test_a_class_that_waits_goes_first_when_enough_has_gone_before_it() -> None:
    crowd = [ticket(f"now{n}") for n in range(AGING + 3)]
    order = drain(one_at_a_time(*crowd, ticket("late", priority="background")))
    assert order.index("late") == AGING


def test_ageing_begins_when_a_class_begins_to_wait() -> None:
    admission = one_at_a_time(*(ticket(f"now{n}") for n in range(2 * AGING)))
    for _ in range(AGING):
        (entry,) = admission.admit()
        admission.leave(entry.id)
    admission.enter(ticket("late", priority="command"))
    assert drain(admission)[-1] == "late"


def test_full_is_said_and_leaves_the_queue_as_it_was() -> None:
    admission = Admission(max_waiting=2, max_running=1, capacity=10)
    admission.enter(ticket("a"))
    admission.enter(ticket("b"))
    with pytest.raises(Full) as full:
        admission.enter(ticket("c"))
    assert (full.value.who, full.value.waiting) == ("queue", 2)
    assert drain(admission) == ["a", "b"]


@pytest.mark.parametrize(
    ("who", "guild", "person", "priority", "waiting"),
    [
        ("guild", "g", None, "interactive", 80),
        ("person", "g", "p", "interactive", 60),
        ("command", None, None, "command", 72),
        ("background", None, None, "background", 45),
        ("guild", "", "", "interactive", 80),
    ],
)
def test_nobody_fills_the_queue_alone(
    who: str, guild: str | None, person: str | None, priority: Priority, waiting: int
) -> None:
    admission = Admission(max_waiting=90, max_running=1, capacity=10)
    with pytest.raises(Full) as full:
        for number in range(90):
            name = str(number)
            admission.enter(Ticket(name, priority, name if guild is None else guild, person or name[:0], 1, 0))
            if person is None and guild:
                admission.leave(name)
                admission.enter(Ticket(name, priority, guild, name, 1, 0))
    assert (full.value.who, full.value.waiting) == (who, waiting)
    admission.check("interactive", "new", "new")


def test_running_requests_do_not_count_as_waiting() -> None:
    admission = Admission(max_waiting=1, max_running=1, capacity=10)
    admission.enter(ticket("a"))
    admission.admit()
    admission.enter(ticket("b"))
    assert admission.waiting() == {"interactive": 1, "command": 0, "background": 0}
    assert admission.running == 1


def test_what_does_not_fit_is_overtaken_by_as_much_as_it_wants_itself_and_no_more() -> None:
    admission = Admission(max_waiting=20, max_running=9, capacity=10)
    admission.enter(ticket("a", guild="a", cost=6))
    assert admitted(admission) == ["a"]
    admission.enter(ticket("large", guild="large", cost=8))
    for number in range(6):
        admission.enter(ticket(f"small{number}", guild="small", cost=2))
    assert admitted(admission) == ["small0", "small1"]
    admission.leave("small0")
    admission.leave("small1")
    assert admitted(admission) == ["small2", "small3"]
    admission.leave("small2")
    assert admitted(admission) == []
    admission.leave("small3")
    assert admitted(admission) == []
    admission.leave("a")
    assert admitted(admission) == ["large", "small4"]


def test_room_is_given_in_whole_pages() -> None:
    admission = Admission(max_waiting=9, max_running=9, capacity=64, page=32)
    for name in "abc":
        admission.enter(ticket(name, cost=1))
    assert admitted(admission) == ["a", "b"]
    assert admission.held == 64


def test_the_background_leaves_places_and_cache_to_people() -> None:
    admission = Admission(max_waiting=100, max_running=8, capacity=100)
    for number in range(8):
        admission.enter(ticket(f"slow{number}", priority="background"))
    assert len(admitted(admission)) == 6
    admission.enter(ticket("now"))
    assert admitted(admission) == ["now"]


def test_one_background_request_may_have_all_the_cache_but_a_second_one_may_not_follow() -> None:
    admission = Admission(max_waiting=100, max_running=8, capacity=100)
    for name, cost in (("large", 90), ("small", 5)):
        admission.enter(ticket(name, priority="background", cost=cost))
    assert admitted(admission) == ["large"]
    admission.leave("large")
    assert admitted(admission) == ["small"]


def test_background_that_rests_does_not_keep_people_waiting() -> None:
    admission = Admission(max_waiting=100, max_running=2, capacity=100)
    for name in ("slow1", "slow2"):
        admission.enter(ticket(name, priority="background", cost=60))
    assert admitted(admission) == ["slow1"]
    for number in range(3 * AGING):
        admission.enter(ticket(f"now{number}", cost=40))
        assert admitted(admission) == [f"now{number}"]
        admission.leave(f"now{number}")


def test_what_can_never_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="never fit"):
        Admission(max_waiting=9, max_running=9, capacity=10).enter(ticket("a", cost=11))


def test_leaving_or_spending_twice_or_unknown_is_no_error() -> None:
    admission = one_at_a_time(ticket("a"), ticket("b"))
    admission.leave("b")
    admission.leave("b")
    admission.leave("never")
    admission.spend("never", 5)
    assert drain(admission) == ["a"]


@pytest.mark.parametrize(
    ("user", "expected"),
    [("1/2", ("1", "2")), ("ada", ("", "ada")), (None, ("", "")), ("", ("", "")), ("1/2/3", ("1", "2/3"))],
)
def test_user_names_guild_and_person(user: str | None, expected: tuple[str, str]) -> None:
    assert parse_user(user) == expected


tickets = st.lists(
    st.tuples(
        st.sampled_from(CLASSES), st.sampled_from("xyz"), st.sampled_from("ab"), st.integers(1, 9), st.integers(0, 9)
    ),
    max_size=30,
)


@given(tickets)
def test_everybody_gets_a_turn_exactly_once_in_the_order_foretold(
    entries: list[tuple[Priority, str, str, int, int]],
) -> None:
    admission = one_at_a_time(*(Ticket(str(number), *entry) for number, entry in enumerate(entries)))
    foretold = [entry.id for entry in admission.order()]
    assert drain(admission) == foretold
    assert sorted(foretold, key=int) == [str(number) for number in range(len(entries))]
    assert admission.running == 0
