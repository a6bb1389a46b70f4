"""A chat engine that is slow on purpose, as a process: `python -m benchmarks.slow_engine --answers 64`. It measures
nothing: it is what bot_streams streams from. It prints its address, then answers each question with the same number of
words, one at a time, until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools

from tests.fakes import Piece, ScriptedEngine, reply

END = "The end."
SENTENCE = 9
"""Words between full stops: replies are first shown when a sentence is complete."""


def pieces(words: int) -> tuple[list[Piece], list[asyncio.Event]]:
    """An answer of so many words before its END, and what lets each of its pieces go."""
    texts = [f"word{number}{'.' if number % SENTENCE == 0 else ''} " for number in range(1, words + 1)]
    steps = [asyncio.Event() for _ in (*texts, END)]
    held = zip(steps, [*texts, END], strict=True)
    return list(itertools.chain.from_iterable(held)), steps


async def answer(answers: int, words: int, every_s: float) -> None:
    """Every question gets its words at its own pace, from its arrival on."""
    loop = asyncio.get_running_loop()
    async with ScriptedEngine(max_model_len=8192) as engine:
        made = [pieces(words) for _ in range(answers)]
        engine.enqueue(*(reply(pieces=one) for one, _ in made))
        print(engine.base_url, flush=True)
        for number, (_, steps) in enumerate(made, 1):
            await engine.received(number)
            for step, event in enumerate(steps, 1):
                loop.call_later(step * every_s, event.set)
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, required=True)
    parser.add_argument("--words", type=int, default=60)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two words")
    chosen = parser.parse_args()
    asyncio.run(answer(chosen.answers, chosen.words, chosen.every))
