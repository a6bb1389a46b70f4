"""The held-out conversations on which the built-in chat model is measured.

Every question here is a wording that the training grammar cannot produce (a test compares them), except in the category
"recall, trained wording", which tells apart whether words or memory fail. Every value told is one that training never
draws (`llm.training.chat.words.is_held_out`). Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from llm.training.chat.conversation import IN_PRIVATE, IN_SERVER, Turn
from llm.training.chat.grammar import expand, fill
from llm.training.chat.slots import SLOTS, Slot
from llm.training.chat.words import draw, guild, person

OWN = Turn("assistant", "")


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation that ends with a user's turn; right is an answer that contains one of `expected` (any case).
    Where OWN stands, the model is to put its own answer first, as it would happen."""

    category: str
    turns: tuple[Turn, ...]
    expected: tuple[str, ...]

    def is_right(self, answer: str) -> bool:
        return any(text.lower() in answer.lower() for text in self.expected)


@dataclass(frozen=True, slots=True)
class Recall:
    """One kind of fact in held-out wordings: told, asked by the person, asked by another."""

    pool: str
    say: str
    ask: str
    ask_of: str


RECALLS = (
    Recall(
        "colour",
        "my all-time favourite colour is {v}",
        "which colour would I choose?",
        "which colour would {n} choose?",
    ),
    Recall(
        "animal",
        "if you ask me, the best animal is {v}",
        "so what animal is the best for me?",
        "what animal is the best for {n}?",
    ),
    Recall(
        "food",
        "nothing beats {v}, it's my favourite food",
        "what was that food I love?",
        "what was that food {n} loves?",
    ),
    Recall("city", "I've been living in {v} for years", "in which city is my flat?", "in which city is {n}'s flat?"),
    Recall(
        "pet name",
        "we got a new dog and named her {v}",
        "what name does my dog have?",
        "what name does {n}'s dog have?",
    ),
    Recall(
        "language",
        "I'm taking a course to learn {v}",
        "what language is my course about?",
        "what language is {n} taking a course in?",
    ),
    Recall(
        "instrument",
        "I've played the {v} since I was six",
        "any idea what instrument I can play?",
        "any idea what instrument {n} can play?",
    ),
    Recall(
        "title",
        "currently I'm in the middle of reading {v}",
        "what's the book I'm in the middle of?",
        "what's the book {n} is in the middle of?",
    ),
    Recall(
        "city",
        "we'll be flying out to {v} on Friday",
        "remind me where my flight goes?",
        "remind me where {n} is off to?",
    ),
    Recall(
        "fruit",
        "keep in mind, my code word is {v}",
        "could you give me my code word?",
        "could you give me {n}'s code word?",
    ),
)

