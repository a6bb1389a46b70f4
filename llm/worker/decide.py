"""Typed questions about a state, answered by the chat model's logits of the options' labels (transformers' decision).

A request waits at the gate as background work. Then its prompts are computed in steps of STEP_TOKENS, each inside a
pause of the generation loop of its own: the streams stand still for one small step at a time and go on in between.
An ordinary request could not do it: continuous batching delivers sampled tokens, never the logits of chosen ones.
It knows no torch and no HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from uuid import uuid4

from llm.worker.admission import Ticket
from llm.worker.engine import EngineError
from llm.worker.errors import ContextExceeded, GenerationFailed, NotReady
from llm.worker.question import Asked, Pause
from llm.worker.serving import ChatModel

LONGEST_PROMPT = 4096  # tokens of one question and the state that it is about


class Judge(Protocol):
    """A chat model as `judge.LogitJudge` wraps it; both methods block."""

    def prepare(self, state: object, questions: Mapping[str, object]) -> list[Asked]:
        """One prompt per question. Raises ApiError."""
        ...

    def answer(self, asked: Sequence[Asked], pause: Pause, abandoned: threading.Event) -> dict[str, dict[str, object]]:
        """The answers by the questions' names."""
        ...


class Decisions:
    """Answers typed questions with the chat model; one request at a time computes, so that pauses never add up."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "decide")
        self._judge: Judge | None = None

    def close(self) -> None:
        """What is being computed ends with its next step."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def decide(
        self, chat: ChatModel, state: object, questions: Mapping[str, object], timeout_s: float
    ) -> dict[str, dict[str, object]]:
        """The answers by the questions' names, each with `probabilities`. Raises ApiError. Cancelling ends it soon."""
        abandoned = threading.Event()
        ticket_id = f"decide-{uuid4().hex}"
        try:
            async with asyncio.timeout(timeout_s):
                return await self._decide(chat, state, questions, ticket_id, abandoned)
        except EngineError as error:
            raise GenerationFailed(f"The engine failed: {error}") from error
        except TimeoutError:
            raise NotReady(f"The questions were not answered within {timeout_s:g} s.", code="task_timeout") from None
        finally:
            abandoned.set()
            chat.gate.leave(ticket_id)

    async def _decide(
        self,
        chat: ChatModel,
        state: object,
        questions: Mapping[str, object],
        ticket_id: str,
        abandoned: threading.Event,
    ) -> dict[str, dict[str, object]]:
        loop = asyncio.get_running_loop()
        judge = await loop.run_in_executor(self._thread, self._judge_of, chat)
        asked = await loop.run_in_executor(self._thread, judge.prepare, state, questions)
        longest = max(len(one.ids) for one in asked)
        _check_length(longest, chat.context)
        chat.gate.enter(Ticket(ticket_id, "background", "", "", longest, 0))
        async for _ in chat.gate.wait(ticket_id):
            continue
        return await loop.run_in_executor(self._thread, judge.answer, asked, chat.engine.paused, abandoned)

    def _judge_of(self, chat: ChatModel) -> Judge:
        """Made at the first question: most workers are never asked one."""
        if self._judge is None:
            from llm.worker.judge import LogitJudge

            self._judge = LogitJudge(chat.loaded.model, chat.loaded.template.tokenizer)
        return self._judge


def _check_length(longest: int, context: int) -> None:
    allowed = min(context, LONGEST_PROMPT)
    if longest > allowed:
        raise ContextExceeded(
            f"State and question have {longest} tokens; {allowed} are allowed: say less in the state.", param="state"
        )
