"""What people talk about: names and values by kind, and invented words, so that the model must copy, not memorise.

An eighth of all words is held out by its checksum: training never draws it, the evaluation draws nothing else.
"""

from __future__ import annotations

from random import Random
from zlib import crc32

from llm.training.chat.written import words

# Words that everybody uses and of which there are few: all of them are trained.
CLOSED = frozenset({"day", "month", "season", "kin", "pet", "event"})


def is_held_out(value: str) -> bool:
    """Whether this value belongs to the evaluation only."""
    return crc32(value.lower().encode()) % 8 == 0


def invented(rng: Random) -> str:
    """A word that no language has (or hardly), of two or three syllables, in lower case."""
    syllables = [rng.choice(words("onsets")) + rng.choice(words("vowels")) for _ in range(rng.choice((1, 2, 2, 3)))]
    return "".join(syllables) + rng.choice(words("codas"))


def draw(kind: str, rng: Random, held_out: bool = False, novelty: float = 0.25) -> str:
    """One value of a kind of words, or with probability `novelty` an invented one; held out or not as asked."""
    pool = words("title nouns" if kind == "title" else kind)
    for _ in range(1000):
        if kind == "title" or rng.random() >= novelty:
            value = title(rng) if kind == "title" else rng.choice(pool)
        else:
            value = invented(rng)
            if pool[0][0].isupper():
                value = value.capitalize()
        if kind in CLOSED or is_held_out(value) == held_out:
            return value
    return invented(rng)


def title(rng: Random) -> str:
    """The title of a song, film, book or game that need not exist."""
    word, other = rng.choice(words("title nouns")), rng.choice(words("title nouns"))
    first = rng.choice(words("title adjectives"))
    shape = rng.randrange(5)
    if shape == 0:
        return f"{first} {word}"
    if shape == 1:
        return f"The {first} {word}"
    if shape == 2:
        return f"{word} of {other}"
    if shape == 3:
        return f"{invented(rng).capitalize()} {word}"
    return f"{word} and {other}"


def person(rng: Random, held_out: bool = False) -> str:
    """A display name as Discord shows it: mostly a first name, sometimes two words, a handle or an invented name."""
    shape = rng.random()
    if shape < 0.12 and not held_out:
        return rng.choice(("Ada", "Grace", "Linus"))
    name = draw("name", rng, held_out, novelty=0.25)
    if shape < 0.80:
        return name
    if shape < 0.86:
        return name.lower()
    if shape < 0.91:
        return f"{name} {draw('name', rng, novelty=0.5)}"
    if shape < 0.96:
        return f"{name.lower()}{rng.choice(('_', '.', ''))}{rng.randrange(1, 100)}"
    return f"{rng.choice(words('title adjectives'))}{rng.choice(words('title nouns'))}"


def guild(rng: Random) -> str:
    """The name of a Discord server."""
    shape = rng.randrange(7)
    if shape == 0:
        return "Steward Playground"
    if shape == 1:
        return " ".join(rng.choice(words(kind)) for kind in ("title adjectives", "title nouns", "guild kinds"))
    if shape == 2:
        return f"{draw('name', rng)}'s {rng.choice(words('guild kinds'))}"
    if shape == 3:
        return f"{draw('city', rng)} {rng.choice(words('hobby')).title()} {rng.choice(words('guild kinds'))}"
    if shape == 4:
        return f"The {rng.choice(words('title nouns'))} {rng.choice(words('guild kinds'))}"
    if shape == 5:
        return f"{rng.choice(words('coding'))} {rng.choice(words('guild kinds'))}"
    return invented(rng).capitalize()


def number(rng: Random, low: int, high: int, held_out: bool = False) -> str:
    """A whole number from low to high as digits, held out or not."""
    choices = [str(n) for n in range(low, high + 1) if is_held_out(str(n)) == held_out]
    return rng.choice(choices)
