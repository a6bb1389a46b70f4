"""A conversation → the prompt that fits the served model, counted with its own tokenizer and template.

The choosing is `context`'s; this file asks the engine how long a choice is where the stored counts of its messages
leave a doubt, and remembers where prompts were cut, so that the next one begins the same way. It does not know how
conversations are stored or shown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.context import (
    KEPT_SHARE,
    PLAIN,
    Context,
    Exchange,
    Voice,
    compose,
    cut_to,
    first_kept,
    last_cut,
    new_cut,
    prepared_cut,
)
from bot.conversation.measure import Measures
from bot.settings.rules import Rules
from llm.client import LLMClient
from llm.errors import ContextTooLong
from llm.types import Sampling, TokenCount

REMEMBERED_CUTS = 10_000
MOST_CHARACTERS_PER_TOKEN = 10
"""Text of more characters than this per token of room is not even counted."""
MOST_COUNTS = 4
"""Counting again after each cut ends here; by then the estimate has been corrected three times."""
SOON = 0.75
"""Share of the budget from which on the next cut is near: what it will drop can be summarized meanwhile."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to send: messages that fit, and sampling whose max_tokens fits beside them.

    `is_counted` is False where the engine cannot count and what fits was estimated; `is_measured`: it was not counted
    as a whole, since its parts are known to fit; `tokens`: how long it is, at most."""

    context: Context
    sampling: Sampling
    is_counted: bool = True
    is_measured: bool = False
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class _Length:
    """Tokens of a prompt, or at most so many (`is_measured`), and of its pieces."""

    count: TokenCount
    sizes: Sequence[int]
    is_measured: bool = False


@dataclass(frozen=True, slots=True)
class _Frame:
    """For which model (empty: the usual one), within how many tokens, with which sampling and voice."""

    model: str
    window: int
    sampling: Sampling
    voice: Voice


class Prompts:
    """Makes prompts for one engine."""

    def __init__(self, llm: LLMClient, sampling: Sampling) -> None:
        self._llm = llm
        self._sampling = sampling
        self._measures = Measures(llm)
        self._cuts: OrderedDict[int, None] = OrderedDict()

    async def make(
        self,
        guild_name: str | None,
        pieces: Sequence[Exchange],
        unseen: int | None = 0,
        rules: Rules | None = None,
    ) -> Prompt:
        """The prompt for a conversation of at least one piece; `unseen` as `compose` takes it.

        `rules`: how the answer sounds, how long it may be, how much is read for it and by which model; None: as the
        engine's settings say.

        Raises llm.errors; ContextTooLong when the newest piece alone does not fit.
        """
        frame = await self._frame(rules)
        start = self._begin(pieces, unseen)
        sizes = [piece.characters for piece in pieces]
        start = first_kept(sizes, frame.window * MOST_CHARACTERS_PER_TOKEN, start)
        for _ in range(MOST_COUNTS):
            context = compose(guild_name, pieces, start, unseen, frame.voice)
            length = await self._length(context, pieces, start, frame)
            budget = length.count.max_model_len - frame.sampling.max_tokens
            if length.count.count <= budget:
                self._remember(context.first_id)
                return Prompt(context, frame.sampling, length.count.exact, length.is_measured, length.count.count)
            if start == len(pieces) - 1:
                break
            start = self._cut(pieces, start, length, budget)
        raise ContextTooLong(f"the newest message takes {length.count.count} tokens, and {budget} are free")

    async def to_tell(
        self,
        guild_name: str | None,
        pieces: Sequence[Exchange],
        unseen: int | None,
        summary_tokens: int,
        rules: Rules | None = None,
    ) -> int:
        """How many of the first pieces a summary should tell, which may take so many tokens: those that are dropped
        and, once the next cut is near, those that it will drop. Raises llm.errors."""
        frame = await self._frame(rules)
        start = self._begin(pieces, unseen)
        context = compose(guild_name, pieces, start, unseen, frame.voice)
        length = await self._length(context, pieces, start, frame)
        budget = length.count.max_model_len - frame.sampling.max_tokens
        prepared = next((cut for cut in range(start + 1, len(pieces)) if pieces[cut - 1].digest), None)
        free = budget - length.count.count
        if free > budget * (1 - SOON) or prepared or len(pieces) - start < 2:
            return prepared or start
        return cut_to(length.sizes, budget * KEPT_SHARE - free - summary_tokens, start)

    def was_wrong(self, prompt: Prompt | None) -> bool:
        """Whether a prompt that the engine found too long had not been counted as a whole: the next one will be."""
        if prompt is None or not prompt.is_measured:
            return False
        self._measures.doubt()
        return True

    def _begin(self, pieces: Sequence[Exchange], unseen: int | None) -> int:
        """The last cut. Where there is none among the pieces and more was said before them, a new one is made with room
        to spare: what is looked at moves on with each message, and the prompt must not."""
        cut = last_cut(pieces, self._cuts)
        if cut is not None or unseen == 0:
            return cut or 0
        rows = [piece.rows for piece in pieces]
        return new_cut(rows, sum(rows), 0) if len(rows) > 1 else 0

    def _fitting(self, window: int, rules: Rules | None) -> Sampling:
        """An answer may take at most half of a small model's context."""
        wanted = rules.max_tokens if rules else self._sampling.max_tokens
        most = min(wanted, max(1, window // 2))
        given = self._sampling
        return Sampling(most, given.temperature, given.top_p, given.top_k, given.stop)

    async def _frame(self, rules: Rules | None) -> _Frame:
        """What the prompt is made for, as the managers chose."""
        if rules is None:
            window = (await self._llm.model()).max_model_len
            return _Frame("", window, self._fitting(window, None), PLAIN)
        window = _window((await self._llm.model(rules.model)).max_model_len, rules)
        return _Frame(rules.model, window, self._fitting(window, rules), Voice(rules.persona, rules.language))

    async def _length(self, context: Context, pieces: Sequence[Exchange], start: int, frame: _Frame) -> _Length:
        """How long the prompt of pieces[start:] is. The engine is asked about the whole only where what is known of
        its parts does not tell whether it fits."""
        template = await self._measures.template(frame.model)
        if template is None or any(message.images for message in context.messages):  # pictures are always estimated
            return self._shared_out(await self._counted(context, frame), context, pieces)
        sizes = self._measures.sizes(template, pieces)
        kept, room = pieces[start:], frame.window - frame.sampling.max_tokens
        most = sum(sizes[start:])
        most += await self._measures.fixed(template, frame.model, context, sum(len(piece.messages) for piece in kept))
        if most <= room or sum(piece.tokens for piece in kept) > room:
            return _Length(TokenCount(most, frame.window), sizes, is_measured=True)
        count = await self._counted(context, frame)
        if not all(piece.is_counted for piece in kept[:-1]):
            return self._shared_out(count, context, pieces)
        return _Length(count, [*sizes[:-1], max(1, sizes[-1] - (most - count.count))])  # the newest was guessed

    async def _counted(self, context: Context, frame: _Frame) -> TokenCount:
        count = await self._llm.count_tokens(context.messages, frame.model)
        return TokenCount(count.count, min(count.max_model_len, frame.window), count.exact)

    @staticmethod
    def _shared_out(count: TokenCount, context: Context, pieces: Sequence[Exchange]) -> _Length:
        """The count of the whole shared out over the pieces by their characters."""
        counted = sum(len(message.content) + len(message.name or "") + 2 for message in context.messages)
        per_character = count.count / max(1, counted)
        return _Length(count, [max(1, round(piece.characters * per_character)) for piece in pieces])

    @staticmethod
    def _cut(pieces: Sequence[Exchange], start: int, length: _Length, budget: int) -> int:
        """The next cut: where a summary was prepared for it, if what is left then fits."""
        fixed = length.count.count - sum(length.sizes[start:])
        room = max(1, budget - fixed)
        return prepared_cut(pieces, length.sizes, room, start) or new_cut(length.sizes, room, start)

    def _remember(self, first_id: int) -> None:
        self._cuts[first_id] = None
        self._cuts.move_to_end(first_id)
        if len(self._cuts) > REMEMBERED_CUTS:
            self._cuts.popitem(last=False)


def _window(most: int, rules: Rules | None) -> int:
    """How many tokens prompt and answer may take together: what the model holds, unless less is wanted."""
    return min(most, rules.context_tokens) if rules and rules.context_tokens else most
