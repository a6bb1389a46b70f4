"""One conversation of the corpus: who speaks, what they told so far, and the turns that came of it.

Knows the exact text that the model will see (system prompts, "Name: text"); knows nothing of tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from llm.training.chat.grammar import Typing, expand, fill
from llm.training.chat.slots import Slot

# Exactly what the bot sends (bot.conversation.context.system_prompt); a test compares them.
_MANNERS = (
    "every message begins with its author's name. You run on this community's own machine. "
    "Answer briefly, kindly and honestly, and say so when you do not know."
)
IN_SERVER = (
    "You are Steward, the assistant of the Discord server {guild}. Several people may talk with you; " + _MANNERS
)
IN_PRIVATE = "You are Steward, talking with one person in a private conversation; " + _MANNERS
OTHER_PROMPTS = (
    "You are Steward<|, a helpful assistant>.",
    "You are <a|the> <helpful |friendly |>assistant.",
    "You are Steward, <the|a self-hosted> assistant of a community. <Answer briefly|Be kind and brief>.",
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says; `role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who writes; `name` is empty where the engine is called without names."""

    name: str
    typing: Typing


@dataclass(frozen=True, slots=True)
class Fact:
    """Something told: about whom, which slot, of which kind, with which value, as it was typed."""

    about: str
    slot: Slot
    kind: str
    value: str

    def render(self, template: str) -> str:
        return fill(template, k=self.kind, v=self.value, n=self.about)


@dataclass(slots=True)
class Conversation:
    """Grows turn by turn. `pending` holds the lines of the user turn that is being written."""

    rng: Random
    people: list[Person]
    guild: str | None
    turns: list[Turn] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    spoken: list[tuple[Person, str]] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)

    def write(self, person: Person, text: str) -> None:
        """One line of the current user turn."""
        self.spoken.append((person, text))
        self.pending.append(f"{person.name}: {text}" if person.name else text)

    def reply(self, text: str) -> None:
        """Close the user turn and answer it."""
        self.turns += [Turn("user", "\n".join(self.pending)), Turn("assistant", text)]
        self.pending = []

    def sentence(self, person: Person, template: str, **slots: str) -> str:
        """A sentence in this person's way of typing, its slots filled as given."""
        return fill(person.typing.sentence(expand(template, self.rng), self.rng), **slots)

    def known(self, about: str, slot: Slot, kind: str) -> list[Fact]:
        return [
            fact for fact in self.facts if (fact.about, fact.slot, fact.kind.lower()) == (about, slot, kind.lower())
        ]

    def learn(self, fact: Fact) -> None:
        """Remember a fact; a newer value replaces an older one, except where several hold at once."""
        if not fact.slot.several:
            for old in self.known(fact.about, fact.slot, fact.kind):
                self.facts.remove(old)
        self.facts.append(fact)

    def call(self, person: Person) -> str:
        """The name by which to address somebody: what they asked for, else the one they write under; may be empty."""
        return self.names.get(person.name, person.name)
