"""What a turn of a long conversation costs: prompt tokens computed over new tokens.

New is all that follows the previous prompt, the previous reply included. The conversation is made as the bot makes it:
its own choice of what fits (bot.conversation), counted by the served tokenizer; it drops many old messages at once and
then none for long. Measures the mean of turns 11 to 20, between two cuts, and the whole conversation with its cuts.
Why: a stable prefix stays in the cache, so that a turn costs its new tokens only; each cut costs the prompt once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
from dataclasses import dataclass, replace
from statistics import mean

from benchmarks import load, models, report, subject
from bot.conversation.context import Row, compose, exchanges
from bot.conversation.markup import Names
from bot.conversation.prompting import Prompts
from llm.client import LLMClient
from llm.config import LLMSettings
from llm.types import Sampling

GUILD = "Benchmarks"
NAMES = Names(mine=frozenset({1}), my_name="Steward")
FROM, TO = 11, 20


@dataclass(frozen=True, slots=True)
class Turn:
    """Tokens of one turn's prompt; `cut` says that old messages were dropped for it."""

    prompt: int
    cached: int
    new: int
    cut: bool

    @property
    def computed(self) -> int:
        return self.prompt - self.cached


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    subject.add_options(parser)
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--message", type=int, default=50, help="longest message of a person, in words")
    parser.add_argument("--reply", type=int, default=64, help="longest reply, in tokens")
    return parser.parse_args(arguments)


async def converse(llm: LLMClient, chosen: argparse.Namespace) -> list[Turn]:
    """One conversation; messages and replies have random lengths, from a fifth of the longest on."""
    draw = random.Random(0)
    prompts = Prompts(llm, Sampling(max_tokens=chosen.reply, temperature=0))
    rows: list[Row] = []
    turns: list[Turn] = []
    whole = first_id = 0
    for number in range(1, chosen.turns + 1):
        said = models.sayings(1, draw.randint(chosen.message // 5, chosen.message), seed=number)[0]
        rows.append(Row(2 * number, "Ada", mine=False, content=said))
        pieces = exchanges(rows, NAMES)
        prompt = await prompts.make(GUILD, pieces)
        everything = (await llm.count_tokens(compose(GUILD, pieces, 0).messages)).count
        reply = replace(prompt.sampling, max_tokens=draw.randint(chosen.reply // 5, chosen.reply))
        answer = await llm.chat(prompt.context.messages, reply, priority="interactive", user="1/1")
        if answer.usage is None:
            raise RuntimeError("the engine reports no usage: nothing can be measured")
        rows.append(Row(2 * number + 1, "Steward", mine=True, content=answer.text, reply_to=2 * number))
        cut = bool(turns) and prompt.context.first_id != first_id
        turns.append(Turn(answer.usage.prompt_tokens, answer.usage.cached_tokens, everything - whole, cut))
        whole, first_id = everything, prompt.context.first_id
    return turns


async def measure(server: load.Server, chosen: argparse.Namespace) -> list[Turn]:
    async with LLMClient(LLMSettings(), f"{server.url}/v1", os.environ.get("STEWARD_WORKER_TOKEN")) as llm:
        return await converse(llm, chosen)


def between_cuts(turns: list[Turn]) -> list[float]:
    """Computed over new of turns 11 to 20 (of what there is of them). Raises RuntimeError when one of them was cut."""
    watched = turns[FROM - 1 : TO] or turns[1:]
    if any(turn.cut for turn in watched):
        raise RuntimeError(f"a cut fell into turns {FROM} to {TO}: the context is too short for --message and --reply")
    return [turn.computed / turn.new for turn in watched]


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    with subject.worker(chosen) as server:
        turns = asyncio.run(measure(server, chosen))
    shares = between_cuts(turns)
    amortized = sum(turn.computed for turn in turns) / sum(turn.new for turn in turns)
    print("turn  prompt  computed   new  computed/new")
    for number, turn in enumerate(turns, start=1):
        cut = "  old messages dropped" if turn.cut else ""
        print(f"{number:4} {turn.prompt:7} {turn.computed:9} {turn.new:5} {turn.computed / turn.new:13.2f}{cut}")
    cuts = sum(turn.cut for turn in turns)
    print(f"turns {FROM} to {TO}: {mean(shares):.2f}; all {len(turns)} turns with {cuts} cuts: {amortized:.2f}")
    report.finish("worker_prefix", chosen, between_cuts=mean(shares), amortized=amortized, cuts=cuts)


if __name__ == "__main__":
    main()
