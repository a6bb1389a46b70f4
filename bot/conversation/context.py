"""Stored messages and a budget → the messages that the model reads, and what was left out. Pure.

It does not know how tokens are counted (the sizes are given), where messages are stored, or Discord's objects. What it
keeps is chosen so that a conversation's prompt only grows: messages are dropped oldest first and many at once, and the
place of the cut is handed back to be used again: the worker's prefix cache makes a turn cost its new tokens only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.conversation.markup import Names, readable
from bot.conversation.template_tokens import harmless_template_tokens
from bot.conversation.untrusted import harmless, key
from llm.prompt import speaker
from llm.types import ChatImage, ChatMessage

KEPT_SHARE = 0.6
"""Share of the budget that is filled after messages were dropped: the rest is room for many turns without a new cut."""

PREPARED_SHARE = 0.8
"""The same, where a summary decides the place of the cut."""

LONGEST_NAMESAKE = 20
"""Characters of such a name, so that what tells it apart is not cut off."""

_MANNERS = (
    "every message begins with its author's name. You run on this community's own machine. "
    "Answer briefly, kindly and honestly, and say so when you do not know."
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said in `messages` messages that came before a cut, in short."""

    text: str
    messages: int


@dataclass(frozen=True, slots=True)
class Row:
    """One message as it is stored. `mine`: Steward wrote it; `content` has Discord's markup, and no remarks of ours.

    `tokens`: as the model counts it, where that is known; `digest`: what was said up to and with it, where one exists;
    `images`: those of its pictures that the model gets; `people`: what those are called whom it mentions.
    """

    id: int
    author: str
    mine: bool
    content: str
    reply_to: int | None = None
    tokens: int | None = None
    digest: Summary | None = None
    images: tuple[ChatImage, ...] = ()
    people: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Voice:
    """How the answers sound: a manner in words, and a language; empty: as Steward is, and the one it is asked in."""

    persona: str = ""
    language: str = ""


PLAIN = Voice()


@dataclass(frozen=True, slots=True)
class Line:
    """A stored message and how a prompt shows it, which is what its tokens are counted of."""

    row: Row
    shown: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one person said and Steward's answer to it: it is kept or dropped as a whole. `lines`: the stored messages
    that it was made from."""

    first_id: int
    rows: int
    messages: tuple[ChatMessage, ...]
    lines: tuple[Line, ...] = ()

    @property
    def characters(self) -> int:
        return sum(len(message.content) + len(message.name or "") + 2 for message in self.messages)

    @property
    def tokens(self) -> int:
        """What was counted of its texts."""
        return sum(line.row.tokens or 0 for line in self.lines)

    @property
    def is_counted(self) -> bool:
        """Whether all of them were."""
        return bool(self.lines) and all(line.row.tokens is not None for line in self.lines)

    @property
    def most_tokens(self) -> int:
        """What the texts take at most, without the template: a byte that nobody counted may be a token."""
        counted = sum(len(line.shown.encode()) for line in self.lines if line.row.tokens is not None)
        return self.tokens + max(0, sum(map(bytes_shown, self.messages)) - counted)

    @property
    def digest(self) -> Summary | None:
        """What was said up to its end, where there is such a summary."""
        return self.lines[-1].row.digest if self.lines else None


def shown(message: ChatMessage) -> str:
    """A message's text as it stands in a prompt."""
    return f"{message.name}: {message.content}" if message.name is not None else message.content


def bytes_shown(message: ChatMessage) -> int:
    """Its length in UTF-8, which no tokenizer's count exceeds."""
    return len(shown(message).encode())


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
        name = " ".join(harmless_template_tokens(guild_name).split())
        server = f"You are Steward, the assistant of the Discord server {name}."
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
        lines = _lines(group, message)
        if message.role == "assistant" and found:
            last = found[-1]
            messages, lines = (*last.messages, message), (*last.lines, *lines)
            found[-1] = Exchange(last.first_id, last.rows + len(group), messages, lines)
        else:
            note = notes.pop(group[0].id, ()) if message.role == "user" else ()
            messages = (kept_in_mind(authors[group[0].author], note), message) if note else (message,)
            found.append(Exchange(group[0].id, len(group), messages, lines))
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
    return cut_to(sizes, budget * KEPT_SHARE, start)


