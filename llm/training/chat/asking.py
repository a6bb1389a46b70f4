"""The exchanges in which people ask: about facts told or not told, by whom, who is here, and what was said.

The sentences are in `text/memory.toml`. Each function writes one line of a person into the conversation and returns
what the assistant should answer, or None where it does not fit.
"""

from __future__ import annotations

from llm.training.chat.conversation import Conversation, Fact, Person
from llm.training.chat.grammar import expand, fill, joined
from llm.training.chat.phrases import MEMORY, asking, chosen, started
from llm.training.chat.telling import draw_fact
from llm.training.chat.words import draw, invented, person


def ask(talk: Conversation, speaker: Person) -> str | None:
    """A question about a fact that was told, by whom it concerns or by somebody else."""
    if not talk.facts:
        return None
    mine = [fact for fact in talk.facts if fact.about == speaker.name]
    fact = talk.rng.choice(mine) if mine and talk.rng.random() < 0.5 else talk.rng.choice(talk.facts)
    if talk.rng.random() < 0.15 and fact.about:
        return _ask_who(talk, speaker, fact)
    return _asked(talk, speaker, fact)


def ask_alike(talk: Conversation, speaker: Person, about: str, like: Fact) -> str:
    """A question about the same kind of fact as another, of the speaker or anybody else, told or not."""
    known = talk.known(about, like.slot, like.kind)
    return _asked(talk, speaker, known[-1]) if known else _unknown(talk, speaker, Fact(about, like.slot, like.kind, ""))


def _asked(talk: Conversation, speaker: Person, fact: Fact) -> str:
    own = fact.about == speaker.name
    text = talk.sentence(speaker, asking(talk.rng, fact.slot, own))
    talk.write(speaker, started(talk.rng, speaker, fact.render(text)))
    values = [known.value for known in talk.known(fact.about, fact.slot, fact.kind)]
    if len(values) > 1:
        fact = Fact(fact.about, fact.slot, fact.kind, joined(values))
    if not own:
        return fact.render(chosen(talk.rng, MEMORY["theirs"], they=fact.slot.they))
    answers = (*MEMORY["yours"], fact.slot.short, fact.slot.short)
    return fact.render(chosen(talk.rng, answers, you=fact.slot.you))


def _ask_who(talk: Conversation, speaker: Person, fact: Fact) -> str:
    talk.write(speaker, fact.render(talk.sentence(speaker, fact.slot.who)))
    same = (fact.slot, fact.kind.lower(), fact.value.lower())
    who = [known for known in talk.facts if (known.slot, known.kind.lower(), known.value.lower()) == same]
    if len(who) > 1:
        return f"I was told that {joined([known.render(known.slot.they) for known in who])}."
    if fact.about == speaker.name:
        return fact.render(chosen(talk.rng, MEMORY["who you"], you=fact.slot.you))
    return fact.render(chosen(talk.rng, MEMORY["who"], they=fact.slot.they))


def ask_unknown(talk: Conversation, speaker: Person) -> str | None:
    """A question about something that nobody told, often about what somebody else told of themselves."""
    told = [fact for fact in talk.facts if fact.about != speaker.name]
    own = not speaker.name or talk.rng.random() < 0.65
    about = (
        speaker.name if own else talk.rng.choice([person(talk.rng), *(p.name for p in talk.people if p is not speaker)])
    )
    like = talk.rng.choice(told) if told and talk.rng.random() < 0.5 else None
    fact = like and Fact(about, like.slot, like.kind, like.value)
    if fact is None or talk.known(about, fact.slot, fact.kind):
        fact = draw_fact(talk, speaker, about)
    if fact is None or talk.known(about, fact.slot, fact.kind):
        return None
    if talk.rng.random() < 0.1 and not any(fact.value.lower() == known.value.lower() for known in talk.facts):
        talk.write(speaker, fact.render(talk.sentence(speaker, fact.slot.who)))
        return expand(talk.rng.choice(MEMORY["nobody"]), talk.rng)
    return _unknown(talk, speaker, fact)


def _unknown(talk: Conversation, speaker: Person, fact: Fact) -> str:
    own = fact.about == speaker.name
    text = talk.sentence(speaker, asking(talk.rng, fact.slot, own))
    talk.write(speaker, started(talk.rng, speaker, fact.render(text)))
    slots = {"yours": fact.slot.yours} if own else {"theirs": fact.slot.theirs}
    return fact.render(chosen(talk.rng, MEMORY["not yours"] if own else MEMORY["not theirs"], **slots))


