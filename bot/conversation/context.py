"""Stored messages and a budget → the messages that the model reads, and what was left out. Pure.

It does not know how tokens are counted (the sizes are given), where messages are stored, or Discord's objects. What it
keeps is chosen so that a conversation's prompt only grows: messages are dropped oldest first and many at once, and the
place of the cut is handed back to be used again: the worker's prefix cache makes a turn cost its new tokens only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.conversation.template_tokens import harmless_template_tokens
from bot.conversation.untrusted import harmless, key
from llm.prompt import speaker
from llm.types import ChatImage, ChatMessage

KEPT_SHARE = 0.6
"""Share of the budget that is filled after messages were dropped: the rest is room for many turns without a new cut."""

LONGEST_NAMESAKE = 20
"""Characters of such a name, so that what tells it apart is not cut off."""

_MANNERS = (
    "every message begins with its author's name. You run on this community's own machine. "
    "Answer briefly, kindly and honestly, and say so when you do not know."
)
_MARKUP = re.compile(
    r"<@!?(?P<person>\d{1,20})>|<@&(?P<role>\d{1,20})>|<#(?P<channel>\d{1,20})>|<a?:(?P<emoji>\w+):\d+>"
    r"|</(?P<command>[^:<>\n]+):\d+>|<t:(?P<time>-?\d{1,20})(?::[tTdDfFRsS])?>"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One message as it is stored. `mine`: Steward wrote it; `content` has Discord's markup, and no remarks of ours.

    `images` are those of its pictures that the model gets."""

    id: int
    author: str
    mine: bool
    content: str
    reply_to: int | None = None
    images: tuple[ChatImage, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """What Discord's markup stands for. `mine` holds Steward's own id and that of its role."""

    mine: frozenset[int]
    my_name: str
    people: Mapping[int, str] = field(default_factory=dict)
    roles: Mapping[int, str] = field(default_factory=dict)
    channels: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Voice:
    """How the answers sound: a manner in words, and a language; empty: as Steward is, and the one it is asked in."""

    persona: str = ""
    language: str = ""


PLAIN = Voice()


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one person said and Steward's answer to it: it is kept or dropped as a whole."""

    first_id: int
    rows: int
    messages: tuple[ChatMessage, ...]

    @property
    def characters(self) -> int:
        return sum(len(message.content) + len(message.name or "") + 2 for message in self.messages)


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said in `messages` messages that came before a cut, in short."""

    text: str
    messages: int


@dataclass(frozen=True, slots=True)
class Context:
    """What the model reads. `first_id` is the oldest message in it; `read` of `total` messages are in it, and
    `summarized` of the others in a summary. `is_total_known`: else there are more than `total`."""

    messages: list[ChatMessage]
    first_id: int
    read: int
    total: int
    summarized: int = 0
    is_total_known: bool = True

    def left_out(self, *, is_counted: bool = True) -> str:
        """What is said about what was not read; empty where all was. `is_counted`: else what fits was estimated."""
        if self.read >= self.total and self.is_total_known:
            return ""
        total = f"{self.total}" if self.is_total_known else f"more than {self.total}"
        told = f"read {self.read} of {total} messages"
        if self.summarized:
            rest = "the rest" if self.is_total_known and self.read + self.summarized >= self.total else "earlier ones"
            told += f", and a summary of {rest}"
        return told if is_counted else f"{told}, about as much as I can read at once"


def system_prompt(guild_name: str | None, voice: Voice = PLAIN) -> str:
    """The standing instruction; `guild_name` is None in a private conversation. It never changes between turns."""
    if guild_name is None:
        said = f"You are Steward, talking with one person in a private conversation; {_MANNERS}"
    else:
        server = f"You are Steward, the assistant of the Discord server {guild_name}."
        said = f"{server} Several people may talk with you; {_MANNERS}"
    return " ".join([said, *_wishes(voice)])


def _wishes(voice: Voice) -> list[str]:
    """What the managers want of the answers, as sentences."""
    persona, language = (" ".join(harmless_template_tokens(text).split()) for text in (voice.persona, voice.language))
    sentences = [f"The people who run this place want you to be like this: {persona}"] if persona else []
    return [*sentences, f"Always answer in {language}, whatever language you are asked in."] if language else sentences


def exchanges(rows: Iterable[Row], names: Names, beside: Mapping[int, Sequence[str]] | None = None) -> list[Exchange]:
    """The conversation in pieces that are dropped as a whole. Messages without text are left out.

    `beside`: what the author of a message, by its id, wants kept in mind; it stands before that message.
    """
    found: list[Exchange] = []
    notes = dict(beside or {})
    rows = list(rows)
    authors = {author: _name(author, names) for author in {row.author for row in rows}}
    speakers = {key(name) for name in (*authors, names.my_name)}
    for group in _replies_joined(rows):
        message = _message(group, names, authors, speakers)
        if not message.content.strip():
            continue
        if message.role == "assistant" and found:
            last = found[-1]
            found[-1] = Exchange(last.first_id, last.rows + len(group), (*last.messages, message))
        else:
            note = notes.pop(group[0].id, ()) if message.role == "user" else ()
            messages = (kept_in_mind(authors[group[0].author], note), message) if note else (message,)
            found.append(Exchange(group[0].id, len(group), messages))
    return found


def first_kept(sizes: Sequence[int], budget: int, start: int = 0) -> int:
    """Index of the oldest piece to keep: `start` (the last cut) while that fits, else a new cut.

    `sizes` and `budget` share a unit.
    """
    return start if sum(sizes[start:]) <= budget else new_cut(sizes, budget, start)


def new_cut(sizes: Sequence[int], budget: int, start: int) -> int:
    """Where to cut next so that KEPT_SHARE of the budget is filled: at least one piece after `start`.

    The newest piece is always kept, even when it is larger than the budget.
    """
    kept = sum(sizes[start:])
    first = start
    while first < len(sizes) - 1 and (kept > budget * KEPT_SHARE or first == start):
        kept -= sizes[first]
        first += 1
    return first


def index_of(pieces: Sequence[Exchange], first_id: int | None) -> int:
    """Where the piece that begins with message `first_id` stands; 0 where there is none."""
    return next((index for index, piece in enumerate(pieces) if piece.first_id == first_id), 0)


def compose(
    guild_name: str | None,
    pieces: Sequence[Exchange],
    start: int,
    summary: Summary | None = None,
    unseen: int | None = 0,
    voice: Voice = PLAIN,
) -> Context:
    """The prompt of pieces[start:]; there must be at least one.

    `summary` tells of what came before them, as something that was said, not as an instruction: members wrote what it
    was made from. It stays the same until the next cut, so the prompt's beginning does. `unseen`: messages that came
    before all pieces; None where there are some, nobody knows how many.
    """
    kept = pieces[start:]
    messages = [ChatMessage("system", system_prompt(guild_name, voice))]
    if summary is not None:
        messages.append(ChatMessage("user", summarized(summary)))
    messages += [message for piece in kept for message in piece.messages]
    total = sum(piece.rows for piece in pieces) + (unseen or 0)
    read = sum(piece.rows for piece in kept)
    told = summary.messages if summary else 0
    return Context(messages, kept[0].first_id, read, total, told, is_total_known=unseen is not None)


def summarized(summary: Summary) -> str:
    """A summary as it stands in the prompt: every line quoted, so that none looks like somebody's turn."""
    lines = harmless(summary.text, ()).strip().split("\n")
    quoted = "\n".join(f"> {line}" for line in lines)
    return f"(What was said before, in short:)\n{quoted}"


def kept_in_mind(author: str, facts: Sequence[str]) -> ChatMessage:
    """What somebody asked to be remembered, as it stands in the prompt: their words, quoted like a summary's."""
    lines = [line for fact in facts for line in harmless(fact, ()).strip().split("\n")]
    quoted = "\n".join(f"> {line}" for line in lines)
    return ChatMessage("user", f"({author} asked you to keep in mind:)\n{quoted}")


def readable(content: str, names: Names) -> str:
    """Discord's markup as words: display names, channel and role names, :emoji:, times. Steward's own mention goes.

    Names are cleaned as authors' are, so that none of them can look like another speaker's turn.
    """
    text = _MARKUP.sub(lambda match: _words(match, names), content)
    return text.strip()


def _words(match: re.Match[str], names: Names) -> str:
    kind = match.lastgroup
    value = match[kind] if kind else ""
    if kind in ("emoji", "command"):
        return f":{value}:" if kind == "emoji" else f"/{value}"
    if kind == "time":
        return _moment(int(value))
    number = int(value)
    if number in names.mine:
        return speaker(names.my_name) if _amid_words(match) else ""
    if kind == "channel":
        return f"#{speaker(names.channels.get(number, 'channel'))}"
    return speaker(names.roles.get(number, "a role") if kind == "role" else names.people.get(number, "someone"))


def _amid_words(match: re.Match[str]) -> bool:
    """Whether text stands on both sides: there the mention is a word of the sentence and not just an address."""
    text = match.string
    before, after = _MARKUP.sub("", text[: match.start()]), _MARKUP.sub("", text[match.end() :])
    return bool(re.search(r"\w", before)) and bool(re.search(r"\w", after))


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "some time"


def _replies_joined(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows one by one, but the parts of one long answer (each replies to the part before it) together."""
    groups: list[list[Row]] = []
    for row in rows:
        last = groups[-1][-1] if groups else None
        if last is not None and row.mine and last.mine and row.reply_to == last.id:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _message(group: Sequence[Row], names: Names, authors: Mapping[str, str], speakers: Collection[str]) -> ChatMessage:
    row = group[0]
    if row.mine:
        return ChatMessage("assistant", harmless_template_tokens("".join(part.content for part in group).strip()))
    return ChatMessage("user", harmless(readable(row.content, names), speakers), authors[row.author], row.images)


def _name(author: str, names: Names) -> str:
    """An author's name as the prompt shows it; who calls themselves as Steward is called is told apart."""
    name = harmless_template_tokens(speaker(author))
    return f"{name[:LONGEST_NAMESAKE]} (a member)" if key(name) == key(names.my_name) else name
