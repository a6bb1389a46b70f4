"""What telling and asking share: the sentences of `text/memory.toml`, and how they begin."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from llm.training.chat.conversation import Person
from llm.training.chat.grammar import expand, fill
from llm.training.chat.slots import Slot
from llm.training.chat.written import written

MEMORY = written("memory")


def chosen(rng: Random, templates: Sequence[str], **clauses: str) -> str:
    """One of several templates, expanded and filled."""
    return fill(expand(rng.choice(templates), rng), **clauses)


def telling(rng: Random, say: str) -> str:
    """A statement, in one case of five with some words around it."""
    return fill(rng.choice(MEMORY["frames of telling"]), say=say) if rng.random() < 0.2 else say


def asking(rng: Random, slot: Slot, own: bool) -> str:
    """A question about a slot by the person or of another; in one case of five only what is wanted, in a frame."""
    if rng.random() > 0.2:
        return slot.ask if own else slot.ask_of
    if own:
        return fill(rng.choice(MEMORY["frames of asking"]), mine=slot.mine)
    return fill(rng.choice(MEMORY["frames of asking of"]), theirs=slot.theirs)


def started(rng: Random, speaker: Person, text: str) -> str:
    """The sentence, in one case of eight after a greeting or the like."""
    if rng.random() > 0.12:
        return text
    start: str = expand(rng.choice(MEMORY["starts"]), rng)
    return f"{speaker.typing.sentence(start, rng)} {text}"