def ask_whether(talk: Conversation, speaker: Person) -> str | None:
    """Yes or no: do I like it, is this my favourite."""
    facts = [fact for fact in talk.facts if fact.slot.name in ("like", "dislike", "favourite") and fact.about]
    if not facts:
        return None
    fact = talk.rng.choice(facts)
    own = fact.about == speaker.name
    clause = fact.render(fact.slot.you if own else fact.slot.they)
    if fact.slot.name == "favourite":
        other = fact.value if talk.rng.random() < 0.5 else fact.slot.draw(talk.rng, False)[1]
        whose = "my" if own else "{n}'s"
        text = talk.sentence(speaker, f"<is {whose} favourite {{k}} {{v}}|is {{v}} {whose} favourite {{k}}>?")
        talk.write(speaker, fill(text, n=fact.about, k=fact.kind, v=speaker.typing.value(other)))
        return f"{'Yes' if other.lower() == fact.value.lower() else 'No'}, {clause}."
    asks = MEMORY["ask whether"] if own else MEMORY["ask whether of"]
    if talk.rng.random() < 0.25:
        unknown = Fact(fact.about, fact.slot, "", draw("thing", talk.rng))
        if any(known.value.lower() == unknown.value.lower() for known in talk.facts):
            return None
        talk.write(speaker, unknown.render(talk.sentence(speaker, asks)))
        who = "You have not told me whether you like {v}." if own else "I do not know whether {n} likes {v}."
        return unknown.render(who)
    talk.write(speaker, fact.render(talk.sentence(speaker, asks)))
    return f"{'Yes' if fact.slot.name == 'like' else 'No'}, {clause}."


def recap(talk: Conversation, speaker: Person) -> str | None:
    """Everything that was told about one person, at most the last three facts."""
    others = sorted({fact.about for fact in talk.facts} - {speaker.name})
    about = talk.rng.choice(others) if others and talk.rng.random() < 0.4 else speaker.name
    facts = [fact for fact in talk.facts if fact.about == about][-3:]
    if about == speaker.name:
        talk.write(
            speaker,
            talk.sentence(
                speaker,
                MEMORY["ask recap"],
            ),
        )
        if not facts:
            return "You have not told me anything about yourself yet."
        return f"You told me that {joined([fact.render(fact.slot.you) for fact in facts])}."
    text = talk.sentence(
        speaker,
        MEMORY["ask recap of"],
    )
    talk.write(speaker, fill(text, n=about))
    return f"I know that {joined([fact.render(fact.slot.they) for fact in facts])}."


def repeat(talk: Conversation, speaker: Person) -> str | None:
    """Saying something after somebody, word by word."""
    last = [text for person_, text in talk.spoken if person_ is speaker and len(text) < 80]
    if last and talk.spoken[-1][0] is speaker and talk.rng.random() < 0.5:
        talk.write(
            speaker,
            talk.sentence(
                speaker,
                MEMORY["ask last"],
            ),
        )
        if len(talk.spoken[-2][1]) < 80:
            return f'You said: "{talk.spoken[-2][1]}"'
    words = " ".join(
        invented(talk.rng) if talk.rng.random() < 0.5 else draw("thing", talk.rng)
        for _ in range(talk.rng.choice((1, 1, 2, 3)))
    )
    words = speaker.typing.value(words)
    text = talk.sentence(speaker, MEMORY["say after"])
    talk.write(speaker, fill(text, v=words))
    return expand("<As you wish|Here you are|With pleasure>: ", talk.rng) + f" {words}"


def ask_name(talk: Conversation, speaker: Person) -> str | None:
    """Somebody asks who they are."""
    name = talk.call(speaker)
    talk.write(
        speaker,
        talk.sentence(
            speaker,
            MEMORY["ask name"],
        ),
    )
    if not name:
        return "You have not told me your name yet."
    return fill(expand(MEMORY["name"], talk.rng), n=name)


def ask_who_is_here(talk: Conversation, speaker: Person) -> str | None:
    """Who has written so far."""
    if not speaker.name:
        return None
    talk.write(
        speaker,
        talk.sentence(
            speaker,
            MEMORY["ask who is here"],
        ),
    )
    names = list(dict.fromkeys(person_.name for person_, _ in talk.spoken))
    return f"So far I have heard from {joined(names)}."


def ask_where(talk: Conversation, speaker: Person) -> str | None:
    """Which server this is."""
    if not talk.turns:
        return None
    talk.write(
        speaker,
        talk.sentence(
            speaker,
            MEMORY["ask where"],
        ),
    )
    if talk.guild is None:
        return "I cannot see a server name here."
    return f"This is {talk.guild}." if talk.guild else "This is a private conversation, not a server."
