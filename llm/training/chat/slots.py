"""What a person can tell about themselves: sentences from `text/slots.toml`, values drawn here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from llm.training.chat.words import draw, invented, number
from llm.training.chat.written import written

Draw = Callable[[Random, bool], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Slot:
    """One kind of fact. `say` and `ask` are by the person, `ask_of` about another, `who` asks for the person;
    `you` and `they` are the clauses in which the assistant repeats it, `yours` and `theirs` name it without the value;
    `draw` gives kind and value, held out or not. `several`: one person may tell more than one."""

    name: str
    say: str
    ask: str
    ask_of: str
    you: str
    they: str
    who: str
    yours: str
    theirs: str
    draw: Draw
    short: str = "<It's|It is> {v}."
    several: bool = False

    @property
    def mine(self) -> str:
        """`yours` as the person says it: my favourite colour, where I live."""
        return re.sub(r"\byou\b", "I", re.sub(r"\byou are\b", "I am", re.sub(r"\byour\b", "my", self.yours)))


_FAVOURITE_KINDS = {
    "colour": "colour",
    "food": "food",
    "dish": "food",
    "meal": "food",
    "animal": "animal",
    "game": "title",
    "board game": "game",
    "song": "title",
    "season": "season",
    "language": "language",
    "film": "title",
    "book": "title",
    "drink": "drink",
    "fruit": "fruit",
    "dessert": "sweet",
    "snack": "sweet",
    "city": "city",
    "country": "country",
    "sport": "sport",
    "hobby": "hobby",
    "instrument": "instrument",
    "kind of music": "music",
    "band": "title",
    "flower": "flower",
    "day": "day",
    "month": "month",
    "programming language": "coding",
    "number": "number",
    "place": "city",
    "show": "title",
    "word": "thing",
    "singer": "name",
    "vegetable": "fruit",
    "pizza topping": "thing",
}


def _favourite(rng: Random, held_out: bool) -> tuple[str, str]:
    kind = "colour" if rng.random() < 0.12 else rng.choice(list(_FAVOURITE_KINDS))
    pool = _FAVOURITE_KINDS[kind]
    if rng.random() < 0.05:
        kind = invented(rng)
    value = number(rng, 1, 999, held_out) if pool == "number" else draw(pool, rng, held_out)
    return kind, value


def _of(kind: str, *pools: str, novelty: float = 0.25) -> Draw:
    def drawn(rng: Random, held_out: bool) -> tuple[str, str]:
        return kind, draw(rng.choice(pools) if len(pools) > 1 else pools[0], rng, held_out, novelty)

    return drawn


def _with_article(pool: str) -> Draw:
    def drawn(rng: Random, held_out: bool) -> tuple[str, str]:
        noun = draw(pool, rng, held_out)
        return pool, ("an " if noun[0] in "aeiou" else "a ") + noun

    return drawn


def _pair(kind: str, pool: str) -> Draw:
    def drawn(rng: Random, held_out: bool) -> tuple[str, str]:
        return draw(kind, rng, novelty=0.03), draw(pool, rng, held_out, 0.3)

    return drawn


def _age(rng: Random, held_out: bool) -> tuple[str, str]:
    return "age", number(rng, 9, 90, held_out)


def _birthday(rng: Random, held_out: bool) -> tuple[str, str]:
    return "birthday", f"{number(rng, 1, 28, held_out)} {draw('month', rng, novelty=0)}"


def _event(rng: Random, _: bool) -> tuple[str, str]:
    day = draw("day", rng, novelty=0)
    when = rng.choice((f"on {day}", f"on {day}", f"next {day}", f"this {day}", "tomorrow", "next week", "next month"))
    return draw("event", rng, novelty=0.05), when


def _trip(rng: Random, held_out: bool) -> tuple[str, str]:
    return draw("day", rng, novelty=0), draw("city", rng, held_out)


_DRAWS: dict[str, Draw] = {
    "favourite": _favourite,
    "like": _of("like", "thing", "food", "hobby", "music", "sweet", "drink"),
    "dislike": _of("dislike", "thing", "food", "thing"),
    "pet": _pair("pet", "pet name"),
    "kin": _pair("kin", "name"),
    "job": _with_article("job"),
    "home": _of("city", "city"),
    "origin": _of("origin", "country", "city"),
    "trip": _trip,
    "age": _age,
    "birthday": _birthday,
    "event": _event,
    "making": _with_article("making"),
    "learning": _of("study", "language", "coding", "language"),
    "playing": _of("instrument", "instrument"),
    "reading": _of("title", "title"),
    "secret": _of("word", "thing", "animal", "fruit", "colour", novelty=0.6),
}

SLOTS: tuple[Slot, ...] = tuple(Slot(**entry, draw=_DRAWS[entry["name"]]) for entry in written("slots")["slot"])
