"""How long a prompt is at most, from what is known about its parts, without asking the engine about all of it again.

A prompt is its texts and what the chat template puts around them. The template is measured once per model by two small
prompts; the texts of messages are counted once each and stored with them (`counting`). It does not choose what fits.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from bot.conversation.context import Context, Exchange
from llm.client import LLMClient
from llm.types import ChatMessage

SLACK = 1.01
"""Texts are counted alone; side by side their tokens may be cut otherwise by a few."""
DOUBT = 1.1
"""What the slack grows by when a prompt did not fit after all; from then on more of them are counted exactly."""
REMEMBERED_TEXTS = 1000
"""Instructions (one per server) and summaries."""

_SHORT = [ChatMessage("system", "x"), ChatMessage("user", "x")]
_LONG = [*_SHORT, ChatMessage("assistant", "x"), ChatMessage("user", "x")]


@dataclass(frozen=True, slots=True)
class Template:
    """Tokens of a prompt with two empty messages, and those that a further one adds at most beside its text's."""

    shortest: int
    message: int


class Measures:
    """Measures the prompts of one engine. Methods raise llm.errors."""

    def __init__(self, llm: LLMClient) -> None:
        self._llm = llm
        self._templates: dict[str, Template] = {}
        self._texts: OrderedDict[tuple[str, bytes], int] = OrderedDict()
        self._slack = SLACK

    async def template(self, name: str) -> Template | None:
        """The template of the model of that name (empty: the usual one); None where the engine cannot count."""
        model = (await self._llm.model(name)).id
        if model not in self._templates:
            short = await self._llm.count_tokens(_SHORT, name)
            if not short.exact:
                return None
            long = await self._llm.count_tokens(_LONG, name)
            added = math.ceil((long.count - short.count) / 2) - 1  # "x" is a token at least
            self._templates[model] = Template(short.count - 2, max(added, 2))
        return self._templates[model]

    def sizes(self, template: Template, pieces: Sequence[Exchange]) -> list[int]:
        """Tokens that each piece takes at most."""
        return [
            math.ceil((piece.most_tokens + template.message * len(piece.messages)) * self._slack) for piece in pieces
        ]

    async def fixed(self, template: Template, name: str, context: Context, messages: int) -> int:
        """Tokens that what stands before the last `messages` messages takes at most."""
        texts = [message.content for message in context.messages[: len(context.messages) - messages]]
        counted = [await self._text(name, text) for text in texts]
        return math.ceil((template.shortest + template.message * len(texts) + sum(counted)) * self._slack)

    def doubt(self) -> None:
        """A prompt did not fit that should have: measure more generously."""
        self._slack *= DOUBT

    async def _text(self, name: str, text: str) -> int:
        key = (await self._llm.model(name)).id, sha256(text.encode()).digest()  # no summary stays here as it reads
        if key not in self._texts:
            counted = await self._llm.count_texts([text], name)
            self._texts[key] = counted[0] if counted else len(text.encode())
            if len(self._texts) > REMEMBERED_TEXTS:
                self._texts.popitem(last=False)
        return self._texts[key]
