"""What HTTP, the queue, templates and text cost: tokens per second through HTTP over those of the engine alone.

Measures the same greedy questions of many people at once in two ways, in turns: given to a worker process over HTTP,
and given to the same engine, with the same settings, inside this process as token ids. Medians of the rounds.
Why: Python around the engine runs on the cores that compute; what it eats, nobody's answer gets.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from statistics import median

from benchmarks import load, models, report, subject
from llm.config import WorkerSettings
from llm.worker.engine import Job, SamplingParams
from llm.worker.metrics import Metrics
from llm.worker.serving import ChatModel, Serving


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    subject.add_options(parser)
    parser.add_argument("--chats", type=int, default=16, help="people who ask at once")
    parser.add_argument("--prompt", type=int, default=200, help="tokens of each question")
    parser.add_argument("--new", type=int, default=64, help="tokens of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args(arguments)


async def alone(model: str, prompts: Sequence[list[int]], new: int) -> float:
    """Tokens per second of the engine as a worker would build it, in this process."""
    serving = Serving(WorkerSettings(model=model), Metrics())
    serving.start()
    try:
        while serving.status == "loading":  # noqa: ASYNC110 - it loads in a thread and has nothing to subscribe to
            await asyncio.sleep(0.05)
        if serving.chat is None:
            raise RuntimeError(f"the engine did not start: {serving.reason}")
        await _together(serving.chat, [prompt[::-1] for prompt in prompts], 4, "warm")  # pays for what is set up once
        started = time.perf_counter()
        tokens = await _together(serving.chat, prompts, new, "chat")
        return tokens / (time.perf_counter() - started)
    finally:
        await asyncio.to_thread(serving.close)


async def _together(chat: ChatModel, prompts: Sequence[list[int]], new: int, name: str) -> int:
    """Runs all prompts at once; how many tokens came."""

    async def one(number: int, prompt: list[int]) -> int:
        job = Job(f"{name}-{number}", prompt, new, SamplingParams(temperature=0))
        return sum([len(piece.ids) async for piece in chat.engine.submit(job)])

    return sum(await asyncio.gather(*(one(number, prompt) for number, prompt in enumerate(prompts))))


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    engine: list[float] = []
    http: list[float] = []
    with subject.worker(chosen) as server:
        load.crowd(server, models.sayings(chosen.chats, chosen.prompt, seed=0), 4)
        for number in range(1, chosen.rounds + 1):
            asked = models.sayings(chosen.chats, chosen.prompt, seed=number)
            prompts = [load.tokens(server, saying) for saying in asked]
            with server.asleep():
                engine.append(asyncio.run(alone(server.model, prompts, chosen.new)))
            http.append(load.crowd(server, asked, chosen.new).tokens_per_s)
    ratio = median(http) / median(engine)
    for name, speeds in (("engine alone", engine), ("through HTTP", http)):
        each = " ".join(f"{speed:.0f}" for speed in speeds)
        print(f"{name:14} {median(speeds):8.1f} tokens/s   (rounds: {each})")
    print(f"{'ratio':14} {ratio:8.2f}")
    report.finish("worker_http", chosen, engine=median(engine), http=median(http), ratio=ratio)


if __name__ == "__main__":
    main()
