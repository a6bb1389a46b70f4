"""`steward chat`: a conversation with the engine in this terminal. No Discord, nothing stored."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console

from bot.app import StartError, engine_for
from bot.config import Secrets, Settings
from bot.keeping import worker_supervisor
from llm.client import LLMClient
from llm.errors import LLMError
from llm.types import ChatMessage, Sampling

GREETING = "Talking with [bold]{model}[/bold]. /reset forgets, /quit or Ctrl-D leaves, Ctrl-C stops an answer."
HEALTH_POLL_S = 0.5


async def chat_in_terminal(settings: Settings, secrets: Secrets) -> None:
    """Reads lines and streams answers until the input ends. Raises StartError when no engine can be had."""
    console = Console(highlight=False, markup=True)
    async with engine_for(settings, secrets) as engine, _worker_where_needed(engine, settings, console):
        model = await engine.model()
        console.print(GREETING.format(model=model.id))
        sampling = Sampling(settings.llm.max_tokens, settings.llm.temperature, settings.llm.top_p)
        conversation = TerminalConversation(engine, sampling, console)
        async for line in _lines():
            if line == "/quit":
                return
            if line == "/reset":
                conversation = TerminalConversation(engine, sampling, console)
            elif line:
                await conversation.turn(line)


class TerminalConversation:
    """What was said in this terminal; one answer at a time, which Ctrl-C stops."""

    def __init__(self, engine: LLMClient, sampling: Sampling, console: Console) -> None:
        self._engine = engine
        self._sampling = sampling
        self._console = console
        self._messages: list[ChatMessage] = []

    async def turn(self, text: str) -> None:
        """Streams one answer to the terminal; an error is printed and the question taken back."""
        self._messages.append(ChatMessage("user", text))
        answer = asyncio.create_task(self._answer())
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, answer.cancel)
        try:
            await asyncio.wait([answer])
        finally:
            loop.remove_signal_handler(signal.SIGINT)
        self._console.print()
        if answer.cancelled():
            self._console.print("(stopped)")
        elif error := answer.exception():
            if not isinstance(error, LLMError):
                raise error
            self._messages.pop()
            self._console.print(f"[red]{error}[/red]")

    async def _answer(self) -> None:
        await self._fit()
        said = ""
        try:
            async with contextlib.aclosing(self._engine.stream_chat(self._messages, self._sampling)) as events:
                async for event in events:
                    if event.recalls:  # it was reasoning; what stands on a terminal stays there
                        self._console.print("\n")
                        said = ""
                    said += event.text
                    self._console.out(event.text, end="")
        finally:
            if said:
                self._messages.append(ChatMessage("assistant", said))

    async def _fit(self) -> None:
        """Drops the oldest turns until the prompt leaves room for an answer."""
        while len(self._messages) > 1:
            counted = await self._engine.count_tokens(self._messages)
            if counted.count + self._sampling.max_tokens <= counted.max_model_len:
                return
            del self._messages[:2]


@asynccontextmanager
async def _worker_where_needed(engine: LLMClient, settings: Settings, console: Console) -> AsyncIterator[None]:
    """Starts the configured worker for the length of the chat when nobody answers and the engine is ours to start."""
    health = await engine.health()
    if settings.llm.base_url is not None and health.status == "unreachable":
        raise StartError(f"No engine answers at {settings.llm.base_url}: {health.reason}")
    if health.status != "unreachable":
        await _until_ready(engine)
        yield
        return
    console.print(f"Starting a worker with {settings.worker.model} …")
    supervisor = asyncio.create_task(worker_supervisor(settings.worker, settings.tasks).run())
    try:
        ready = asyncio.create_task(_until_ready(engine))
        await asyncio.wait({supervisor, ready}, return_when=asyncio.FIRST_COMPLETED)
        if supervisor.done():
            ready.cancel()
            raise StartError(str(supervisor.exception()))
        yield
    finally:
        supervisor.cancel()
        await asyncio.wait([supervisor])


async def _until_ready(engine: LLMClient) -> None:
    while (health := await engine.health()).status != "ready":
        if health.status == "dead":
            raise StartError(f"The worker has failed: {health.reason}")
        if health.status == "refused":
            raise StartError(f"The engine refuses us: {health.reason}. Is the key in STEWARD_WORKER_TOKEN?")
        await asyncio.sleep(HEALTH_POLL_S)


async def _lines() -> AsyncIterator[str]:
    """Lines typed here, read in a thread that dies with the process; ends with the input."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    wanted = threading.Semaphore(0)

    def read() -> None:
        while wanted.acquire():
            try:
                line: str | None = input("> ").strip()
            except EOFError:
                line = None
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(lines.put_nowait, line)

    threading.Thread(target=read, daemon=True, name="terminal").start()
    while True:
        wanted.release()
        line = await lines.get()
        if line is None:
            return
        yield line
