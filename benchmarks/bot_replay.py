"""Twenty IRC channels at once, ten times as fast as they were, with every 50th message a question to the bot.

The bot runs as in production in a process of its own, with its shipped limits, against the playground with Discord's
rate limits; each nick is a person who posts over REST. The engine is a scripted one that gives twenty words a second,
the built-in model in a worker, or one that runs at a URL. At the end each question must have an answer, or a refusal
that says why, and every message must be in SQL. Time to first text is what people see: from their post's being taken to
the first message of the answer. Refused requests are the playground's own count of 429s against the bot.
Why: real channels are uneven, and this is the nearest that a benchmark comes to a server on a busy evening.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load, report, town
from benchmarks.bot_process import Bot, Json, figures, the_bot
from benchmarks.chat_logs import Line, read
from benchmarks.scene import Scene, entered

LOGS = Path("chat_logs") / "ubuntu_irc"
POST = "POST /channels/{channel_id}/messages"
START_S, OUTCOMES_S, WRITTEN_S = 120.0, 180.0, 20.0
SIGN = "⏳"
REMARK = "-# "


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--logs", type=Path, default=_material() / LOGS, help="a folder of *.raw.txt")
    parser.add_argument("--files", type=int, default=20, help="so many of them, the first by name")
    parser.add_argument("--lines", type=int, default=None, help="of each at most")
    parser.add_argument("--speed", type=float, default=10.0, help="times real speed")
    parser.add_argument("--minutes", type=float, default=10.0, help="of this clock at most; 0: to the end of the logs")
    parser.add_argument("--every", type=int, default=50, help="messages of a channel from one question to the next")
    parser.add_argument("--engine", default="scripted", help="scripted, builtin, or the address of one that runs")
    return parser.parse_args(arguments)


def _material() -> Path:
    return Path(os.environ.get("STEWARD_DATA") or load.ROOT.parent / "shared" / "data")


@dataclass(slots=True)
class Question:
    """What the bot showed in reply, as people see it, and when; `grows` while a Stop button says so."""

    asked_at: float
    first_text_at: float | None = None
    sentence: str = ""
    grows: bool = False

    def shows(self, text: str, *, grows: bool) -> None:
        if not text.startswith(REMARK):
            self.first_text_at = self.first_text_at or time.perf_counter()
            self.sentence = text
        self.grows = grows

    def outcome(self, how: str | None) -> str:
        """answered, refused or silent; `how` its answer ended, where one is stored (refusals are not)."""
        if how in ("stop", "length"):
            return "answered"
        return "refused" if self.sentence and (how or not self.grows) else "silent"


@dataclass(slots=True)
class Evening:
    """What was said, and what came of the questions. Keys are message ids."""

    said: list[str] = field(default_factory=list)
    questions: dict[str, Question] = field(default_factory=dict)
    _replies: dict[str, str] = field(default_factory=dict)
    _in_hand: dict[str, Question] = field(default_factory=dict)

    def hear(self, name: str, data: Json) -> None:
        """An event of the gateway; it may come before the answer to the request that caused it."""
        if name == "MESSAGE_CREATE" and data["author"].get("bot") and data.get("message_reference"):
            self._replies[data["id"]] = str(data["message_reference"]["message_id"])
        if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and data["id"] in self._replies:
            question = self._of(self._replies[data["id"]])
            question.shows(data["content"], grows='"Stop"' in json.dumps(data["components"]))
        if name == "MESSAGE_REACTION_ADD" and data["emoji"]["name"] == SIGN:
            self._of(data["message_id"]).shows(SIGN, grows=False)

    def ask(self, message_id: str) -> None:
        """The playground has taken a question."""
        question = self.questions[message_id] = self._of(message_id)
        question.asked_at = min(time.perf_counter(), question.first_text_at or float("inf"))

    def _of(self, message_id: str) -> Question:
        return self._in_hand.setdefault(message_id, Question(time.perf_counter()))


def chosen_logs(chosen: argparse.Namespace) -> dict[str, list[Line]]:
    """Channel name → what is said in it, as far as there is time for it."""
    paths = sorted(chosen.logs.glob("*.raw.txt"))[: chosen.files]
    end_s = chosen.minutes * 60 * chosen.speed or float("inf")
    logs = {path.name.split(".")[0]: read(path)[: chosen.lines] for path in paths}
    return {name: [line for line in lines if line.at_s <= end_s] for name, lines in logs.items()}


async def replay(scene: Scene, evening: Evening, name: str, lines: Sequence[Line], chosen: argparse.Namespace) -> None:
    """One channel, to its end."""
    channel, began = scene.channel(name), time.perf_counter()
    for number, line in enumerate(lines, 1):
        await asyncio.sleep(max(0.0, began + line.at_s / chosen.speed - time.perf_counter()))
        asks = number % chosen.every == 0
        text = f"<@{scene.bot_id}> {line.text}" if asks else line.text
        message_id = await scene.say(scene.token(line.nick), channel, text)
        evening.said.append(message_id)
        if asks:
            evening.ask(message_id)


def rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return list(connection.execute(sql))


def ended(database: Path) -> dict[str, str]:
    """Question id → how its answer ended."""
    found = rows(database, "SELECT prompt_message_id, coalesce(error, finish_reason) FROM replies")
    return {str(question): str(how) for question, how in found}


async def outcomes(evening: Evening, database: Path) -> dict[str, str]:
    """Waits until every question has one: question id → answered, refused or silent."""
    deadline = time.monotonic() + OUTCOMES_S
    while True:
        how = ended(database)
        found = {identity: one.outcome(how.get(identity)) for identity, one in evening.questions.items()}
        if "silent" not in found.values() or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.5)


async def missing(evening: Evening, database: Path) -> int:
    """How many messages are not in SQL, a while after the last of them was said."""
    deadline = time.monotonic() + WRITTEN_S
    while True:
        stored = {str(row[0]) for row in rows(database, "SELECT id FROM messages")}
        absent = sum(identity not in stored for identity in evening.said)
        if not absent or time.monotonic() > deadline:
            return absent
        await asyncio.sleep(0.2)


async def play(
    bot: Bot, playground: str, database: Path, logs: dict[str, list[Line]], chosen: argparse.Namespace
) -> Json:
    """The whole evening; its figures."""
    evening = Evening()
    async with entered(playground, evening.hear) as scene:
        async with asyncio.timeout(START_S):
            await scene.bot_is_there.wait()
        _, refused = await scene.counted()
        await bot.delays_ms()
        began, worked = time.perf_counter(), bot.cpu_s
        async with asyncio.TaskGroup() as group:
            for name, lines in logs.items():
                group.create_task(replay(scene, evening, name, lines, chosen))
        seconds = time.perf_counter() - began
        delays = await bot.delays_ms()
        found = await outcomes(evening, database)
        share = (bot.cpu_s - worked) / (time.perf_counter() - began)
        _, refused_then = await scene.counted()
        refused_then[POST] = refused_then.get(POST, 0) - scene.refused
    return {
        "messages": len(evening.said),
        "seconds": seconds,
        "missing_in_sql": await missing(evening, database),
        "questions": len(evening.questions),
        **{kind: sum(one == kind for one in found.values()) for kind in ("answered", "refused", "silent")},
        "reasons": reasons(evening, found, ended(database)),
        **first_text(evening, found),
        "refused_requests": sum(refused_then.values()) - sum(refused.values()),
        "cpu_share": share,
        "memory_mib": bot.memory_mib,
        **figures(delays),
    }


def reasons(evening: Evening, found: dict[str, str], how: dict[str, str]) -> dict[str, int]:
    """Why questions were refused, in the bot's own words or by the error's name, and how often."""
    refused = [identity for identity, one in found.items() if one == "refused"]
    return dict(Counter(how.get(identity) or evening.questions[identity].sentence for identity in refused))


def first_text(evening: Evening, found: dict[str, str]) -> Json:
    """Seconds to the first text of the answers."""
    waits = [
        one.first_text_at - one.asked_at
        for identity, one in evening.questions.items()
        if found[identity] == "answered" and one.first_text_at is not None
    ]
    if len(waits) < 2:
        return {"first_text_p50_s": max(waits, default=0.0), "first_text_p95_s": max(waits, default=0.0)}
    percentiles = statistics.quantiles(waits, n=100, method="inclusive")
    return {"first_text_p50_s": percentiles[49], "first_text_p95_s": percentiles[94]}


@contextmanager
def engine(kind: str, answers: int) -> Iterator[str]:
    """The address of the engine that is asked; the scripted one has so many answers."""
    if kind == "builtin":
        with load.worker(Path("embedded")) as server:
            yield f"{server.url}/v1"
        return
    if kind != "scripted":
        yield kind
        return
    flags = ["--answers", str(answers), "--words", "40", "--every", "0.05"]
    command = [sys.executable, "-m", "benchmarks.slow_engine", *flags]
    with subprocess.Popen(command, cwd=load.ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.kill()


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    logs = chosen_logs(chosen)
    vars(chosen)["logs"] = str(chosen.logs)
    if not logs:
        print(f"{chosen.logs} has no *.raw.txt: name their folder with --logs, or set STEWARD_DATA")
        report.finish("bot_replay", chosen)
        return
    nicks = sorted({line.nick for lines in logs.values() for line in lines})
    questions = sum(len(lines) // chosen.every for lines in logs.values())
    with (
        tempfile.TemporaryDirectory() as folder,
        engine(chosen.engine, questions) as engine_url,
        town.started(nicks, list(logs)) as server,
        the_bot(server.url, engine_url, Path(folder) / "steward.sqlite3") as bot,
    ):
        found = asyncio.run(play(bot, server.url, Path(folder) / "steward.sqlite3", logs, chosen))
    for name, value in found.items():
        print(f"{name.replace('_', ' '):20} {f'{value:.2f}' if isinstance(value, float) else value}")
    report.finish("bot_replay", chosen, people=len(nicks), channels=len(logs), **found)


if __name__ == "__main__":
    main()
