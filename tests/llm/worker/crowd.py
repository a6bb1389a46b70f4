"""A crowd for admission: guilds that ask, and an engine that says one token of every running answer per step. Pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from llm.types import Priority
from llm.worker.admission import Admission, Full, Ticket


@dataclass(frozen=True)
class Habit:
    """How one guild asks: so many requests at a time, from so many people; answers are shorter than their limit."""

    at_once: int
    people: int = 1
    prompt: tuple[int, int] = (50, 50)
    answer: tuple[int, int] = (20, 20)
    limit: int = 64
    priority: Priority = "interactive"


@dataclass
class Crowd:
    """Keeps every guild at its number of requests, and counts the tokens that each has got."""

    admission: Admission
    habits: Mapping[str, Habit]
    draw: random.Random = field(default_factory=lambda: random.Random(0))
    got: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    _asked: Counter[str] = field(default_factory=Counter)
    _open: Counter[str] = field(default_factory=Counter)
    _left: dict[str, int] = field(default_factory=dict)  # tokens that a running answer will still have
    _tickets: dict[str, Ticket] = field(default_factory=dict)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self._ask()
            for ticket in self.admission.admit():
                self._left[ticket.id] = min(ticket.answer, self.draw.randint(*self.habits[ticket.guild].answer))
                self._tickets[ticket.id] = ticket
                self.got[ticket.guild] += ticket.prompt
            self._say()

    def shares(self, guilds: int) -> dict[str, float]:
        """What each guild got over its fair share."""
        return {name: self.got[name] * guilds / self.got.total() for name in self.habits}

    def _ask(self) -> None:
        for name, habit in self.habits.items():
            while self._open[name] < habit.at_once:
                self._asked[name] += 1
                person = str(self._asked[name] % habit.people)
                prompt = self.draw.randint(*habit.prompt)
                number = f"{name}-{self._asked[name]}"
                try:
                    self.admission.enter(Ticket(number, habit.priority, name, person, prompt, habit.limit))
                except Full:
                    self.refused[name] += 1
                    break
                self._open[name] += 1

    def _say(self) -> None:
        for number in list(self._left):
            ticket = self._tickets[number]
            self._left[number] -= 1
            self.admission.spend(number, 1)
            self.got[ticket.guild] += 1
            if self._left[number] <= 0:
                self.admission.leave(number)
                self._open[ticket.guild] -= 1
                self.ended[ticket.guild] += 1
                del self._left[number], self._tickets[number]
