"""How much sooner a long range is summarized when its parts are read side by side, over one part after the other.

Takes 2,000 messages of an IRC log (or as many drawn words, where there are no logs) and has them read in parts by the
built-in chat model on a worker of its own, through HTTP, at `command` priority, as /summarize does: several at once as
shipped, then one at a time, in turns, with everybody's name changed in between, so that the worker's prefix cache knows
nothing of it. Measures the time until the last part was read. The built-in model's notes cite nothing, so nothing is
joined afterwards: what is compared is the reading. Why: somebody waits for it. Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks import chat_logs, load, models, report
from benchmarks.evaluation.irc import LOGS, data_folder
from benchmarks.evaluation.summarize import as_messages
from llm.client import LLMClient
from llm.config import LLMSettings
from llm.tasks.likeness import Likeness
from llm.tasks.summarize import AT_ONCE, Summarizer
from llm.tasks.summary import SourceMessage, Wish

USUAL = Wish()
CHAT = Path(__file__).resolve().parent.parent / "llm" / "embedded" / "chat"


@dataclass(frozen=True, slots=True)
class Reading:
    """Seconds until all parts were read, and how many these were; tokens of all requests."""

    seconds: float
    parts: int
    prompt: int
    new: int


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    parser.add_argument("--url", help="measure the worker that runs there, with its model")
    parser.add_argument("--logs", type=Path, default=data_folder() / LOGS, help="folder of IRC logs")
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="parts that are read side by side")
    return parser.parse_args(arguments)


def said(folder: Path, count: int) -> list[SourceMessage]:
    """So many messages, of one log after the other."""
    found: list[tuple[str, str]] = []
    for path in sorted(folder.glob("*.raw.txt")):
        found += [(line.nick, line.text) for line in chat_logs.read(path)]
        if len(found) >= count:
            break
    drawn = models.sayings(max(0, count - len(found)), 16)
    return as_messages([*found, *(("ada", text) for text in drawn)][:count])


def renamed(messages: Sequence[SourceMessage], number: int) -> list[SourceMessage]:
    """The same by others: no part begins as one did before."""
    return [replace(message, author=f"{number}{message.author}") for message in messages]


async def reading(url: str, messages: Sequence[SourceMessage], at_once: int, wish: Wish = USUAL) -> Reading:
    """One summary. Raises RuntimeError where the model did not read it."""
    ended = [0.0, 0.0]

    def progress(done: int, total: int) -> None:
        if done == total and not ended[0]:
            ended[:] = [time.perf_counter(), total]

    async with LLMClient(LLMSettings(first_token_timeout_s=900, token_timeout_s=900), f"{url}/v1") as client:
        await client.model()
        begun = time.perf_counter()
        summary = await Summarizer(client, Likeness(None), at_once=at_once).summarize(
            messages, wish, user="1/1", progress=progress
        )
    cost = summary.cost
    if summary.fallback == "engine failed" or cost.requests < ended[1]:
        raise RuntimeError(f"the parts were not all read: {summary.fallback}")
    return Reading(ended[0] - begun, int(ended[1]), cost.prompt, cost.completion)


async def measured(url: str, chosen: argparse.Namespace) -> dict[str, list[Reading]]:
    messages = said(chosen.logs, chosen.messages)
    await reading(url, renamed(messages[:8], 0), 1, Wish(count=1))  # the first request pays for what is set up once
    found: dict[str, list[Reading]] = {"side by side": [], "one after the other": []}
    for number in range(chosen.repeats):
        found["side by side"].append(await reading(url, renamed(messages, 2 * number + 1), chosen.at_once))
        found["one after the other"].append(await reading(url, renamed(messages, 2 * number + 2), 1))
    return found


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    if chosen.url:
        found = asyncio.run(measured(load.running(chosen.url).url, chosen))
    else:
        with load.worker(CHAT) as server:
            found = asyncio.run(measured(server.url, chosen))
    for way, several in found.items():
        for one in several:
            print(f"{way:20} {one.seconds:7.1f} s, {one.parts} parts, {one.prompt:,} + {one.new:,} tokens")
    together, alone = found.values()
    ratio = median(one.seconds / other.seconds for one, other in zip(together, alone, strict=True))
    print(f"{'share of the time':20} {ratio:7.2f}")
    chosen.logs = str(chosen.logs)
    seconds = {way: [one.seconds for one in several] for way, several in found.items()}
    report.finish("summarize_batching", chosen, seconds=seconds, parts=together[0].parts, ratio=ratio)


if __name__ == "__main__":
    main()
