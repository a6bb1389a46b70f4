"""Properties of admission over many requests: everybody gets a share, nobody starves, nothing is lost or idle."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from llm.types import Priority
from llm.worker.admission import CLASSES, Admission, Full, Ticket
from tests.llm.worker.crowd import Crowd, Habit

GUILDS = [str(number) for number in range(8)]
FAIR = 0.8
QUICK = settings(max_examples=10, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])


@st.composite
def habits(draw: st.DrawFn) -> Habit:
    """Somebody who asks for a few things at a time; prompts and answers of any length, limits far above the answers."""
    shortest, longest = sorted((draw(st.integers(1, 150)), draw(st.integers(1, 150))))
    least, most = sorted((draw(st.integers(1, 60)), draw(st.integers(1, 60))))
    limit = most + draw(st.integers(0, 200))
    return Habit(draw(st.integers(1, 12)), draw(st.integers(1, 4)), (shortest, longest), (least, most), limit)


@settings(QUICK, max_examples=20)
@given(
    st.lists(habits(), min_size=8, max_size=8),
    st.sets(st.sampled_from(GUILDS[1:]), min_size=1),
    st.integers(4, 32),
    st.integers(0, 2**16),
)
def test_a_flood_does_not_cost_the_other_guilds_their_share(
    asking: list[Habit], busy: set[str], places: int, seed: int
) -> None:
    """Of those who want it: busy guilds always ask for more than all places could run, so that each could use its
    share. The rest ask for little, which may come to less than a share; that they do not wait long is tested below."""
    crowd = dict(zip(GUILDS, asking, strict=True))
    crowd["0"] = replace(crowd["0"], at_once=100, people=50)
    crowd |= {name: replace(crowd[name], at_once=places + crowd[name].at_once) for name in busy}
    subject = Crowd(Admission(256, places, 100_000), crowd, random.Random(seed))
    subject.run(12_000 // places)
    shares = subject.shares(len(GUILDS))
    assert min(shares[name] for name in busy) >= FAIR


def test_who_had_everything_while_alone_is_not_shut_out_when_the_others_come() -> None:
    crowd = {"flood": Habit(100, 50, answer=(40, 40))}
    subject = Crowd(Admission(256, 32, 100_000), crowd)
    subject.run(30)
    crowd |= {name: Habit(8, 4) for name in GUILDS[1:]}
    subject.got.clear()
    subject.run(150)
    shares = subject.shares(len(GUILDS))
    assert 0.7 <= shares.pop("flood") <= 2
    assert min(shares.values()) >= FAIR


def test_long_answers_from_the_time_alone_are_owed_in_part_only() -> None:
    """They have ended when we begin to count; were all of them owed, little new would begin."""
    crowd = {"flood": Habit(100, 50, answer=(100, 100), limit=100)}
    subject = Crowd(Admission(256, 32, 100_000), crowd)
    subject.run(50)
    crowd |= {name: Habit(8, 4) for name in GUILDS[1:]}
    subject.run(50)
    subject.got.clear()
    subject.run(300)
    assert min(subject.shares(len(GUILDS)).values()) >= FAIR


@QUICK
@given(st.integers(1, 400), st.integers(1, 60), st.integers(2, 8))
def test_one_who_asks_one_thing_at_a_time_waits_for_one_end_at_most(limit: int, answer: int, places: int) -> None:
    """The flood's answers are shorter than they might be: what it only reserved must not put the other one behind."""
    flood = Habit(60, 30, answer=(1, 5), limit=400)
    quiet = Habit(1, answer=(min(answer, limit),) * 2, limit=limit)
    subject = Crowd(Admission(256, places, 100_000), {"flood": flood, "quiet": quiet})
    subject.run(200)
    subject.got.clear()
    before = subject.ended["quiet"]
    subject.run(1000)
    spell = min(answer, limit) + 5  # its own answer, and at most the rest of one of the flood's
    assert subject.ended["quiet"] - before >= 1000 // spell - 1


@QUICK
@given(st.integers(2, 5), st.integers(4, 16))
def test_people_share_what_their_guild_has(people: int, places: int) -> None:
    """One person of a guild floods; the others keep theirs."""
    subject = Admission(256, places, 100_000)
    got, waiting, number = Counter[int](), Counter[int](), 0
    for _ in range(100):
        for person in range(people):
            while waiting[person] < (100 if person == 0 else places):
                number += 1
                subject.enter(Ticket(str(number), "interactive", "g", str(person), 10, 10))
                waiting[person] += 1
        for ticket in subject.admit():
            subject.spend(ticket.id, 10)
            subject.leave(ticket.id)
            got[int(ticket.person)] += 20
            waiting[int(ticket.person)] -= 1
    assert min(got[person] for person in range(people)) * people >= FAIR * got.total()


@pytest.mark.parametrize("late", ["command", "background"])
@settings(QUICK, max_examples=20)
@given(urgent=st.integers(2, 40), places=st.integers(1, 16), cost=st.integers(1, 500))
def test_the_less_urgent_is_let_past_in_the_end(late: Priority, urgent: int, places: int, cost: int) -> None:
    crowd = {
        "now": Habit(urgent * places, 9, answer=(10, 10), limit=10),
        "late": Habit(1, prompt=(cost, cost), answer=(1, 1), limit=1, priority=late),
    }
    subject = Crowd(Admission(2000, places, 100_000), crowd)
    subject.run(10)
    passed = subject.got["now"]
    while not subject.ended["late"]:
        subject.run(1)
        assert subject.got["now"] - passed <= 8 * (cost + 1) + 60 * (2 * places + 1)
    assert subject.ended["now"]


