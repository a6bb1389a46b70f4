"""How much faster many texts are together than one after the other, for an encoder, HTTP included.

Measures texts per second of a built-in encoder through the worker's route (`--task`): one request after the other with
one text each, many such requests at once (which the worker computes micro-batched), and requests of 32 texts; and
transformers' pipeline over the same model (for embeddings: the model) called once per text without any HTTP, as a peer
that answers one message at a time would do. Worker, peer and client are processes of their own, since libgomp slows
every thread that computes once two of one process have done so. All ways in turn, `--repeats` times; medians count.
Processor time (of worker and client) is told as well: it holds on a machine that others fill, too.
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
import psutil
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

Seconds = tuple[float, float]  # by the clock, of a processor


def messages(count: int) -> list[str]:
    """Texts of 3 to 60 words, as a chat has them: many short ones, few long ones."""
    draw = random.Random(1)
    lengths = [min(60, 3 + int(draw.expovariate(1 / 12))) for _ in range(count)]
    return [" ".join(draw.choices(WORDS, k=length)) for length in lengths]


def one_at_a_time(task: Task, asked: Connection) -> None:
    """A process: for each list of texts the seconds of the model alone, without HTTP, one call per text: by the clock
    and of a processor."""
    loaded = load_task(task, MODELS[task], "cpu")

    def vector(text: str) -> None:
        inputs = loaded.tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
        with torch.inference_mode():
            loaded.model(**inputs).last_hidden_state.mean(1)

    kind = PIPELINES.get(task)
    read = vector if kind is None else pipeline(kind, model=loaded.model, tokenizer=loaded.tokenizer)
    read("the first call pays for what is set up once")
    while texts := asked.recv():
        clock, processor = time.perf_counter(), time.process_time()
        for text in texts:
            read(text)
        asked.send((time.perf_counter() - clock, time.process_time() - processor))


def serve(task: Task, told: Connection) -> None:
    """A process: a worker with one task's model alone, which tells its address and its process id."""
    chosen = TaskModelSettings.model_validate(dict.fromkeys(TASKS, "none") | {task: MODELS[task]})
    app = create_app(WorkerSettings(model="none", device="cpu"), tasks=chosen)
    listener = socket.create_server(("127.0.0.1", 0))
    told.send((f"http://127.0.0.1:{listener.getsockname()[1]}", os.getpid()))
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
        yield told.recv()[0]


async def through_http(url: str, task: Task, texts: list[str], at_once: int, per_request: int) -> float:
    """Seconds for all texts with so many requests under way at any time."""
    route, fields = f"/v1/{task}", {"encoding_format": "base64"} if task == "embeddings" else {}
    requests = iter([texts[at : at + per_request] for at in range(0, len(texts), per_request)])

    async def caller(client: httpx.AsyncClient) -> None:
        for part in requests:
            answer = await client.post(route, json={"input": part} | fields)
            answer.raise_for_status()

    async with httpx.AsyncClient(base_url=url, timeout=READY_S) as client:
        await until_ready(client)
        await client.post(route, json={"input": texts[:1]})
        began = time.perf_counter()
        await asyncio.gather(*(caller(client) for _ in range(at_once)))
        return time.perf_counter() - began


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(READY_S):
        while (await client.get("/health")).status_code != 200:  # noqa: ASYNC110 - another process's server
            await asyncio.sleep(0.05)


def measured(task: Task, texts: list[str], at_once: int, repeats: int) -> dict[str, list[Seconds]]:
    """What each way takes for the texts, all ways one after the other and that as often as wished."""
    found: dict[str, list[Seconds]] = {name: [] for name in ("model_alone", *(way[0] for way in WAYS))}
    with started(one_at_a_time, task) as alone, started(serve, task) as told:
        url, pid = told.recv()
        for _ in range(repeats):
            alone.send(texts)
            found["model_alone"].append(alone.recv())
            for name, parallel, each in WAYS:
                before = processor_s(pid)
                clock = asyncio.run(through_http(url, task, texts, parallel or at_once, each))
                found[name].append((clock, processor_s(pid) - before))
        alone.send([])
    return found


def processor_s(pid: int) -> float:
    """Of that process and of this one, which asks it."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system) + time.process_time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=list(MODELS), default="embeddings")
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--at-once", type=int, default=64, help="requests of one text under way at any time")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found = measured(options.task, messages(options.texts), options.at_once, options.repeats)
    clock = {name: median(each[0] for each in of_way) for name, of_way in found.items()}
    processor = {name: median(each[1] for each in of_way) for name, of_way in found.items()}
    figures: dict[str, float] = {}
    for name in found:
        ratios = median(alone[0] / way[0] for alone, way in zip(found["model_alone"], found[name], strict=True))
        figures |= {
            name: round(options.texts / clock[name], 1),
            f"{name}_over_model_alone": round(ratios, 2),
            f"{name}_by_processor_time": round(processor["model_alone"] / processor[name], 2),
        }
    for name, value in figures.items():
        print(f"{name:44} {value:10.2f}")
    machine = {"cpu": platform.machine(), "cores": os.cpu_count(), "torch": torch.__version__}
    print(json.dumps({"bench": "encoder_batching", **vars(options), **figures, **machine}))


if __name__ == "__main__":
    main()
