"""What it costs to build the context of a thread of 5,000 messages: from SQLite to the messages that a model reads.

Measures one turn after another of a long thread as the bot takes them: the query, which brings the messages with their
counted tokens and the running summary, Discord's markup made readable and harmless, the choice of what is kept, the
prompt. Counting tokens is the engine's work and is not in it. All statements
that reach the database are counted. The thread is read once whole, too (`--whole`), which no setting does by itself:
that says what each message costs. Why: this runs in the bot's own process before every answer, where it delays
everybody. On a machine that does other work, the processor's time is the one to read.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import event

from benchmarks import report
from bot.config import BotSettings
from bot.conversation.context import Context, compose, exchanges, first_kept
from bot.conversation.markup import Names
from bot.conversation.pieces import rows_of
from storage.database import Database
from storage.history import History, StoredMessage, StoredPerson
from storage.summaries import RunningSummaries, RunningSummary
from storage.tokens import TokenCounts

ME, THREAD, GUILD = 1, 77, 7
PEOPLE = {number: f"person {number}" for number in range(2, 12)}
NAMES = Names(frozenset({ME}), "Steward", PEOPLE, {50: "Mods"}, {THREAD: "plans"})
BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODEL, TOKENS = "some model", 4_000
"""What is kept of the thread."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds of one context, by the clock and by the processor, and the statements that it took."""

    query_s: float
    build_s: float
    cpu_s: float
    statements: list[str]
    context: Context

    @property
    def whole_ms(self) -> float:
        return 1000 * (self.query_s + self.build_s)

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_s


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument(
        "--read", type=int, default=BotSettings().history_messages, help="messages that are read at once"
    )
    parser.add_argument("--turns", type=int, default=100)
    return parser.parse_args(arguments)


def said(number: int) -> StoredMessage:
    """Questions and answers in turn, with mentions, emoji, code and several lines as people write them."""
    mine = number % 2 == 0
    author = (
        StoredPerson(ME, "Steward", is_bot=True) if mine else StoredPerson(2 + number % 10, PEOPLE[2 + number % 10])
    )
    text = (
        f"<@{ME}> what did <@{2 + number % 7}> say in <#{THREAD}> <:blob:123>?\nNote: it was `x = {number}`, I think."
    )
    return StoredMessage(
        id=1000 + number,
        channel_id=THREAD,
        guild_id=GUILD,
        author=author,
        content=f"Answer {number}. " * 12 if mine else text,
        created_at=BEGIN + timedelta(seconds=number),
        reply_to=999 + number if mine else None,
    )


def summary_of(rows: list[StoredMessage]) -> RunningSummary:
    """What was dropped, in short."""
    return RunningSummary(THREAD, THREAD, rows[-1].id, "Much was said. " * 40, MODEL, frozenset(row.id for row in rows))


def built(rows: list[StoredMessage]) -> Context:
    """What the model reads of these messages."""
    pieces = exchanges(rows_of(rows, ME), NAMES)
    sizes = [piece.most_tokens for piece in pieces]
    return compose("Garden", pieces, first_kept(sizes, TOKENS))


async def turn(database: Database, history: History, read: int) -> Turn:
    statements: list[str] = []

    def note(*told: object) -> None:
        if not str(told[2]).startswith(("PRAGMA", "BEGIN")):
            statements.append(str(told[2]))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    cpu, begun = time.process_time(), time.perf_counter()
    rows = await history.recent(THREAD, read, model=MODEL)
    queried = time.perf_counter()
    context = built(rows)
    done, cpu = time.perf_counter(), time.process_time() - cpu
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    return Turn(queried - begun, done - queried, cpu, statements, context)


async def measure(chosen: argparse.Namespace) -> tuple[list[Turn], Turn]:
    with tempfile.TemporaryDirectory() as folder:
        async with Database(f"sqlite:///{Path(folder) / 'thread.sqlite3'}") as database:
            await database.upgrade()
            history = History(database)
            thread = [said(number) for number in range(1, chosen.messages + 1)]
            await history.record(thread)
            await TokenCounts(database).put(MODEL, {row.id: (row.content, len(row.content) // 4) for row in thread})
            await RunningSummaries(database).put(summary_of(thread[: chosen.messages - chosen.read // 2]))
            turns = [await turn(database, history, chosen.read) for _ in range(chosen.turns)]
            return turns, await turn(database, history, chosen.messages)


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    turns, whole = asyncio.run(measure(chosen))
    median, slow = (statistics.quantiles([one.whole_ms for one in turns], n=20)[place] for place in (9, 18))
    print(f"{chosen.messages} messages in the thread, {chosen.read} of them read, {turns[0].context.read} kept")
    print("               query     build     all  processor (ms)")
    for name, figures in (("median", turns), ("whole thread", [whole])):
        query = 1000 * statistics.median(one.query_s for one in figures)
        build = 1000 * statistics.median(one.build_s for one in figures)
        cpu = statistics.median(one.cpu_ms for one in figures)
        print(f"{name:13} {query:7.2f} {build:9.2f} {query + build:7.2f} {cpu:10.2f}")
    report.finish(
        "context_build",
        chosen,
        median_ms=median,
        median_cpu_ms=statistics.median(one.cpu_ms for one in turns),
        p95_ms=slow,
        whole_thread_ms=whole.whole_ms,
        statements=max(len(one.statements) for one in turns),
        kept=turns[0].context.read,
    )


if __name__ == "__main__":
    main()
