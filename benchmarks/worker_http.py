"""What HTTP, the queue, templates and text cost: tokens per second through HTTP over those of the engine alone.

Measures the same greedy questions of many people at once in two ways, in turns: given to a worker process over HTTP,
and given to the same engine, with the same settings, in another process as token ids. Medians of the rounds. Beside it
tokens per CPU second of the process that holds the engine, which depend less on who else uses the machine.
Why: Python around the engine runs on the cores that compute; what it eats, nobody's answer gets.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from benchmarks import load, models, report, subject
from benchmarks.apart import apart
from llm.config import WorkerSettings
from llm.worker.engine import Job, SamplingParams
from llm.worker.metrics import Metrics
from llm.worker.serving import ChatModel, Serving

Prompts = list[list[int]]


def options(arguments: list[str] | None) -> argparse.Namespace:
    parser = report.parser(__doc__)
    subject.add_options(parser)
    parser.add_argument("--chats", type=int, default=16, help="people who ask at once")
    parser.add_argument("--prompt", type=int, default=200, help="tokens of each question")
    parser.add_argument("--new", type=int, default=64, help="tokens of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args(arguments)


@contextmanager
def alone(model: str, new: int) -> Iterator[Callable[[Prompts], tuple[float, float]]]:
    """Tokens per second, and per CPU second, of the engine as a worker builds it, in this process."""
    with asyncio.Runner() as runner:
        serving = Serving(WorkerSettings(model=model), Metrics())
        chat = runner.run(_ready(serving))

        def measure(prompts: Prompts) -> tuple[float, float]:
            started, worked = time.perf_counter(), time.process_time()
            tokens = runner.run(_together(chat, prompts, new))
            return tokens / (time.perf_counter() - started), tokens / (time.process_time() - worked)

        try:
            yield measure
        finally:
            serving.close()


async def _ready(serving: Serving) -> ChatModel:
    serving.start()
    while serving.status == "loading":  # noqa: ASYNC110 - it loads in a thread and has nothing to subscribe to
        await asyncio.sleep(0.05)
    if serving.chat is None:
        raise RuntimeError(f"the engine did not start: {serving.reason}")
    return serving.chat


async def _together(chat: ChatModel, prompts: Prompts, new: int) -> int:
    """Runs all prompts at once; how many tokens came."""

    async def one(number: int, prompt: list[int]) -> int:
        job = Job(f"chat-{number}", prompt, new, SamplingParams(temperature=0))
        return sum([len(piece.ids) async for piece in chat.engine.submit(job)])

    return sum(await asyncio.gather(*(one(number, prompt) for number, prompt in enumerate(prompts))))


def main(arguments: list[str] | None = None) -> None:
    chosen = options(arguments)
    engine: list[tuple[float, float]] = []
    http: list[tuple[float, float]] = []
    with subject.worker(chosen) as server, apart(alone, server.model, chosen.new) as measure:
        for number in range(chosen.rounds + 1):
            asked = models.sayings(chosen.chats, chosen.prompt, seed=number)
            prompts = [load.tokens(server, saying) for saying in asked]
            with server.asleep():
                figures = measure(prompts)
            crowd = load.crowd(server, asked, chosen.new)
            if number:  # the first round pays for what is set up once
                engine.append(figures)
                http.append((crowd.tokens_per_s, crowd.tokens_per_cpu_s))
    speeds = {}
    for name, rounds in (("engine alone", engine), ("through HTTP", http)):
        speed, cost = median(pair[0] for pair in rounds), median(pair[1] for pair in rounds)
        speeds[name] = (speed, cost)
        each = " ".join(f"{pair[0]:.0f}" for pair in rounds)
        print(f"{name:14} {speed:8.1f} tokens/s, {cost:8.1f} per CPU second   (rounds: {each})")
    (speed, cost), (speed_http, cost_http) = speeds.values()
    print(f"{'ratio':14} {speed_http / speed:8.2f}          {cost_http / cost:8.2f}")
    ratios = {"ratio": speed_http / speed, "cpu_ratio": cost_http / cost}
    report.finish("worker_http", chosen, engine=speed, http=speed_http, **ratios)


if __name__ == "__main__":
    main()
