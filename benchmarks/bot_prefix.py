"""What the 100th turn of a conversation costs the engine, compared with the 10th, as the bot makes its prompts.

One conversation of 110 turns through the bot's own parts: messages in SQLite, their tokens counted once and stored,
whole turns dropped in blocks, and running summaries in place of what is dropped, written by the served model in the
background (here: after each answer, before the next question). The worker says how many prompt tokens it took from its
prefix cache. Measures the mean of the others over turns 91 to 110 and over turns 6 to 15, both between evictions (turns
for which something was dropped, or a summary came, are left out), and the same with them; and what choosing the prompt
costs: requests to /tokenize, milliseconds, and those of counting the whole prompt, as it was done before. Why: the
price of a turn must not grow with the conversation. The model has random weights: summaries are nonsense, as
long as they may be.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

from benchmarks import load, models, report, subject
from bot.config import BotSettings
from bot.conversation.context import Exchange, exchanges
from bot.conversation.counting import Counting
from bot.conversation.markup import Names
from bot.conversation.pieces import rows_of
from bot.conversation.prompting import Prompt, Prompts
from bot.conversation.summarizing import Summarizing
from bot.conversation.transcript import Conversation
from llm.client import LLMClient
from llm.config import LLMSettings
from llm.types import ChatMessage, Sampling, TokenCount
from storage.database import Database
from storage.history import History, StoredMessage, StoredPerson
from storage.summaries import RunningSummaries
from storage.tokens import TokenCounts

GUILD, GUILD_ID, CHANNEL_ID = "Benchmarks", 7, 77
ME, ADA = StoredPerson(1, "Steward", is_bot=True), StoredPerson(2, "Ada")
NAMES = Names(mine=frozenset({ME.id}), my_name=ME.name)
BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)
EARLY, LATE = (6, 15), (91, 110)


@dataclass(frozen=True, slots=True)
class Turn:
    """Tokens of one turn's prompt; `moved`: it does not begin as the one before, since something was dropped or a
    summary came. `calls` and `ms` went into choosing it, `whole_ms` into counting all of it once."""

    prompt: int
    cached: int
    moved: bool
    calls: int
    ms: float
    whole_ms: float

    @property
    def computed(self) -> int:
        return self.prompt - self.cached


class CountingClient(LLMClient):
    """Knows how often it was asked to count."""

    calls = 0

    async def count_tokens(self, messages: Sequence[ChatMessage], model: str = "") -> TokenCount:
        self.calls += 1
        return await super().count_tokens(messages, model)

    async def count_texts(self, texts: Sequence[str], model: str = "") -> list[int] | None:
        self.calls += 1
        return await super().count_texts(texts, model)


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    subject.add_options(parser, model="tiny")
    parser.add_argument("--turns", type=int, default=110)
    parser.add_argument("--message", type=int, default=30, help="longest message of a person, in words")
    parser.add_argument("--reply", type=int, default=64, help="longest reply, in tokens")
    return parser.parse_args(arguments)


class Talk:
    """One conversation between Ada and the bot's parts."""

    def __init__(self, llm: CountingClient, database: Database, chosen: argparse.Namespace) -> None:
        self._llm = llm
        self._history = History(database)
        self._prompts = Prompts(llm, Sampling(max_tokens=chosen.reply, temperature=0))
        self._counting = Counting(llm, TokenCounts(database))
        self._summarizing = Summarizing(llm, self._prompts, RunningSummaries(database))
        self._chosen = chosen
        self._draw = random.Random(0)
        self._beginning: list[ChatMessage] = []

    async def turn(self, number: int) -> Turn:
        """Ask, answer, and look after the conversation."""
        said = models.sayings(1, self._draw.randint(self._chosen.message // 5, self._chosen.message), seed=number)[0]
        await self._record(2 * number, ADA, said)
        prompt, calls, ms = await self._prompt()
        begun = time.perf_counter()
        await self._llm.count_tokens(prompt.context.messages)
        whole_ms = 1000 * (time.perf_counter() - begun)
        length = self._draw.randint(self._chosen.reply // 5, self._chosen.reply)
        sampling = replace(prompt.sampling, max_tokens=length)
        answer = await self._llm.chat(prompt.context.messages, sampling, priority="interactive", user="7/2")
        if answer.usage is None:
            raise RuntimeError("the engine reports no usage: nothing can be measured")
        await self._record(2 * number + 1, ME, answer.text)
        await self._look_after()
        before, self._beginning = self._beginning, prompt.context.messages
        moved = prompt.context.messages[: len(before)] != before
        return Turn(answer.usage.prompt_tokens, answer.usage.cached_tokens, moved, calls, ms, whole_ms)

    async def _prompt(self) -> tuple[Prompt, int, float]:
        """The prompt, and how many requests and milliseconds it took, the query included."""
        calls, begun = self._llm.calls, time.perf_counter()
        conversation, pieces = await self._read()
        prompt = await self._prompts.make(GUILD, pieces, conversation.unseen)
        return prompt, self._llm.calls - calls, 1000 * (time.perf_counter() - begun)

    async def _look_after(self) -> None:
        """What the bot does in the background."""
        await self._counting.count((await self._read())[1])
        conversation, pieces = await self._read()
        await self._summarizing.keep(conversation, CHANNEL_ID, GUILD, pieces, "7/2")

    async def _read(self) -> tuple[Conversation, list[Exchange]]:
        longest = BotSettings().history_messages
        rows = await self._history.recent(CHANNEL_ID, longest, model=(await self._llm.model()).id)
        conversation = Conversation(CHANNEL_ID, rows, 0 if len(rows) < longest else None)
        return conversation, exchanges(rows_of(rows, ME.id), NAMES)

    async def _record(self, number: int, author: StoredPerson, text: str) -> None:
        moment = BEGIN + timedelta(seconds=number)
        reply_to = None if author is ADA else number - 1
        await self._history.record([StoredMessage(number, CHANNEL_ID, GUILD_ID, author, text, moment, reply_to)])


async def measure(server: load.Server, chosen: argparse.Namespace) -> list[Turn]:
    token = os.environ.get("STEWARD_WORKER_TOKEN")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'prefix.sqlite3'}"
        async with CountingClient(LLMSettings(), f"{server.url}/v1", token) as llm, Database(url) as database:
            await database.upgrade()
            talk = Talk(llm, database, chosen)
            return [await talk.turn(number) for number in range(1, chosen.turns + 1)]


def computed(turns: Sequence[Turn], span: tuple[int, int], *, with_moves: bool) -> float:
    """Mean of the computed tokens of turns `span`, or of what there is of them; at least of the last turn."""
    watched = turns[span[0] - 1 : span[1]] or turns[-1:]
    counted = [turn.computed for turn in watched if with_moves or not turn.moved]
    return mean(counted or [turn.computed for turn in watched])


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    with subject.worker(chosen) as server:
        turns = asyncio.run(measure(server, chosen))
    early, late = (computed(turns, span, with_moves=False) for span in (EARLY, LATE))
    amortized = computed(turns, LATE, with_moves=True) / early
    print("turn  prompt  computed  requests  choosing  counting all (ms)")
    for number, turn in enumerate(turns, start=1):
        moved = "  begins anew" if turn.moved else ""
        print(f"{number:4} {turn.prompt:7} {turn.computed:9} {turn.calls:9} {turn.ms:9.1f} {turn.whole_ms:9.1f}{moved}")
    moves = sum(turn.moved for turn in turns)
    print(f"turns 91 to 110 over 6 to 15: {late / early:.2f}; with evictions {amortized:.2f}; {moves} times begun anew")
    report.finish(
        "bot_prefix",
        chosen,
        ratio=late / early,
        amortized=amortized,
        early_tokens=early,
        late_tokens=late,
        begun_anew=moves,
        requests_a_turn=mean(turn.calls for turn in turns),
        choosing_ms=mean(turn.ms for turn in turns),
        counting_all_ms=mean(turn.whole_ms for turn in turns),
    )


if __name__ == "__main__":
    main()
