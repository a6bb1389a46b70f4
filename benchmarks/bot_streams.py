"""How smoothly many answers stream at once: edits that are refused, and how late the bot's event loop gets.

The bot runs as in production (`bot.app.run_bot`: discord.py, SQLite) in a process of its own, against the playground
with Discord's rate limits and an engine that gives a word every half second; the people are in this process. For each
number of streams, everybody asks at once in a channel of their own, and it is over when every answer is there to its
last word. Refused edits are the playground's own count of 429s. The delay is how much later than asked a 5 ms sleep in
the bot's loop ends; `idle` is the same while nobody asks, so that the machine's own noise can be seen.
Why: an edit that Discord refuses delays all of that channel, and a loop that is late delays everybody's buttons, which
must be answered within 3 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from benchmarks import load, report
from benchmarks.slow_engine import END
from bot.app import run_bot
from bot.config import Secrets, Settings

PROBE_S = 0.005
POST, EDIT = "POST /channels/{channel_id}/messages", "PATCH /channels/{channel_id}/messages/{message_id}"
QUESTION = "tell me everything that you know about gardens, please"
HEARTBEAT_S = 20.0
PATIENCE = 20.0
"""Everything may take this much longer than the engine needs; nobody waits for ever, not even a benchmark."""

Json = dict[str, Any]


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[20, 64])
    parser.add_argument("--words", type=int, default=60, help="of each answer")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two words")
    parser.add_argument("--idle", type=float, default=5.0, help="seconds in which nobody asks")
    parser.add_argument("--be-the-bot", nargs=2, metavar=("PLAYGROUND", "ENGINE"), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


# the bot's process


async def be_the_bot(playground: str, engine: str) -> None:
    """The bot, until stdin ends; each line is answered with its loop's delays since the line before (milliseconds)."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate(
            {
                "bot": {"requests_per_minute": 1_000, "log_level": "error"},
                "llm": {"base_url": engine},
                "playground": {"database": f"sqlite:///{folder}/steward.sqlite3"},
            }
        )
        running = asyncio.create_task(run_bot(settings, Secrets(), playground))
        delays: list[float] = []
        probing = asyncio.create_task(probe(delays))
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(delays), flush=True)
            delays.clear()
        for task in (probing, running):
            task.cancel()
        await asyncio.gather(probing, running, return_exceptions=True)


