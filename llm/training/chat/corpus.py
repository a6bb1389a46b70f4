"""Whole conversations, any number of them, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from llm.training.chat import asking, outside, telling
from llm.training.chat.conversation import IN_PRIVATE, IN_SERVER, OTHER_PROMPTS, Conversation, Fact, Person, Turn
from llm.training.chat.grammar import Typing, expand, fill
from llm.training.chat.phrases import MEMORY
from llm.training.chat.topics import TOPICS
from llm.training.chat.words import guild, person

Exchange = Callable[[Conversation, Person], str | None]

_WEIGHTED_TOPICS = [topic for topic in TOPICS for _ in range(topic.weight)]
# How long conversations are: (share, fewest exchanges, most exchanges).
Lengths = tuple[tuple[int, int, int], ...]
SHORT: Lengths = ((1, 1, 3),)
USUAL: Lengths = ((38, 1, 4), (45, 5, 10), (12, 11, 20), (3, 21, 39), (2, 40, 75))
LONG: Lengths = ((25, 1, 4), (40, 5, 10), (20, 11, 20), (9, 21, 39), (6, 40, 75))
DRILL: Lengths = ((1, 4, 12),)
RIVALS: Lengths = ((1, 2, 4),)
Parts = tuple[tuple[int, Lengths], ...]
"""How many conversations of which lengths; DRILL and RIVALS are kinds of their own."""


def conversations(seed: int | str, count: int, lengths: Lengths = USUAL) -> Iterator[list[Turn]]:
    """`count` conversations, each of which depends on the seed and its place only."""
    for index in range(count):
        yield conversation(Random(f"{seed}/{index}"), lengths)


def conversation(rng: Random, lengths: Lengths = USUAL) -> list[Turn]:
    """One conversation, beginning with its system prompt when it has one. Those of the lengths DRILL are about memory
    only, so that the model learns early to look back."""
    if lengths == RIVALS:
        return _rivals(rng, lengths[0])
    talk = _opened(rng)
    table = _DRILLS if lengths == DRILL else _USUAL
    exchanges, weights = [exchange for _, exchange in table], [weight for weight, _ in table]
    _, low, high = rng.choices(lengths, weights=[share for share, *_ in lengths])[0]
    length = rng.randint(low, high)
    while len([turn for turn in talk.turns if turn.role == "assistant"]) < length:
        speaker = rng.choice(talk.people) if rng.random() < 0.5 else talk.people[0]
        exchange = rng.choices(exchanges, weights=weights)[0]
        if len(talk.people) > 1 and rng.random() < 0.08:
            _overhear(talk)
        answer = exchange(talk, speaker)
        if answer is not None:
            talk.reply(answer)
    return talk.turns


def _rivals(rng: Random, lengths: tuple[int, int, int]) -> list[Turn]:
    """Several people tell the same kind of thing, one after the other, sometimes all but one of them; then they ask
    for it, each for anybody's: who told nothing has no notes."""
    people = _people(rng, rng.choice((2, 2, 3, 3, 4)))
    talk = Conversation(rng, people, guild(rng))
    if rng.random() < 0.6:
        _with_system(talk, IN_SERVER)
    first: Fact | None = None
    silent = rng.choice(people) if rng.random() < 0.3 else None
    for speaker in people:
        if speaker is not silent:
            first, answer = telling.tell_alike(talk, speaker, first)
            if answer is not None:
                talk.reply(answer)
    for _ in range(rng.randint(*lengths[1:])):
        answer = asking.ask_alike(talk, rng.choice(people), rng.choice(people).name, first) if first else None
        if answer is not None:
            talk.reply(answer)
    return talk.turns


def _opened(rng: Random) -> Conversation:
    shape = rng.random()
    if shape < 0.52:
        return _with_system(Conversation(rng, _people(rng, rng.choice((1, 1, 2, 2, 3, 4))), guild(rng)), IN_SERVER)
    if shape < 0.68:
        return _with_system(Conversation(rng, _people(rng, 1), ""), IN_PRIVATE)
    nameless = rng.random() < 0.6
    people = [Person("", Typing.draw(rng))] if nameless else _people(rng, rng.choice((1, 2, 3)))
    talk = Conversation(rng, people, None)
    return _with_system(talk, rng.choice(OTHER_PROMPTS)) if rng.random() < 0.3 else talk


def _with_system(talk: Conversation, prompt: str) -> Conversation:
    talk.turns.append(Turn("system", fill(expand(prompt, talk.rng), guild=talk.guild or "")))
    return talk


def _people(rng: Random, count: int) -> list[Person]:
    names: list[str] = []
    while len(names) < count:
        name = person(rng)
        if name.lower() not in (other.lower() for other in names):
            names.append(name)
    return [Person(name, Typing.draw(rng)) for name in names]


def _overhear(talk: Conversation) -> None:
    """Lines that nobody asked the assistant to answer, before the one that it does answer."""
    for _ in range(talk.rng.choice((1, 1, 2))):
        speaker = talk.rng.choice(talk.people)
        if talk.rng.random() < 0.7:
            telling.tell(talk, speaker)
        else:
            _small_talk(talk, speaker)


def _tell_several(talk: Conversation, speaker: Person) -> str | None:
    others = [talk.rng.choice(talk.people) for _ in range(talk.rng.choice((1, 2)))]
    return telling.tell_several(talk, [speaker, *others])


def _small_talk(talk: Conversation, speaker: Person) -> str | None:
    topic = talk.rng.choice(_WEIGHTED_TOPICS)
    asks = (
        f"{MEMORY['frames of small talk']} {topic.asks}" if topic.weight > 2 and talk.rng.random() < 0.1 else topic.asks
    )
    talk.write(speaker, talk.sentence(speaker, asks))
    name = talk.call(speaker)
    answers = [answer for answer in topic.answers if name or "{n}" not in answer]
    return fill(expand(talk.rng.choice(answers), talk.rng), n=name)


def _remark(talk: Conversation, speaker: Person) -> str | None:
    talk.write(speaker, speaker.typing.sentence(outside.remark(talk.rng), talk.rng))
    return outside.reply(talk.rng)


def _beyond(talk: Conversation, speaker: Person) -> str | None:
    requests = [outside.request(talk.rng) for _ in range(2 if talk.rng.random() < 0.05 else 1)]
    talk.write(speaker, "\n".join(speaker.typing.sentence(text, talk.rng) for text in requests))
    return outside.answer(talk.rng)


_USUAL: tuple[tuple[int, Exchange], ...] = (
    (20, telling.tell),
    (8, _tell_several),
    (5, telling.tell_of),
    (6, telling.correct),
    (46, asking.ask),
    (5, asking.ask_unknown),
    (5, asking.ask_whether),
    (3, asking.recap),
    (3, asking.repeat),
    (2, telling.introduce),
    (2, asking.ask_name),
    (1, asking.ask_who_is_here),
    (1, asking.ask_where),
    (18, _small_talk),
    (11, _beyond),
    (2, _remark),
)
_DRILLS: tuple[tuple[int, Exchange], ...] = (
    (12, telling.tell),
    (14, _tell_several),
    (3, telling.tell_of),
    (4, telling.correct),
    (64, asking.ask),
    (1, asking.ask_unknown),
    (2, asking.recap),
)
