"""A conversation → the prompt that fits the served model, counted with its own tokenizer and template.

The choosing is `context`'s; this file asks the engine how long a choice is, and remembers per conversation where the
last cut was, so that the next prompt begins the same way. It does not know how conversations are stored or shown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.conversation.context import PLAIN, Context, Exchange, Summary, Voice, compose, first_kept, index_of, new_cut
from bot.settings.rules import Rules
from llm.client import LLMClient
from llm.errors import ContextTooLong
from llm.types import Sampling, TokenCount

REMEMBERED_CUTS = 10_000
MOST_CHARACTERS_PER_TOKEN = 10
"""Text of more characters than this per token of room is not even counted."""
MOST_COUNTS = 4
"""Counting again after each cut ends here; by then the estimate has been corrected three times."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to send: messages that fit, and sampling whose max_tokens fits beside them.

    `is_counted` is False where the engine cannot count and what fits was estimated."""

    context: Context
    sampling: Sampling
    is_counted: bool = True


class Prompts:
    """Makes prompts for one engine."""

    def __init__(self, llm: LLMClient, sampling: Sampling) -> None:
        self._llm = llm
        self._sampling = sampling
        self._cuts: OrderedDict[int, int] = OrderedDict()

    async def make(
        self,
        key: int,
        guild_name: str | None,
        pieces: Sequence[Exchange],
        summary: Summary | None = None,
        unseen: int | None = 0,
        rules: Rules | None = None,
    ) -> Prompt:
        """The prompt for a conversation of at least one piece; `summary` and `unseen` as `compose` takes them.

        `rules`: how the answer sounds, how long it may be, how much is read for it and by which model; None: as the
        engine's settings say.

        Raises llm.errors; ContextTooLong when the newest piece alone does not fit.
        """
        model = rules.model if rules else ""
        window = _window((await self._llm.model(model)).max_model_len, rules)
        sampling = self._fitting(window, rules)
        voice = Voice(rules.persona, rules.language) if rules else PLAIN
        start = self._begin(key, pieces, unseen)
        sizes = [piece.characters for piece in pieces]
        start = first_kept(sizes, window * MOST_CHARACTERS_PER_TOKEN, start)
        for _ in range(MOST_COUNTS):
            context = compose(guild_name, pieces, start, summary, unseen, voice)
            count = await self._llm.count_tokens(context.messages, model)
            budget = _window(count.max_model_len, rules) - sampling.max_tokens
            if count.count <= budget:
                self._remember(key, context.first_id)
                return Prompt(context, sampling, count.exact)
            if start == len(pieces) - 1:
                break
            start = self._cut(pieces, start, count, budget, context)
        raise ContextTooLong(f"the newest message takes {count.count} tokens, and {budget} are free")

    def _begin(self, key: int, pieces: Sequence[Exchange], unseen: int | None) -> int:
        """The last cut. Where there is none among the pieces and more was said before them, a new one is made with room
        to spare: what is looked at moves on with each message, and the prompt must not."""
        cut = self._cuts.get(key)
        start = index_of(pieces, cut)
        if unseen == 0 or (cut is not None and pieces[start].first_id == cut):
            return start
        rows = [piece.rows for piece in pieces]
        return new_cut(rows, sum(rows), 0) if len(rows) > 1 else 0

    def _fitting(self, window: int, rules: Rules | None) -> Sampling:
        """An answer may take at most half of a small model's context."""
        wanted = rules.max_tokens if rules else self._sampling.max_tokens
        most = min(wanted, max(1, window // 2))
        given = self._sampling
        return Sampling(most, given.temperature, given.top_p, given.top_k, given.stop)

    @staticmethod
    def _cut(pieces: Sequence[Exchange], start: int, count: TokenCount, budget: int, context: Context) -> int:
        """The next cut, with the last count shared out over the pieces by their characters."""
        counted = sum(len(message.content) + len(message.name or "") + 2 for message in context.messages)
        per_character = count.count / max(1, counted)
        system = len(context.messages[0].content) * per_character
        tokens = [max(1, round(piece.characters * per_character)) for piece in pieces]
        return new_cut(tokens, max(1, int(budget - system)), start)

    def _remember(self, key: int, first_id: int) -> None:
        self._cuts[key] = first_id
        self._cuts.move_to_end(key)
        if len(self._cuts) > REMEMBERED_CUTS:
            self._cuts.popitem(last=False)


def _window(most: int, rules: Rules | None) -> int:
    """How many tokens prompt and answer may take together: what the model holds, unless less is wanted."""
    return min(most, rules.context_tokens) if rules and rules.context_tokens else most