@QUICK
@given(st.integers(200, 1000), st.integers(1, 8))
def test_small_and_huge_jobs_both_get_on(huge: int, small: int) -> None:
    crowd = {
        "huge": Habit(1, prompt=(huge - 20, huge - 20), answer=(20, 20), limit=20),
        "small": Habit(4 * small, 4, answer=(10, 10), limit=10),
    }
    subject = Crowd(Admission(256, 16, 1000), crowd)
    subject.run(1000)
    assert subject.ended["huge"] >= 5
    assert subject.ended["small"] >= 50


def test_nobody_new_is_refused_while_one_floods() -> None:
    crowd = {"flood": Habit(10_000, 3000)} | {name: Habit(3) for name in GUILDS}
    subject = Crowd(Admission(256, 8, 100_000), crowd)
    subject.run(500)
    assert set(subject.refused) == {"flood"}


class Counters(RuleBasedStateMachine):
    """Random comings and goings; whatever happens, the sums are right and no place is idle without a reason."""

    def __init__(self) -> None:
        super().__init__()
        self.admission = Admission(max_waiting=12, max_running=4, capacity=320, page=16)
        self.capacity = 320
        self.waiting: dict[str, Ticket] = {}
        self.running: dict[str, Ticket] = {}
        self.number = 0

    @rule(
        priority=st.sampled_from(CLASSES),
        guild=st.sampled_from(["", "x", "y"]),
        person=st.sampled_from(["", "a", "b"]),
        prompt=st.integers(0, 200),
        answer=st.integers(1, 120),
    )
    def enter(self, priority: Priority, guild: str, person: str, prompt: int, answer: int) -> None:
        self.number += 1
        ticket = Ticket(str(self.number), priority, guild, person, prompt, answer)
        try:
            self.admission.enter(ticket)
        except Full:
            assert self.waiting
        except ValueError:
            assert pages(ticket) > self.capacity
        else:
            self.waiting[ticket.id] = ticket

    @rule()
    def admit(self) -> None:
        for ticket in self.admission.admit():
            self.running[ticket.id] = self.waiting.pop(ticket.id)
        if not self.running:
            assert not self.waiting
        assert sum(map(pages, self.running.values())) <= max(self.capacity, self.before)

    @precondition(lambda self: self.running)
    @rule(draw=st.data(), tokens=st.integers(-5, 50))
    def spend(self, draw: st.DataObject, tokens: int) -> None:
        self.admission.spend(draw.draw(st.sampled_from(sorted(self.running))), tokens)

    @precondition(lambda self: self.running or self.waiting)
    @rule(draw=st.data())
    def leave(self, draw: st.DataObject) -> None:
        name = draw.draw(st.sampled_from(sorted([*self.running, *self.waiting])))
        self.admission.leave(name)
        self.running.pop(name, None)
        self.waiting.pop(name, None)

    @rule(capacity=st.sampled_from([160, 240, 320]))
    def resize(self, capacity: int) -> None:
        lost = self.admission.resize(capacity)
        self.capacity = capacity
        assert {ticket.id for ticket in lost} == {name for name, it in self.waiting.items() if pages(it) > capacity}
        for ticket in lost:
            del self.waiting[ticket.id]

    @property
    def before(self) -> int:
        """Jobs that began before the cache shrank hold what they hold."""
        return 320

    @invariant()
    def the_sums_are_right(self) -> None:
        waiting = [ticket.priority for ticket in self.waiting.values()]
        assert self.admission.waiting() == {name: waiting.count(name) for name in CLASSES}
        assert sum(self.admission.waiting().values()) <= 12
        assert self.admission.wanted == sum(ticket.cost for ticket in self.waiting.values())
        assert self.admission.running == len(self.running) <= 4
        assert self.admission.held == sum(map(pages, self.running.values()))
        assert sorted(ticket.id for ticket in self.admission.order()) == sorted(self.waiting)

    def teardown(self) -> None:
        for name in [*self.running, *self.waiting]:
            self.admission.leave(name)
        assert (self.admission.running, self.admission.held, self.admission.wanted) == (0, 0, 0)
        assert not self.admission._groups and not any(line._parts for line in self.admission._lines.values())


def pages(ticket: Ticket) -> int:
    return -(-ticket.cost // 16) * 16


TestCounters = Counters.TestCase
TestCounters.settings = settings(QUICK, max_examples=40, stateful_step_count=40)


@settings(QUICK, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(CLASSES[:2]), st.sampled_from("xyz"), st.integers(1, 9)), max_size=30))
def test_no_place_is_idle_while_somebody_waits(asked: list[tuple[Priority, str, int]]) -> None:
    subject = Admission(max_waiting=100, max_running=5, capacity=1000)
    for number, (priority, guild, cost) in enumerate(asked):
        subject.enter(Ticket(str(number), priority, guild, "p", cost, 0))
    running: list[Ticket] = []
    while running or subject.wanted:
        running += subject.admit()
        assert subject.running == 5 or not subject.wanted
        subject.leave(running.pop(0).id)