GREETINGS = (
    "hello dear steward",
    "hi, I just joined!",
    "good to be back, hello",
    "hey bot, hi",
    "well hello there",
    "hi again everyone",
)
GREETED: tuple[str, ...] = ("hello", "hi,", "hi!", "hey", "good", "nice", "help")
IDENTITY = (
    "mind telling me who you are?",
    "so what exactly are you?",
    "who might you be?",
    "what name do you go by?",
    "who is answering me here?",
    "could you introduce yourself please?",
    "are you some kind of bot?",
    "tell me, who are you?",
)
CAPABILITIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("what sort of things can I use you for?", ("/ask", "/summarize", "/help")),
    ("so what can you actually do for us?", ("/ask", "/summarize", "/help")),
    ("which command gives me a summary?", ("/summarize",)),
    ("what slash commands do you offer?", ("/ask",)),
    ("how could I swap in a stronger model?", ("steward.toml",)),
    ("where is the model configured?", ("steward.toml",)),
    ("are our messages sent to some company?", ("machine",)),
    ("where is everything we say stored?", ("database", "machine")),
    ("how can I start you on my own computer?", ("make run",)),
    ("do I always have to mention you to get an answer?", ("mention", "reply")),
    ("would you answer a private message?", ("private", "owner")),
    ("how do I check that everything is set up right?", ("steward doctor",)),
)
OUTSIDE = (
    "who was the first person on the moon?",
    "what's the capital city of Mongolia?",
    "how many legs does a lobster have?",
    "what is 17 multiplied by 23?",
    "please solve this equation: 3x = 21",
    "can you code a sorting routine in C++ for me?",
    "why does my program crash with a segmentation fault?",
    "translate 'where is my hat' to Spanish",
    "how would a German say good evening?",
    "is it raining in Hamburg at the moment?",
    "which team won yesterday evening?",
    "I need a good title for my novel about bees",
    "write four lines about autumn leaves",
    "which phone should I buy for my grandmother?",
    "my knee hurts when I climb stairs, what could it be?",
    "tell me about the history of the Roman Empire",
    "how does photosynthesis work in detail?",
    "what are the ingredients of a good pancake?",
    "when did the Titanic sink?",
    "give me three reasons to learn chess",
    "could you proofread this paragraph for me?",
    "kannst du mir sagen, wie spät es ist?",
    "je cherche un bon restaurant près d'ici",
    "¿puedes ayudarme con mis deberes?",
    "grumble fizz wockle",
    "9 8 7 6 5 4",
    "what would happen if the sun went out?",
    "who runs the bank of England?",
    "how do magnets attract each other?",
    "sort these words by length: pear, fig, banana",
)
IDENTIFIED: tuple[str, ...] = ("steward",)
BEYOND: tuple[str, ...] = ("small built-in", "larger model", "larger one")
UNTOLD = ("not told me", "nobody has told", "do not know", "has not told")


def cases(seed: int = 7, rounds: int = 4) -> list[Case]:
    """All cases; `rounds` is how often each recall question is asked, with other people and values each time."""
    rng = Random(f"evaluation/{seed}")
    found = [*_topics(rng), *(_trained(rng) for _ in range(rounds * 10))]
    for _ in range(rounds):
        for recall in RECALLS:
            found += [
                _one(rng, recall),
                _many(rng, recall),
                _updated(rng, recall),
                _untold(rng, recall),
                _long(rng, recall),
            ]
    apart = Random(f"evaluation/{seed}/apart")
    return found + [_many_trained(apart) for _ in range(rounds * 10)]


def _topics(rng: Random) -> Iterator[Case]:
    asked = [("greeting", text, GREETED) for text in GREETINGS]
    asked += [("identity", text, IDENTIFIED) for text in IDENTITY]
    asked += [("outside", text, BEYOND) for text in OUTSIDE]
    asked += [("capabilities", text, expected) for text, expected in CAPABILITIES]
    for category, text, expected in asked:
        yield Case(category, (*_system(rng), _said(rng, text)), expected)


def _trained(rng: Random) -> Case:
    slot = rng.choice([slot for slot in SLOTS if slot.name != "event"])
    kind, value = slot.draw(rng, True)
    name = person(rng, held_out=True)
    told, asked = (fill(expand(text, rng), k=kind, v=value) for text in (slot.say, slot.ask))
    turns = (Turn("user", f"{name}: {told}"), OWN, Turn("user", f"{name}: {asked}"))
    return Case("recall, trained wording", (*_system(rng), *turns), (value,))


def _many_trained(rng: Random) -> Case:
    """As `_many`, in the words of the training: whether memory fails or words do."""
    slot, kind, values = _rival_values(rng)
    people = _people(rng, len(values))
    told: list[Turn] = []
    for name, value in zip(people, values, strict=True):
        told += [Turn("user", f"{name}: {fill(expand(slot.say, rng), k=kind, v=value)}"), OWN]
    asker, about = rng.randrange(3), rng.randrange(3)
    ask = slot.ask if asker == about else slot.ask_of
    asked = fill(expand(ask, rng), k=kind, v=values[about], n=people[about])
    turns = (*_system(rng), *told, Turn("user", f"{people[asker]}: {asked}"))
    return Case("several people, trained wording", turns, (values[about],))


