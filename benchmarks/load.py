"""Servers as processes of their own, and people who talk to them at once over HTTP. It knows no model.

Speaks what every OpenAI-compatible server understands, so that our worker and its peers are measured by one client.
That client reads lines and little else: it shares the cores with what it measures.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import aiohttp
import psutil

ROOT = Path(__file__).resolve().parent.parent
START_S = 600.0  # a worker imports torch before it answers; on a machine that others use that takes its time
SILENCE_S = 300.0  # nobody waits for ever, not even a benchmark
PEER_BLOCKS = 128  # of 256 tokens: left alone, `transformers serve` takes most of the machine's memory for its cache

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Server:
    """Where to ask, and for which model. `process` is None for a server that runs anyway."""

    url: str
    model: str
    process: subprocess.Popen[bytes] | None = None

    def cpu_s(self) -> float:
        """Processor seconds that it has used; 0 where that cannot be seen."""
        if self.process is None:
            return 0.0
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Stopped for a while (SIGSTOP), so that what it does when idle does not disturb another measurement."""
        if self.process is None:
            yield
            return
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@dataclass(slots=True)
class Answer:
    """What came back: tokens as the server counted them, seconds from the question to the first text and to the end."""

    prompt: int = 0
    new: int = 0
    cached: int = 0
    first_s: float = 0.0
    whole_s: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Answers to people who all asked at once; seconds until the last was done, and those that processors worked."""

    answers: Sequence[Answer]
    seconds: float
    cpu_s: float

    @property
    def tokens(self) -> int:
        return sum(answer.new for answer in self.answers)

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds

    @property
    def tokens_per_cpu_s(self) -> float:
        """What little depends on who else uses the machine; 0 where it cannot be seen."""
        return self.tokens / self.cpu_s if self.cpu_s else 0.0

    @property
    def first_s(self) -> float:
        """Mean time to the first token."""
        return sum(answer.first_s for answer in self.answers) / len(self.answers)


@dataclass(slots=True)
class Talk:
    """One connection pool to one server. `async with` it."""

    server: Server
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_read=SILENCE_S)
        connector = aiohttp.TCPConnector(limit=0)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, headers=_headers())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def say(
        self,
        messages: str | Sequence[Message],
        new: int,
        on_text: Callable[[Answer], None] | None = None,
        **fields: object,
    ) -> Answer:
        """One streamed, greedy chat of at most `new` tokens. `on_text` is called as text comes."""
        if self._session is None:
            raise RuntimeError("talk inside `async with`")
        asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
        body = {"model": self.server.model, "messages": asked, "max_tokens": new, "temperature": 0, **fields}
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        answer, started = Answer(), time.perf_counter()
        async with self._session.post(f"{self.server.url}/v1/chat/completions", json=body) as response:
            if response.status != 200:
                raise RuntimeError(f"{self.server.url} answered {response.status}: {await response.text()}")
            async for line in response.content:
                if line.startswith(b"data: {") and _took(json.loads(line[6:]), answer):
                    answer.first_s = answer.first_s or time.perf_counter() - started
                    if on_text is not None:
                        on_text(answer)
        answer.whole_s = time.perf_counter() - started
        return answer


def _took(event: dict[str, Any], answer: Answer) -> bool:
    """Adds one event to the answer; whether it brought text."""
    if "error" in event:
        raise RuntimeError(f"the answer broke off: {event['error']}")
    if usage := event.get("usage"):
        answer.prompt, answer.new = usage["prompt_tokens"], usage["completion_tokens"]
        answer.cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    choices = event.get("choices")
    text = choices[0]["delta"].get("content") if choices else None
    answer.text += text or ""
    return bool(text)


def _headers() -> dict[str, str]:
    token = os.environ.get("STEWARD_WORKER_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def crowd(server: Server, sayings: Sequence[str], new: int) -> Crowd:
    """Everybody asks at the same moment. Raises RuntimeError when an answer is shorter than was asked for."""
    return asyncio.run(_crowd(server, sayings, new))


async def _crowd(server: Server, sayings: Sequence[str], new: int) -> Crowd:
    async with Talk(server) as talk:
        started, worked = time.perf_counter(), server.cpu_s()
        answers = await asyncio.gather(*(talk.say(saying, new) for saying in sayings))
        seconds, cpu_s = time.perf_counter() - started, server.cpu_s() - worked
    short = [answer.new for answer in answers if answer.new != new]
    if short:
        raise RuntimeError(f"{len(short)} answers have not {new} tokens, such as {short[0]}: nothing can be compared")
    return Crowd(answers, seconds, cpu_s)


def tokens(server: Server, saying: str) -> list[int]:
    """The ids of the prompt that our worker makes of it."""
    body = json.dumps({"messages": [{"role": "user", "content": saying}]}).encode()
    ids: list[int] = json.loads(get(server, "/tokenize", body))["tokens"]
    return ids


def get(server: Server, path: str, body: bytes | None = None) -> str:
    """What is answered to a GET, or to a POST of a JSON body, whatever the status."""
    request = Request(server.url + path, body, {**_headers(), "Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=SILENCE_S) as response:
            return str(response.read().decode())
    except HTTPError as error:
        return error.read().decode()


def running(url: str) -> Server:
    """A worker that runs already, with the first of its models."""
    address = url.rstrip("/").removesuffix("/v1")
    listed = json.loads(get(Server(address, ""), "/v1/models"))
    return Server(address, listed["data"][0]["id"])


@contextmanager
def worker(folder: Path, **settings: object) -> Iterator[Server]:
    """Our worker with the shipped settings but for `settings`."""
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "llm.worker", "--model", str(folder), *flags]
    with started(command, str(folder), '"ready"') as server:
        yield server


@contextmanager
def transformers_serve(folder: Path, dtype: str = "auto") -> Iterator[Server]:
    """The peer, as it comes but for the size of its cache."""
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder), "--continuous-batching"]
    flags = ["--cb-num-blocks", str(PEER_BLOCKS), "--dtype", dtype, "--host", "127.0.0.1"]
    with started([*command, *flags], str(folder), '"ok"') as server:
        yield server


@contextmanager
def started(command: list[str], model: str, ready: str) -> Iterator[Server]:
    """The server as a process, once /health says `ready`; it ends with the block."""
    port = _free_port()
    with TemporaryFile() as log:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}
        process = subprocess.Popen(
            [*command, "--port", str(port)], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            server = Server(f"http://127.0.0.1:{port}", model, process)
            _await_health(server, ready, log)
            yield server
        finally:
            process.kill()
            process.wait()


def _await_health(server: Server, ready: str, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while not _says(server, ready):
        ended = server.process is not None and server.process.poll() is not None
        if ended or time.monotonic() > deadline:
            log.seek(0)
            said = log.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"the server did not get ready; it said:\n{said}")
        time.sleep(0.1)


def _says(server: Server, ready: str) -> bool:
    try:
        return ready in get(server, "/health")
    except (URLError, OSError):
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
