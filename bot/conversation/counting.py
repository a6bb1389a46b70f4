"""Tokens of messages, counted by the served model once each and stored with them; what for, it does not know."""

from __future__ import annotations

from collections.abc import Sequence

from bot.conversation.context import Exchange, Line
from llm.client import LLMClient
from storage.tokens import TokenCounts

MOST_COUNTED = 256
"""Messages that are counted at once: in a long conversation that is new here, the newest ones."""


class Counting:
    """Counts what a prompt shows of messages. Raises llm.errors and StorageError."""

    def __init__(self, llm: LLMClient, counts: TokenCounts) -> None:
        self._llm = llm
        self._counts = counts

    async def count(self, pieces: Sequence[Exchange], name: str = "") -> bool:
        """Count the messages that the model of that name (empty: the usual one) has not counted, and store it; whether
        there were any."""
        lines = uncounted(pieces)[-MOST_COUNTED:]
        counted = await self._llm.count_texts([line.shown for line in lines], name) if lines else None
        if counted is None:
            return False
        model = (await self._llm.model(name)).id
        found = zip(lines, counted, strict=True)
        await self._counts.put(model, {line.row.id: (line.row.content, tokens) for line, tokens in found})
        return True


def uncounted(pieces: Sequence[Exchange]) -> list[Line]:
    """The messages whose tokens are not known, oldest first."""
    return [line for piece in pieces for line in piece.lines if line.row.tokens is None]
