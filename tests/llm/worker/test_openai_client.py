"""The official openai client, asynchronous and as strangers use it, against the worker: streams, refusals, timeouts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from llm.config import WorkerSettings
from tests.llm.worker.running import Worker, running, until
from tests.llm.worker.test_crowd import crowded, idle, streaming

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
LONG = 1900  # tokens: more than any of these tests lets it say


@pytest.fixture
async def client(bytes_worker: Worker) -> AsyncIterator[openai.AsyncOpenAI]:
    idle(bytes_worker)
    async with openai.AsyncOpenAI(base_url=f"{bytes_worker.url}/v1", api_key="unused", max_retries=0) as official:
        yield official


async def test_a_stream_that_is_left_half_way_frees_everything(
    bytes_worker: Worker, client: openai.AsyncOpenAI
) -> None:
    stream = await client.chat.completions.create(
        model=bytes_worker.model, messages=HELLO, max_tokens=LONG, stream=True
    )
    async with stream:
        assert (await anext(stream)).choices[0].delta.role == "assistant"
    idle(bytes_worker)


async def test_the_streaming_helper_assembles_the_whole_answer(
    bytes_worker: Worker, client: openai.AsyncOpenAI
) -> None:
    full = bytes_worker.text(say="hi", max_tokens=20, temperature=0)
    stop = full[5]  # the helper takes no answer that ends at its length
    async with client.chat.completions.stream(
        model=bytes_worker.model,
        messages=HELLO,
        max_tokens=20,
        temperature=0,
        stop=stop,
        stream_options={"include_usage": True},
    ) as stream:
        async for _ in stream:
            pass
        whole = await stream.get_final_completion()
    assert (whole.choices[0].message.content or "") == full.partition(stop)[0]
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None and whole.usage.completion_tokens <= 20


async def test_an_engine_that_fails_in_the_middle_raises_in_the_loop(
    bytes_worker: Worker, client: openai.AsyncOpenAI
) -> None:
    chat, loop = bytes_worker.serving.chat, bytes_worker.serving._loop
    assert chat is not None and loop is not None
    stream = await client.chat.completions.create(
        model=bytes_worker.model, messages=HELLO, max_tokens=LONG, stream=True
    )
    with pytest.raises(openai.APIError, match="engine failed"):
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                loop.call_soon_threadsafe(chat.engine.cancel, chunk.id)
    idle(bytes_worker)


async def test_a_silent_stream_times_out_and_leaves_the_queue(bytes_worker: Worker, client: openai.AsyncOpenAI) -> None:
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(streaming(bytes_worker))
        until(lambda: bytes_worker.queue()["running"] == 2)
        stream = await client.chat.completions.create(
            model=bytes_worker.model, messages=HELLO, stream=True, timeout=openai.Timeout(30, read=0.2)
        )
        with pytest.raises(openai.APITimeoutError):
            async for _ in stream:  # its turn does not come: both places are taken
                pass
        until(lambda: bytes_worker.queue()["waiting"]["interactive"] == 0)
    idle(bytes_worker)


async def test_a_full_worker_is_a_rate_limit_with_a_time(bytes_worker: Worker, client: openai.AsyncOpenAI) -> None:
    with crowded(bytes_worker), pytest.raises(openai.RateLimitError) as refused:
        await client.chat.completions.create(model=bytes_worker.model, messages=HELLO)
    assert refused.value.code == "queue_full"
    assert int(refused.value.response.headers["retry-after"]) >= 1


async def test_bad_requests_name_the_field_and_the_context(bytes_worker: Worker, client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model=bytes_worker.model, messages=HELLO, logprobs=True)
    assert refused.value.param == "logprobs"
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(
            model=bytes_worker.model, messages=[{"role": "user", "content": "x" * 5000}], stream=True
        )
    assert refused.value.code == "context_length_exceeded"


async def test_keys() -> None:
    with running(WorkerSettings(model="none"), token="right") as worker:
        for key, is_right in (("right", True), ("wrong", False)):
            async with openai.AsyncOpenAI(base_url=f"{worker.url}/v1", api_key=key, max_retries=0) as official:
                if is_right:
                    assert isinstance((await official.models.list()).data, list)
                else:
                    with pytest.raises(openai.AuthenticationError, match="token"):
                        await official.models.list()
