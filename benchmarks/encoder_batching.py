"""How much faster many texts are together than one after the other, for an encoder, HTTP included.

Measures texts per second of a built-in encoder through the worker's route (`--task`): one request after the other with
one text each, many such requests at once (which the worker computes micro-batched), and requests of 32 texts; and
transformers' pipeline over the same model (for embeddings: the model) called once per text without any HTTP, as a peer
that answers one message at a time would do. Worker, peer and client are processes of their own, since libgomp slows
every thread that computes once two of one process have done so. All ways in turn, `--repeats` times; medians count.
Why: a bot that looks at every message asks for one text at a time, from many channels at once. Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median

import httpx
import torch
import uvicorn
from transformers import pipeline

from llm.config import TASKS, Task, TaskModelSettings, WorkerSettings
from llm.worker.app import create_app
from llm.worker.task_loader import load_task

MODELS: dict[Task, str] = {
    "embeddings": "embedded/embeddings",
    "entities": "embedded/entities",
    "classify": "embedded/sentiment",
}
PIPELINES = {"entities": "token-classification", "classify": "text-classification"}
WORDS = (
    "server",
    "patch",
    "tonight",
    "anyone",
    "the",
    "is",
    "game",
    "works",
    "why",
    "my",
    "update",
    "raid",
    "lol",
    "not",
)
WAYS = (("http_one_at_a_time", 1, 1), ("http_micro_batched", None, 1), ("http_lists_of_32", 2, 32))
"""Name, requests under way (None: as asked for), texts in each."""
READY_S = 120.0


def messages(count: int) -> list[str]:
    """Texts of 3 to 60 words, as a chat has them: many short ones, few long ones."""
    draw = random.Random(1)
    lengths = [min(60, 3 + int(draw.expovariate(1 / 12))) for _ in range(count)]
    return [" ".join(draw.choices(WORDS, k=length)) for length in lengths]


def one_at_a_time(task: Task, asked: Connection) -> None:
    """A process: for each list of texts the texts per second of the model alone, without HTTP, one call per text."""
    loaded = load_task(task, MODELS[task], "cpu")

    def vector(text: str) -> None:
        inputs = loaded.tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
        with torch.inference_mode():
            loaded.model(**inputs).last_hidden_state.mean(1)

    kind = PIPELINES.get(task)
    read = vector if kind is None else pipeline(kind, model=loaded.model, tokenizer=loaded.tokenizer)
    read("the first call pays for what is set up once")
    while texts := asked.recv():
        started = time.perf_counter()
        for text in texts:
            read(text)
        asked.send(len(texts) / (time.perf_counter() - started))


def serve(task: Task, told: Connection) -> None:
    """A process: a worker with one task's model alone, on a free port, which it tells."""
    chosen = TaskModelSettings.model_validate(dict.fromkeys(TASKS, "none") | {task: MODELS[task]})
    app = create_app(WorkerSettings(model="none", device="cpu"), tasks=chosen)
    listener = socket.create_server(("127.0.0.1", 0))
    told.send(listener.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    asyncio.run(server.serve(sockets=[listener]))


@contextmanager
def started(target: Callable[[Task, Connection], None], task: Task) -> Iterator[Connection]:
    """A process that runs `target`, and the line to it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=target, args=(task, there), daemon=True)
    process.start()
    try:
        yield here
    finally:
        process.terminate()
        process.join()


@contextmanager
def worker(task: Task = "embeddings") -> Iterator[str]:
    """The address of a worker with one task's model alone."""
    with started(serve, task) as told:
        yield f"http://127.0.0.1:{told.recv()}"


async def through_http(url: str, task: Task, texts: list[str], at_once: int, per_request: int) -> float:
    """Texts per second with so many requests under way at any time."""
    route, fields = f"/v1/{task}", {"encoding_format": "base64"} if task == "embeddings" else {}
    requests = iter([texts[at : at + per_request] for at in range(0, len(texts), per_request)])

    async def caller(client: httpx.AsyncClient) -> None:
        for part in requests:
            answer = await client.post(route, json={"input": part} | fields)
            answer.raise_for_status()

    async with httpx.AsyncClient(base_url=url, timeout=READY_S) as client:
        await until_ready(client)
        await client.post(route, json={"input": texts[:1]})
        started = time.perf_counter()
        await asyncio.gather(*(caller(client) for _ in range(at_once)))
        return len(texts) / (time.perf_counter() - started)


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(READY_S):
        while (await client.get("/health")).status_code != 200:  # noqa: ASYNC110 - another process's server
            await asyncio.sleep(0.05)


def measured(task: Task, texts: list[str], at_once: int, repeats: int) -> dict[str, list[float]]:
    """Texts per second of each way, all ways one after the other and that as often as wished."""
    found: dict[str, list[float]] = {}
    with started(one_at_a_time, task) as alone, worker(task) as url:
        for _ in range(repeats):
            alone.send(texts)
            found.setdefault("model_alone", []).append(alone.recv())
            for name, parallel, each in WAYS:
                rate = asyncio.run(through_http(url, task, texts, parallel or at_once, each))
                found.setdefault(name, []).append(rate)
        alone.send([])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(MODELS), default="embeddings")
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--at-once", type=int, default=64, help="requests of one text under way at any time")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found = measured(options.task, messages(options.texts), options.at_once, options.repeats)
    figures = {name: round(median(rates), 1) for name, rates in found.items()}
    together = figures["http_micro_batched"]
    figures["ratio_to_model_alone"] = round(together / figures["model_alone"], 2)
    figures["ratio_of_lists_to_model_alone"] = round(figures["http_lists_of_32"] / figures["model_alone"], 2)
    figures["ratio_to_http_one_at_a_time"] = round(together / figures["http_one_at_a_time"], 2)
    for name, value in figures.items():
        print(f"{name:30} {value:10.2f}   {' '.join(f'{rate:.1f}' for rate in found.get(name, []))}")
    machine = {"cpu": platform.machine(), "cores": os.cpu_count(), "torch": torch.__version__}
    print(json.dumps({"bench": "encoder_batching", **vars(options), **figures, **machine}))


if __name__ == "__main__":
    main()
