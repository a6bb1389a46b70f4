"""How smoothly many answers stream at once: edits that are refused, and how late the bot's event loop gets.

The bot runs as in production in a process of its own, against the playground with Discord's rate limits and an engine
that gives a word every half second; the people are in this process, one for each stream. For each number of streams,
everybody asks at once in a channel of their own, and it is over when every answer is there to its last word. Refused
edits are the playground's own count of 429s. The delay is how much later than asked a 5 ms sleep in the bot's loop
ends; `idle` is the same while nobody asks, so that the machine's own noise can be seen; what it takes of a core does
not depend on that noise.
Why: an edit that Discord refuses delays all of that channel, and a loop that is late delays everybody's buttons, which
must be answered within 3 s.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load, report, town
from benchmarks.bot_process import Bot, Json, figures, the_bot
from benchmarks.scene import Scene, entered
from benchmarks.slow_engine import END

POST, EDIT = "POST /channels/{channel_id}/messages", "PATCH /channels/{channel_id}/messages/{message_id}"
QUESTION = "tell me everything that you know about gardens, please"
COLUMNS = ("streams", "edits", "a stream/s", "refused", "of a core", "p50 ms", "p99 ms", "most ms")
START_S = 120.0
PATIENCE = 4.0
"""A round may take this much longer than the engine needs; nobody waits for ever, not even a benchmark."""


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[20, 64])
    parser.add_argument("--words", type=int, default=60, help="of each answer")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two words")
    parser.add_argument("--idle", type=float, default=5.0, help="seconds in which nobody asks")
    return parser.parse_args(arguments)


@dataclass(slots=True)
class Answers:
    """What is seen of the bot's answers: channel id → the newest text of the bot's newest message in it."""

    newest: dict[str, str] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, name: str, data: Json) -> None:
        if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and data["author"].get("bot"):
            self.newest[data["channel_id"]] = data["content"]
            self.news.set()

    async def all_in(self, channels: Sequence[str], within_s: float) -> None:
        """Returns when every channel's answer is there to its last word. Raises RuntimeError with what is there."""
        try:
            async with asyncio.timeout(within_s):
                while self._without_end(channels):
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            late = self._without_end(channels)
            shown = self.newest.get(late[0], "nothing")
            raise RuntimeError(f"{len(late)} of {len(channels)} answers have no end yet; one shows: {shown}") from None

    def _without_end(self, channels: Sequence[str]) -> list[str]:
        return [channel for channel in channels if END not in self.newest.get(channel, "")]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a round needs; `people` and `channels` belong together, one of each for a stream."""

    scene: Scene
    bot: Bot
    answers: Answers
    people: Sequence[str]
    channels: Sequence[str]
    within_s: float

    async def ask(self, number: int) -> None:
        text = f"<@{self.scene.bot_id}> {QUESTION} ({number})"
        await self.scene.say(self.people[number], self.channels[number], text)


async def play(bot: Bot, playground: str, chosen: argparse.Namespace) -> list[Json]:
    """All rounds, one after the other."""
    answers = Answers()
    async with entered(playground, answers.hear) as scene:
        names = names_for(chosen)
        people, channels = [scene.token(name) for name in names], [scene.channel(name) for name in names]
        within_s = 30 + PATIENCE * chosen.words * chosen.every
        stage = Stage(scene, bot, answers, people, channels, within_s)
        async with asyncio.timeout(START_S):
            await scene.bot_is_there.wait()
        await stage.ask(0)
        await answers.all_in(channels[:1], within_s)
        await bot.delays_ms()
        await asyncio.sleep(chosen.idle)
        rows: list[Json] = [{"streams": 0, **figures(await bot.delays_ms())}]
        for streams in chosen.streams:
            rows.append(await one_round(stage, streams))
        return rows


def names_for(chosen: argparse.Namespace) -> list[str]:
    """Of the people, and of their channels."""
    return [f"gardener-{number}" for number in range(max(chosen.streams))]


async def one_round(stage: Stage, streams: int) -> Json:
    """Everybody asks at once; the row of figures."""
    stage.answers.newest.clear()
    asked, refused = await stage.scene.counted()
    await stage.bot.delays_ms()
    began, worked = time.perf_counter(), stage.bot.cpu_s
    await asyncio.gather(*(stage.ask(number) for number in range(streams)))
    await stage.answers.all_in(stage.channels[:streams], stage.within_s)
    seconds = time.perf_counter() - began
    delays = await stage.bot.delays_ms()
    asked_then, refused_then = await stage.scene.counted()
    edits = asked_then.get(EDIT, 0) - asked.get(EDIT, 0)
    return {
        "streams": streams,
        "seconds": seconds,
        "edits": edits,
        "edits_per_stream_s": edits / streams / seconds,
        "refused_edits": refused_then.get(EDIT, 0) - refused.get(EDIT, 0),
        "refused_posts": refused_then.get(POST, 0) - refused.get(POST, 0),
        "cpu_share": (stage.bot.cpu_s - worked) / seconds,
        **figures(delays),
    }


@contextmanager
def engine(chosen: argparse.Namespace) -> Iterator[str]:
    """The slow engine's address; it answers all rounds, and the one question before them."""
    answers = sum(chosen.streams) + 1
    flags = ["--answers", str(answers), "--words", str(chosen.words), "--every", str(chosen.every)]
    command = [sys.executable, "-m", "benchmarks.slow_engine", *flags]
    with subprocess.Popen(command, cwd=load.ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.kill()


def table(rows: Sequence[Json]) -> None:
    print(*(f"{name:>10}" for name in COLUMNS))
    for row in rows:
        counts = f"{row.get('edits', 0):10} {row.get('edits_per_stream_s', 0):10.2f} {row.get('refused_edits', 0):10}"
        delays = f"{row['p50_ms']:10.1f} {row['p99_ms']:10.1f} {row['most_ms']:10.1f}"
        print(f"{row['streams'] or 'idle':>10} {counts} {row.get('cpu_share', 0):10.2f} {delays}")


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    names = names_for(chosen)
    with (
        tempfile.TemporaryDirectory() as folder,
        engine(chosen) as engine_url,
        town.started(names, names) as server,
        the_bot(server.url, engine_url, Path(folder) / "steward.sqlite3", requests_per_minute=1_000) as bot,
    ):
        rows = asyncio.run(play(bot, server.url, chosen))
    table(rows)
    busiest, first = rows[-1], rows[1]
    report.finish("bot_streams", chosen, rows=rows, refused=first["refused_edits"], p99_ms=busiest["p99_ms"])


if __name__ == "__main__":
    main()
