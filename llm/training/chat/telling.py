"""The exchanges in which people tell, correct and introduce themselves. The sentences are in `text/memory.toml`.

Each function writes one line or more of a person into the conversation and returns what the assistant should answer,
or None where it does not fit.
"""

from __future__ import annotations

from llm.training.chat.conversation import Conversation, Fact, Person
from llm.training.chat.grammar import expand, fill, joined
from llm.training.chat.phrases import MEMORY, started, telling
from llm.training.chat.slots import SLOTS
from llm.training.chat.words import person


def draw_fact(talk: Conversation, speaker: Person, about: str) -> Fact | None:
    """A fact that was not told yet, in one case of three of a kind that somebody else told; None where nothing fits."""
    others = [fact for fact in talk.facts if fact.about != about]
    if others and talk.rng.random() < 0.33:
        like = talk.rng.choice(others)
        fact = draw_like(talk, speaker, about, like)
        return fact if fact and not talk.known(about, fact.slot, fact.kind) else None
    slot = talk.rng.choice(SLOTS if talk.rng.random() < 0.65 else SLOTS[:2])
    for _ in range(8):
        kind, value = slot.draw(talk.rng, False)
        if len(talk.known(about, slot, kind)) < (3 if slot.several else 1):
            return Fact(about, slot, speaker.typing.value(kind), speaker.typing.value(value))
    return None


def draw_like(talk: Conversation, speaker: Person, about: str, like: Fact) -> Fact | None:
    """A fact of the same slot and kind as another, with its own value; None where the kind is too rare to be drawn."""
    for _ in range(300):
        kind, value = like.slot.draw(talk.rng, False)
        if kind.lower() == like.kind.lower():
            return Fact(about, like.slot, speaker.typing.value(kind), speaker.typing.value(value))
    return None


def tell(talk: Conversation, speaker: Person) -> str | None:
    """Somebody tells a fact about themselves; the answer repeats it."""
    fact = draw_fact(talk, speaker, speaker.name)
    return None if fact is None else _told(talk, speaker, fact)


def tell_alike(talk: Conversation, speaker: Person, first: Fact | None) -> tuple[Fact | None, str | None]:
    """The first of several people tells any fact, the others one of the same kind: the first one's, and the answer."""
    slot = talk.rng.choice(SLOTS)
    drawn = Fact("", slot, *slot.draw(talk.rng, False)) if first is None else first
    fact = draw_like(talk, speaker, speaker.name, drawn)
    return drawn, None if fact is None else _told(talk, speaker, fact)


def _told(talk: Conversation, speaker: Person, fact: Fact) -> str:
    text = fact.render(talk.sentence(speaker, telling(talk.rng, fact.slot.say)))
    talk.write(speaker, started(talk.rng, speaker, text))
    talk.learn(fact)
    return _noted(talk, fact.render(fact.slot.you), speaker)


def tell_several(talk: Conversation, speakers: list[Person]) -> str | None:
    """Several facts in one turn, of one person or more; the answer repeats them all."""
    clauses = []
    for speaker in speakers:
        fact = draw_fact(talk, speaker, speaker.name)
        if fact is None:
            continue
        talk.write(speaker, fact.render(talk.sentence(speaker, telling(talk.rng, fact.slot.say))))
        talk.learn(fact)
        mine = all(other is speaker for other in speakers)
        clauses.append(fact.render(fact.slot.you if mine else fact.slot.they))
    if not clauses:
        return None
    return expand(f"<Noted|Got it|Good to know|Understood>: {joined(clauses)}.", talk.rng)


def tell_of(talk: Conversation, speaker: Person) -> str | None:
    """Somebody tells a fact about another person, who may not be here."""
    others = [other.name for other in talk.people if other is not speaker and other.name]
    known = [fact.about for fact in talk.facts if fact.about != speaker.name]
    about = talk.rng.choice([*others, *known, person(talk.rng)])
    fact = draw_fact(talk, speaker, about)
    if fact is None:
        return None
    start = talk.rng.choice(("", "", MEMORY["start about"], "my friend {n}: ")) if about else ""
    text = talk.sentence(speaker, start + fact.slot.they)
    talk.write(speaker, fact.render(text))
    talk.learn(fact)
    return _noted(talk, fact.render(fact.slot.they), speaker)


def correct(talk: Conversation, speaker: Person) -> str | None:
    """Somebody takes a fact back and gives another value."""
    mine = [fact for fact in talk.facts if fact.about == speaker.name and not fact.slot.several]
    if not mine:
        return None
    old = talk.rng.choice(mine)
    fact = draw_like(talk, speaker, speaker.name, old)
    if fact is None or fact.value.lower() == old.value.lower():
        return None
    start = MEMORY["start correction"]
    if old is talk.facts[-1] and "It's" in old.slot.short and talk.rng.random() < 0.5:
        text = talk.sentence(speaker, start + MEMORY["short correction"])
    else:
        text = talk.sentence(speaker, start + fact.slot.say + "< now|||>")
    talk.write(speaker, fact.render(text))
    talk.learn(fact)
    return fill(expand(talk.rng.choice(MEMORY["changed"]), talk.rng), clause=fact.render(fact.slot.you))


def introduce(talk: Conversation, speaker: Person) -> str | None:
    """Somebody says how they want to be called."""
    if speaker.name in talk.names:
        return None
    name = speaker.typing.value(person(talk.rng)) if not speaker.name or talk.rng.random() < 0.6 else speaker.name
    text = talk.sentence(
        speaker,
        MEMORY["introduction"],
    )
    talk.write(speaker, started(talk.rng, speaker, fill(text, n=name)))
    talk.names[speaker.name] = name
    return fill(expand(MEMORY["welcome"], talk.rng), n=name)


def _noted(talk: Conversation, clause: str, speaker: Person) -> str:
    text = fill(expand(talk.rng.choice(MEMORY["noted"]), talk.rng), clause=clause)
    name = talk.call(speaker)
    if name and talk.rng.random() < 0.15:
        return f"Thank you, {name}. {text}"
    return text
