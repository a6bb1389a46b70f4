"""A chat model that reads parts of a conversation, joins its notes, and translates: one request for each.

What it writes is kept only where it cites something that supports it. It does not know in which order this happens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llm.builtin import PREFIX
from llm.client import LLMClient
from llm.tasks.citations import parse, parse_notes
from llm.tasks.likeness import Likeness, Measured
from llm.tasks.summary import Cost, SourceMessage, SummaryItem, Wish
from llm.tasks.summary_prompts import joining_prompt, notes_prompt, prompt, translation_prompt
from llm.tasks.support import cited_texts, numbers, supported
from llm.types import ChatMessage, ModelInfo, Priority, Sampling

_TOKENS_PER_SENTENCE = 60
_NOTES_SHARE = 160
"""Tokens of conversation for one note."""
_FEWEST_NOTES, _MOST_NOTES = 3, 12
_MARGIN = 1.15
_SAMPLE_CHARACTERS = 4_000
_NUMBERED = re.compile(r"^\s*\[(\d+)\]\s*(.+)$")


@dataclass(frozen=True, slots=True)
class Written:
    """What was kept of an answer, and how many sentences were not."""

    items: list[SummaryItem]
    dropped: int = 0
    vectors: Measured | None = None
    """Of the items, where members' own words were compared by some."""


class SummaryModel:
    """The engine's chat model, for one summary; `spent` on it so far. Methods raise llm.errors."""

    def __init__(
        self, client: LLMClient, likeness: Likeness, info: ModelInfo, user: str | None, priority: Priority
    ) -> None:
        self.info = info
        self.spent = Cost()
        self._client = client
        self._likeness = likeness
        self._user = user
        self._priority = priority

    @property
    def is_too_small(self) -> bool:
        """Whether this is the built-in model, which cannot summarize."""
        return self.info.id.startswith(PREFIX)

    def room(self, answer_tokens: int) -> int:
        """Tokens of material that fit beside the instructions and the answer."""
        return self.info.max_model_len - self._bounded(answer_tokens) - min(400, self.info.max_model_len // 4)

    async def weights(self, messages: Sequence[SourceMessage]) -> list[int]:
        """Tokens of each message as a line of a prompt, from how dense a sample of them is."""
        sample, taken = [], 0
        for message in messages[:: max(1, len(messages) // 60)]:
            sample.append(message)
            taken += len(message.text)
            if taken > _SAMPLE_CHARACTERS:
                break
        asked = notes_prompt(sample, 1)[1:]
        counted = (await self._client.count_tokens(asked)).count
        ratio = counted / max(1, len(asked[0].content.encode(errors="replace"))) * _MARGIN
        return [round(_size(message) * ratio) + 1 for message in messages]

    async def notes(self, messages: Sequence[SourceMessage], tokens: int) -> Written:
        """Notes of one part of so many tokens."""
        count = max(_FEWEST_NOTES, min(_MOST_NOTES, tokens // _NOTES_SHARE))
        answer = await self._ask(notes_prompt(messages, count), count)
        return await self._checked(parse(answer, messages, count), _by_id(messages))

    async def whole(self, messages: Sequence[SourceMessage], wish: Wish) -> Written:
        """A summary of messages that fit one prompt."""
        answer = await self._ask(prompt(messages, wish), wish.sentences)
        return await self._checked(parse(answer, messages, wish.sentences), _by_id(messages))

    async def joined(self, notes: Sequence[SummaryItem], messages: Mapping[int, SourceMessage], wish: Wish) -> Written:
        """A summary of notes; `messages` are those that they cite."""
        answer = await self._ask(joining_prompt(notes, wish), wish.sentences)
        return await self._checked(parse_notes(answer, notes, wish.sentences), messages)

    async def translated(self, items: Sequence[SummaryItem], language: str) -> Written:
        """The items in another language; one whose numbers did not survive stays as it was."""
        if not items:
            return Written([])
        answer = await self._ask(translation_prompt([item.text for item in items], language), 2 * len(items))
        lines = [match for line in answer.splitlines() if (match := _NUMBERED.match(line))]
        said = {int(match[1]): match[2].strip() for match in lines}
        return Written([_in_other_words(item, said.get(place)) for place, item in enumerate(items, 1)])

    async def _ask(self, messages: list[ChatMessage], sentences: int) -> str:
        sampling = Sampling(max_tokens=self._bounded(sentences * _TOKENS_PER_SENTENCE), temperature=0.2)
        reply = await self._client.chat(messages, sampling, priority=self._priority, user=self._user)
        self.spent += Cost.of(reply.usage)
        return reply.text

    def _bounded(self, tokens: int) -> int:
        return max(1, min(tokens, self.info.max_model_len // 4))

    async def _checked(self, items: list[SummaryItem], messages: Mapping[int, SourceMessage]) -> Written:
        vectors = await self._likeness.of_both([item.text for item in items], cited_texts(items, messages))
        kept = supported(items, messages, vectors)
        return Written([_owned(item, messages) for item in kept], len(items) - len(kept))


def _owned(item: SummaryItem, messages: Mapping[int, SourceMessage]) -> SummaryItem:
    """The item with its owner, if what it cites names that person."""
    told = "\n".join(f"{messages[number].author}: {messages[number].text}" for number in item.message_ids).casefold()
    return item if not item.owner or item.owner.casefold() in told else replace(item, owner="")


def _in_other_words(item: SummaryItem, text: str | None) -> SummaryItem:
    return replace(item, text=text) if text and numbers(text) == numbers(item.text) else item


def _size(message: SourceMessage) -> int:
    return len(message.text.encode(errors="replace")) + len(message.author) + 8


def _by_id(messages: Sequence[SourceMessage]) -> dict[int, SourceMessage]:
    return {message.id: message for message in messages}
