"""What it costs to summarize a channel again and again while it grows: tokens that are computed, over those it has.

After every `every` messages the whole channel is summarized anew, with notes kept as the bot keeps them. Two engines: a
chat model through the real reading in parts, played by a server that notes one message of each few and joins notes by
repeating them (what it says does not change what it costs, as long as it cites); and members' own words. Counted for
the chat model: `read`, tokens of messages that stood in a prompt for notes; `computed`, all prompt tokens that a worker
with a prefix cache has to compute, answers included. For own words: characters that were looked at anew.
It knows nothing of quality.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np

from llm.client import LLMClient
from llm.config import LLMSettings
from llm.tasks.chunks import Notes
from llm.tasks.likeness import Likeness, Measured
from llm.tasks.summarize import Summarizer
from llm.tasks.summary import SourceMessage, Wish
from tests.fakes import Answer, ReceivedRequest, ScriptedEngine, reply

CONTEXT = 8192
PAGE = 32
"""Tokens of a page of the worker's cache, which shares whole pages."""
PER_NOTE = 8
"""Messages for which the played model writes one note."""
_LINE = re.compile(r"^\[(\d+)\] (?:[^:]+: )?(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Costs:
    """Tokens, or characters for own words: of all messages together, read in them, computed in all, without a cache."""

    total: int
    read: int
    computed: int
    uncached: int
    summaries: int

    @property
    def ratio(self) -> float:
        """How often each token of the channel was read."""
        return self.read / self.total


class Noting(ScriptedEngine):
    """Answers a request for notes by lines of its own prompt, and every other one by the notes that it was given."""

    def _take_answer(self, request: ReceivedRequest) -> Answer:
        lines = _LINE.findall(request.texts[1])
        is_part = "You take notes" in request.texts[0]
        chosen = lines[:: PER_NOTE if is_part else max(1, len(lines) // 8)]
        return reply("\n".join(f"- {text} [{number}]" for number, text in chosen) or "nothing")


@dataclass
class Shelf:
    """Notes in memory."""

    kept: dict[int, list[Notes]] = field(default_factory=dict)

    async def known(self, message_ids: Sequence[int]) -> Mapping[int, Sequence[Notes]]:
        return {number: self.kept[number] for number in message_ids if number in self.kept}

    async def keep(self, notes: Notes, message_ids: Sequence[int]) -> None:
        self.kept.setdefault(notes.first_id, []).append(notes)


class Counted(Likeness):
    """Makes vectors of nothing but each text's length, and counts the characters that it was asked about."""

    def __init__(self) -> None:
        super().__init__(None)
        self.characters = 0

    async def measure(self, texts: Sequence[str]) -> Measured | None:
        self.characters += sum(map(len, texts))
        angles = np.asarray([len(text) for text in texts], np.float32)
        return Measured("lengths", np.stack([np.cos(angles), np.sin(angles)], axis=1)) if texts else None


async def by_a_model(messages: Sequence[SourceMessage], every: int) -> Costs:
    """The channel after `every` messages, after twice as many, …, summarized by a chat model."""
    shelf = Shelf()
    async with Noting(max_model_len=CONTEXT) as engine, LLMClient(LLMSettings(), engine.base_url) as client:
        summarizer = Summarizer(client, Likeness(None))
        ends = range(every, len(messages) + 1, every)
        for end in ends:
            summary = await summarizer.summarize(messages[:end], Wish(), store=shelf)
            if summary.method != "model":
                raise RuntimeError(f"no summary by the model: {summary.fallback}")
        requests = [(" ".join(one.texts), "You take notes" in one.texts[0]) for one in engine.requests]
    total = sum(_tokens(f"[1] {one.author}: {one.text}") for one in messages[: ends[-1]])
    read = sum(_tokens(line) for text, is_part in requests if is_part for line in _lines(text))
    return Costs(
        total, read, _computed([text for text, _ in requests]), sum(_tokens(text) for text, _ in requests), len(ends)
    )


async def by_own_words(messages: Sequence[SourceMessage], every: int) -> Costs:
    """The same where members' own words speak; characters."""
    shelf, counted = Shelf(), Counted()
    async with LLMClient(LLMSettings(), "http://127.0.0.1:9/v1") as client:  # nobody is asked
        summarizer = Summarizer(client, counted, engine="extractive")
        ends = range(every, len(messages) + 1, every)
        read = 0
        for end in ends:
            before = {notes.key for several in shelf.kept.values() for notes in several}
            await summarizer.summarize(messages[:end], Wish(), store=shelf)
            by_id = {message.id: place for place, message in enumerate(messages)}
            made = [one for several in shelf.kept.values() for one in several if one.key not in before]
            for notes in made:
                first = by_id[notes.first_id]
                read += sum(len(one.text) for one in messages[first : first + notes.messages])
    total = sum(len(one.text) for one in messages[: ends[-1]])
    return Costs(total, read, counted.characters, counted.characters, len(ends))


def _lines(text: str) -> list[str]:
    return re.findall(r"^\[\d+\] .+$", text, re.MULTILINE)


def _computed(prompts: Sequence[str]) -> int:
    """Prompt tokens that are in no earlier prompt's beginning, by whole pages."""
    computed, before = 0, list[list[str]]()
    for prompt in prompts:
        tokens = prompt.split()
        known = max((_same(tokens, earlier) for earlier in before), default=0)
        computed += len(tokens) - known // PAGE * PAGE
        before.append(tokens)
    return computed


def _same(tokens: Sequence[str], others: Sequence[str]) -> int:
    """How many are the same from the beginning on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(tokens, others, strict=False)))


def _tokens(text: str) -> int:
    """As the played server counts: words."""
    return len(text.split())
