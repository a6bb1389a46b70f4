"""What a guild gets of a worker that another guild floods.

Eight guilds always want more than there is; one of them asks from very many people at once and for answers twice as
long. Measures the tokens (prompts and answers, as they arrive through HTTP) that each guild gets in a stretch of time,
over an eighth of all. Each question is new, so that nothing of it is cached. The flood is one of the eight guilds.
Why: one server's busy evening must not be everybody's. Counting requests instead of tokens would give the flood twice
what the others get; serving whoever came first would give it nearly all.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from benchmarks import load, models, report, subject

FLOOD = "flood"


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    subject.add_options(parser)
    parser.add_argument("--guilds", type=int, default=8, help="the one that floods included")
    parser.add_argument(
        "--people", type=int, default=8, help="people of a quiet guild who ask at once, again and again"
    )
    parser.add_argument("--flood", type=int, default=96, help="people of the guild that floods")
    parser.add_argument("--prompt", type=int, default=32, help="tokens of every question")
    parser.add_argument("--new", type=int, default=16, help="tokens of an answer; twice as many for the flood")
    parser.add_argument("--seconds", type=float, default=30, help="the stretch of time")
    return parser.parse_args(arguments)


@dataclass(slots=True)
class Tally:
    """Tokens that reached each guild, and the answers that each still has to get before they count."""

    before: Counter[str]
    got: Counter[str] = field(default_factory=Counter)
    warm: asyncio.Event = field(default_factory=asyncio.Event)

    def answered(self, guild: str) -> None:
        self.before[guild] -= 1
        if max(self.before.values()) <= 0:
            self.warm.set()


@dataclass(slots=True)
class Hearing:
    """One answer as it comes: the prompt counts with the first piece, and each piece is a token."""

    tally: Tally
    guild: str
    prompt: int
    pieces: int = 0

    def on_text(self, _: load.Answer) -> None:
        self.tally.got[self.guild] += 1 if self.pieces else 1 + self.prompt
        self.pieces += 1


async def person(talk: load.Talk, tally: Tally, guild: str, number: int, chosen: argparse.Namespace) -> None:
    """Asks one question after the other, until cancelled."""
    new = chosen.new * 2 if guild == FLOOD else chosen.new
    for turn in count():
        user = f"{guild}/{number}"
        (saying,) = models.sayings(1, chosen.prompt, seed=int.from_bytes(f"{user}/{turn}".encode()))
        hearing = Hearing(tally, guild, chosen.prompt)
        answer = await talk.say(saying, new, hearing.on_text, user=user)
        tally.got[guild] += answer.new - hearing.pieces  # two tokens may come as one piece
        tally.answered(guild)


async def measure(server: load.Server, chosen: argparse.Namespace) -> Counter[str]:
    """Tokens by guild in a stretch that begins when every guild has had as many answers as a quiet one has people:
    the flood comes first, and has the whole worker for a moment."""
    crowd = {FLOOD: chosen.flood} | {f"quiet {number}": chosen.people for number in range(1, chosen.guilds)}
    tally = Tally(Counter(dict.fromkeys(crowd, chosen.people)))
    async with load.Talk(server) as talk:
        people = [
            asyncio.create_task(person(talk, tally, guild, number, chosen))
            for guild, size in crowd.items()
            for number in range(size)
        ]
        try:
            await unless_refused(tally.warm.wait(), people)
            tally.got.clear()
            await unless_refused(asyncio.sleep(chosen.seconds), people)
            return tally.got.copy()
        finally:
            for task in people:
                task.cancel()
            await asyncio.gather(*people, return_exceptions=True)


async def unless_refused(awaited: Coroutine[Any, Any, object], people: list[asyncio.Task[None]]) -> None:
    """Wait; a person who was refused ends the benchmark with the reason."""
    done, _ = await asyncio.wait([asyncio.create_task(awaited), *people], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    with subject.worker(chosen) as server:
        got = asyncio.run(measure(server, chosen))
    shares = {guild: tokens * chosen.guilds / got.total() for guild, tokens in sorted(got.items())}
    for guild, share in shares.items():
        print(f"{guild:10} {got[guild]:8d} tokens, {share:5.2f} of a fair share")
    smallest = min(shares.values()) if len(shares) == chosen.guilds else 0.0
    print(f"{'smallest':10} {smallest:22.2f}")
    report.finish(
        "worker_fairness", chosen, tokens_per_s=got.total() / chosen.seconds, shares=shares, smallest_share=smallest
    )


if __name__ == "__main__":
    main()