async def probe(delays: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(PROBE_S)
        delays.append(1000 * (time.perf_counter() - began - PROBE_S))


# the people's process


@dataclass(slots=True)
class Scene:
    """The people's way into the playground, and what they see of the bot's answers."""

    http: aiohttp.ClientSession
    told: Json
    answers: dict[str, str] = field(default_factory=dict)
    """Channel id → the newest text of the bot's newest message in it."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    bot_is_there: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, method: str, path: str, body: Json | None = None, person: int = 0) -> Json:
        """What a person asks of the API; waits out what is refused."""
        headers = {"Authorization": self.told["people"][person % len(self.told["people"])]["token"]}
        while True:
            async with self.http.request(method, f"/api/v10{path}", json=body, headers=headers) as response:
                answer: Json = await response.json()
                if response.status != 429:
                    response.raise_for_status()
                    return answer
            await asyncio.sleep(answer["retry_after"])

    async def counted(self) -> tuple[dict[str, int], dict[str, int]]:
        """How many requests of each kind were made so far, and how many refused."""
        async with self.http.get("/playground/limits") as response:
            told = await response.json()
        return told["asked"], told["refused"]

    async def watch(self) -> None:
        """Reads the gateway as the first person does."""
        async with self.http.ws_connect("/gateway?v=10&encoding=json", max_msg_size=0) as socket:
            token = self.told["people"][0]["token"]
            await socket.send_json({"op": 2, "d": {"token": token, "properties": {}}})
            beating = asyncio.create_task(_beat(socket))
            try:
                async for frame in socket:
                    event = frame.json()
                    self._hear(event["t"], event["d"])
            finally:
                beating.cancel()
        raise RuntimeError("the playground's gateway closed: nobody sees the answers any more")

    def _hear(self, name: str | None, data: Json) -> None:
        bot = self.told["bot"]["id"]
        if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and data["author"]["id"] == bot:
            self.answers[data["channel_id"]] = data["content"]
            self.news.set()
        present = data["presences"] if name == "GUILD_CREATE" else [data] if name == "PRESENCE_UPDATE" else []
        if any(one["user"]["id"] == bot and one["status"] == "online" for one in present):
            self.bot_is_there.set()

    async def answered(self, channels: Sequence[str]) -> None:
        """Returns when every channel's answer is there to its last word."""
        while not all(END in self.answers.get(channel, "") for channel in channels):
            self.news.clear()
            await self.news.wait()

    async def ask(self, number: int, channel: str) -> None:
        text = f"<@{self.told['bot']['id']}> {QUESTION} ({number})"
        await self.call("POST", f"/channels/{channel}/messages", {"content": text}, person=number)

    async def channels(self, count: int) -> list[str]:
        path = f"/guilds/{self.told['guild']['id']}/channels"
        made = [await self.call("POST", path, {"name": f"garden-{number}", "type": 0}) for number in range(count)]
        return [one["id"] for one in made]


async def _beat(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        await socket.send_json({"op": 1, "d": None})


class Bot:
    """The bot's process, from here."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    async def delays_ms(self) -> list[float]:
        """The delays of its loop since the last time."""
        return await asyncio.to_thread(self._ask)

    def _ask(self) -> list[float]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the bot was started without pipes")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        delays: list[float] = json.loads(self._process.stdout.readline())
        return delays


async def play(bot: Bot, playground: str, chosen: argparse.Namespace) -> list[Json]:
    """All rounds, one after the other."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)  # a kept connection may close just as it is used again
    async with aiohttp.ClientSession(playground, connector=connector) as http:
        async with http.get("/playground.json") as response:
            scene = Scene(http, await response.json())
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(scene.watch())
            rows = await rounds(bot, scene, chosen)
            watching.cancel()
        return rows


async def rounds(bot: Bot, scene: Scene, chosen: argparse.Namespace) -> list[Json]:
    channels = await scene.channels(max(chosen.streams))
    deadline_s = load.START_S + PATIENCE * chosen.words * chosen.every
    async with asyncio.timeout(deadline_s):
        await scene.bot_is_there.wait()
        await scene.ask(0, channels[0])
        await scene.answered(channels[:1])
    await bot.delays_ms()
    await asyncio.sleep(chosen.idle)
    rows = [{"streams": 0, **figures(await bot.delays_ms())}]
    for streams in chosen.streams:
        async with asyncio.timeout(deadline_s):
            rows.append(await one_round(bot, scene, channels[:streams]))
    return rows


async def one_round(bot: Bot, scene: Scene, channels: Sequence[str]) -> Json:
    """Everybody asks at once; the row of figures."""
    scene.answers.clear()
    asked, refused = await scene.counted()
    await bot.delays_ms()
    began = time.perf_counter()
    await asyncio.gather(*(scene.ask(number, channel) for number, channel in enumerate(channels)))
    await scene.answered(channels)
    seconds = time.perf_counter() - began
    delays = await bot.delays_ms()
    asked_then, refused_then = await scene.counted()
    edits = asked_then.get(EDIT, 0) - asked.get(EDIT, 0)
    return {
        "streams": len(channels),
        "seconds": seconds,
        "edits": edits,
        "edits_per_stream_s": edits / len(channels) / seconds,
        "refused_edits": refused_then.get(EDIT, 0) - refused.get(EDIT, 0),
        "refused_posts": refused_then.get(POST, 0) - refused.get(POST, 0),
        **figures(delays),
    }


def figures(delays_ms: list[float]) -> Json:
    percentiles = statistics.quantiles(delays_ms, n=100, method="inclusive") if len(delays_ms) > 1 else [0.0] * 99
    return {"p50_ms": percentiles[49], "p99_ms": percentiles[98], "most_ms": max(delays_ms, default=0.0)}


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


@contextmanager
def the_bot(playground: str, engine_url: str) -> Iterator[Bot]:
    command = [sys.executable, "-m", "benchmarks.bot_streams", "--be-the-bot", playground, engine_url]
    pipes = subprocess.PIPE
    with subprocess.Popen(command, cwd=load.ROOT, stdin=pipes, stdout=pipes, stderr=None, text=True) as process:
        try:
            yield Bot(process)
        finally:
            process.kill()


def table(rows: Sequence[Json]) -> None:
    print(f"{'streams':>8} {'edits':>6} {'a stream/s':>10} {'refused':>8} {'p50 ms':>8} {'p99 ms':>8} {'most ms':>8}")
    for row in rows:
        counts = f"{row.get('edits', 0):6} {row.get('edits_per_stream_s', 0):10.2f} {row.get('refused_edits', 0):8}"
        print(f"{row['streams'] or 'idle':>8} {counts} {row['p50_ms']:8.1f} {row['p99_ms']:8.1f} {row['most_ms']:8.1f}")


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    addresses = vars(chosen).pop("be_the_bot")
    if addresses:
        asyncio.run(be_the_bot(*addresses))
        return
    playground = [sys.executable, "-m", "playground"]
    with (
        engine(chosen) as engine_url,
        load.started(playground, "", '"ready"') as server,
        the_bot(server.url, engine_url) as bot,
    ):
        rows = asyncio.run(play(bot, server.url, chosen))
    table(rows)
    busiest, first = rows[-1], rows[1]
    report.finish("bot_streams", chosen, rows=rows, refused=first["refused_edits"], p99_ms=busiest["p99_ms"])


if __name__ == "__main__":
    main()