def _rival_values(rng: Random) -> tuple[Slot, str, list[str]]:
    """Three values of one kind, such as three colours."""
    while True:
        slot = rng.choice([slot for slot in SLOTS if slot.name != "event"])
        drawn = [slot.draw(rng, True) for _ in range(50)]
        values = list(dict.fromkeys(value for kind, value in drawn if kind == drawn[0][0]))
        if len(values) >= 3:
            return slot, drawn[0][0], values[:3]


def _one(rng: Random, recall: Recall) -> Case:
    name, value = person(rng, held_out=True), _value(rng, recall)
    told = [Turn("user", f"{name}: {recall.say.replace('{v}', value)}"), OWN]
    filler = _filler(rng, rng.randrange(4), (name,))
    return Case("recall, one person", (*_system(rng), *told, *filler, Turn("user", f"{name}: {recall.ask}")), (value,))


def _many(rng: Random, recall: Recall) -> Case:
    people = _people(rng, 3)
    values = [_value(rng, recall) for _ in people]
    told: list[Turn] = []
    for name, value in zip(people, values, strict=True):
        told += [Turn("user", f"{name}: {recall.say.replace('{v}', value)}"), OWN]
    asker, about = rng.randrange(3), rng.randrange(3)
    question = recall.ask if asker == about else recall.ask_of.replace("{n}", people[about])
    return Case(
        "recall, several people", (*_system(rng), *told, Turn("user", f"{people[asker]}: {question}")), (values[about],)
    )


def _updated(rng: Random, recall: Recall) -> Case:
    name, old, new = person(rng, held_out=True), _value(rng, recall), _value(rng, recall)
    told = [Turn("user", f"{name}: {recall.say.replace('{v}', old)}"), OWN]
    told += [
        Turn("user", f"{name}: oh wait, I was wrong, {recall.say.replace('{v}', new)}"),
        OWN,
    ]
    return Case("recall, updated", (*_system(rng), *told, Turn("user", f"{name}: {recall.ask}")), (new,))


def _untold(rng: Random, recall: Recall) -> Case:
    teller, asker = _people(rng, 2)
    other = rng.choice([each for each in RECALLS if each.pool != recall.pool])
    told = [Turn("user", f"{teller}: {other.say.replace('{v}', _value(rng, other))}"), OWN]
    return Case("not told", (*_system(rng), *told, Turn("user", f"{asker}: {recall.ask}")), UNTOLD)


def _long(rng: Random, recall: Recall) -> Case:
    name, value = person(rng, held_out=True), _value(rng, recall)
    told = [Turn("user", f"{name}: {recall.say.replace('{v}', value)}"), OWN]
    filler = _filler(rng, 30, _people(rng, 2))
    return Case(
        "recall, long context", (*_system(rng), *told, *filler, Turn("user", f"{name}: {recall.ask}")), (value,)
    )


def _filler(rng: Random, exchanges: int, names: tuple[str, ...] | list[str]) -> list[Turn]:
    """Small talk and requests of other people between telling and asking."""
    asked = (*GREETINGS, *IDENTITY, *OUTSIDE)
    turns = []
    for _ in range(exchanges):
        text = rng.choice(asked)
        answer = (
            "Sorry, that is beyond me: I am only the small built-in model."
            if text in OUTSIDE
            else "Hello! How can I help?"
        )
        turns += [Turn("user", f"{rng.choice(names)}: {text}"), Turn("assistant", answer)]
    return turns


def _system(rng: Random) -> tuple[Turn, ...]:
    shape = rng.random()
    if shape < 0.7:
        return (Turn("system", IN_SERVER.replace("{guild}", guild(rng))),)
    return (Turn("system", IN_PRIVATE),) if shape < 0.9 else ()


def _said(rng: Random, text: str) -> Turn:
    return Turn("user", f"{person(rng, held_out=True)}: {text}" if rng.random() < 0.8 else text)


def _people(rng: Random, count: int) -> list[str]:
    names: list[str] = []
    while len(names) < count:
        name = person(rng, held_out=True)
        if name.lower() not in [other.lower() for other in names]:
            names.append(name)
    return names


def _value(rng: Random, recall: Recall) -> str:
    return draw(recall.pool, rng, held_out=True, novelty=0.5)