def cut_to(sizes: Sequence[int], kept: float, start: int) -> int:
    """Where to cut so that at most `kept` is left: at least one piece after `start`, and never the newest."""
    left = sum(sizes[start:])
    first = start
    while first < len(sizes) - 1 and (left > kept or first == start):
        left -= sizes[first]
        first += 1
    return first


def prepared_cut(pieces: Sequence[Exchange], sizes: Sequence[int], room: int, start: int) -> int | None:
    """The cut after `start` for which there is a summary already, and after which PREPARED_SHARE of `room` is filled
    at most; None where there is none."""
    for cut in range(start + 1, len(pieces)):
        if pieces[cut - 1].digest is not None and sum(sizes[cut:]) <= room * PREPARED_SHARE:
            return cut
    return None


def last_cut(pieces: Sequence[Exchange], cuts: Collection[int]) -> int | None:
    """Where the newest piece stands whose first message is one of `cuts`; None where there is none. Of several pieces
    of one message (a question that is asked to go on) it is the first."""
    newest = next((piece.first_id for piece in reversed(pieces) if piece.first_id in cuts), None)
    return None if newest is None else next(index for index, piece in enumerate(pieces) if piece.first_id == newest)


def reach(pieces: Sequence[Exchange], start: int) -> int:
    """How many of the first `start` pieces are told by the furthest summary among them; 0 where there is none."""
    return next((index + 1 for index in range(start - 1, -1, -1) if pieces[index].digest is not None), 0)


def compose(
    guild_name: str | None,
    pieces: Sequence[Exchange],
    start: int,
    unseen: int | None = 0,
    voice: Voice = PLAIN,
) -> Context:
    """The prompt of pieces[start:]; there must be at least one.

    The furthest summary of what came before them stands in it as something that was said, not as an instruction:
    members wrote what it was made from. It stays the same until the next cut, so the prompt's beginning does.
    `unseen`: messages that came before all pieces; None where there are some, nobody knows how many.
    """
    kept, told = pieces[start:], reach(pieces, start)
    summary = pieces[told - 1].digest if told else None
    messages = [ChatMessage("system", system_prompt(guild_name, voice))]
    if summary is not None:
        messages.append(ChatMessage("user", summarized(summary)))
    messages += [message for piece in kept for message in piece.messages]
    read = sum(piece.rows for piece in kept)
    total = read + sum(piece.rows for piece in pieces[:start]) + (unseen or 0)
    if summary is not None:
        total = max(total, read + sum(piece.rows for piece in pieces[told:start]) + summary.messages)
    summarized_messages = summary.messages if summary else 0
    return Context(messages, kept[0].first_id, read, total, summarized_messages, is_total_known=unseen is not None)


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
    text = readable(row.content, replace(names, people=row.people) if row.people else names)
    return ChatMessage("user", harmless(text, speakers), authors[row.author], row.images)


def _lines(group: Sequence[Row], message: ChatMessage) -> tuple[Line, ...]:
    """The rows of one message; of an answer in several parts each shows its own."""
    if len(group) == 1:
        return (Line(group[0], shown(message)),)
    return tuple(Line(row, harmless_template_tokens(row.content)) for row in group)


def _name(author: str, names: Names) -> str:
    """An author's name as the prompt shows it; who calls themselves as Steward is called is told apart."""
    name = harmless_template_tokens(speaker(author))
    return f"{name[:LONGEST_NAMESAKE]} (a member)" if key(name) == key(names.my_name) else name
