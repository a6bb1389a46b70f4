"""How much faster many texts are together than one after the other, for an encoder, HTTP included.

Measures texts per second of the built-in MiniLM through the worker's /v1/embeddings: one request after the other with
one text each, many such requests at once (which the worker computes micro-batched), and requests of 32 texts; and
transformers' model called once per text without any HTTP, as a peer that answers one message at a time would do.
Why: a bot that looks at every message asks for one text at a time, from many channels at once. Ends in one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import torch
import uvicorn
from transformers import AutoModel, AutoTokenizer

from llm import builtin
from llm.config import TaskModelSettings, WorkerSettings
from llm.worker.app import create_app

MODEL = "embedded/embeddings"
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
READY_S = 120.0


def messages(count: int) -> list[str]:
    """Texts of 3 to 60 words, as a chat has them: many short ones, few long ones."""
    draw = random.Random(1)
    lengths = [min(60, 3 + int(draw.expovariate(1 / 12))) for _ in range(count)]
    return [" ".join(draw.choices(WORDS, k=length)) for length in lengths]


def one_at_a_time(texts: list[str]) -> float:
    """Texts per second of the model alone, without HTTP, one call per text."""
    folder = builtin.folder_of(MODEL)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def read(text: str) -> None:
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
        with torch.inference_mode():
            model(**inputs).last_hidden_state.mean(1)

    read(texts[0])  # the first call pays for what is set up once
    started = time.perf_counter()
    for text in texts:
        read(text)
    return len(texts) / (time.perf_counter() - started)


@contextmanager
def worker() -> Iterator[str]:
    """A worker with the embedding model alone, on a free port; its address."""
    app = create_app(WorkerSettings(model="none", device="cpu"), tasks=TaskModelSettings(embeddings=MODEL))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


async def through_http(url: str, texts: list[str], at_once: int, per_request: int) -> float:
    """Texts per second with so many requests under way at any time."""
    requests = iter([texts[at : at + per_request] for at in range(0, len(texts), per_request)])

    async def caller(client: httpx.AsyncClient) -> None:
        for part in requests:
            answer = await client.post("/v1/embeddings", json={"input": part, "encoding_format": "base64"})
            answer.raise_for_status()

    async with httpx.AsyncClient(base_url=url, timeout=READY_S) as client:
        await until_ready(client)
        await client.post("/v1/embeddings", json={"input": texts[:1]})
        started = time.perf_counter()
        await asyncio.gather(*(caller(client) for _ in range(at_once)))
        return len(texts) / (time.perf_counter() - started)


async def until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(READY_S):
        while (await client.get("/health")).status_code != 200:  # noqa: ASYNC110 - another thread's server
            await asyncio.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--at-once", type=int, default=64, help="requests of one text under way at any time")
    options = parser.parse_args()
    texts = messages(options.texts)
    alone = one_at_a_time(texts)
    with worker() as url:
        serial = asyncio.run(through_http(url, texts, 1, 1))
        together = asyncio.run(through_http(url, texts, options.at_once, 1))
        lists = asyncio.run(through_http(url, texts, 2, 32))
    figures = {
        "model_alone": round(alone, 1),
        "http_one_at_a_time": round(serial, 1),
        "http_micro_batched": round(together, 1),
        "http_lists_of_32": round(lists, 1),
        "ratio_to_model_alone": round(together / alone, 2),
        "ratio_to_http_one_at_a_time": round(together / serial, 2),
    }
    for name, value in figures.items():
        print(f"{name:30} {value:10.2f}")
    machine = {"cpu": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    print(json.dumps({"bench": "encoder_batching", **vars(options), **figures, **machine}))


if __name__ == "__main__":
    main()
