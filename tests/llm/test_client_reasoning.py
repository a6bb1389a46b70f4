"""Whatever engine it is and however it sends its reasoning: that never becomes a part of the answer."""

from __future__ import annotations

import pytest

from llm.client import LLMClient
from llm.types import ChatEvent
from tests.fakes import ScriptedEngine, reply
from tests.llm.asking import QUESTION, SAMPLING


async def shown(client: LLMClient) -> tuple[str, str, list[ChatEvent]]:
    """The answer as somebody sees it who follows the stream, what was thought, and the events."""
    events = [event async for event in client.stream_chat(QUESTION, SAMPLING)]
    text = thought = ""
    for event in events:
        if event.recalls:
            text, thought = "", thought + text
        text, thought = text + event.text, thought + event.reasoning
    return text, thought, events


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize("owner", ["steward", "vllm"])
async def test_in_a_field_of_its_own(engine: ScriptedEngine, client: LLMClient, field: str, owner: str) -> None:
    engine.owned_by = owner
    engine.enqueue(reply("Yes.", thoughts=["Let me ", "see."], thoughts_in=field))
    text, thought, events = await shown(client)
    assert (text, thought) == ("Yes.", "Let me see.")
    assert events[-1].usage is not None and events[-1].usage.reasoning_tokens == 3


@pytest.mark.parametrize(
    "pieces",
    [
        ["<think>", "Let me", " see.", "</think>", "\n\nYes."],
        ["<thi", "nk>Let me see.</th", "ink>\nYes", "."],
        ["[THINK]Let me see.[/THINK]Yes."],
        ["◁think▷Let me see.◁/think▷Yes."],
    ],
)
async def test_left_in_the_content_by_another_engine(
    engine: ScriptedEngine, client: LLMClient, pieces: list[str]
) -> None:
    engine.owned_by = "library"
    engine.enqueue(reply(pieces=pieces), reply(pieces=pieces))
    text, thought, _ = await shown(client)
    assert (text, thought) == ("Yes.", "Let me see.")
    whole = await client.chat(QUESTION, SAMPLING)
    assert (whole.text, whole.reasoning) == ("Yes.", "Let me see.")


async def test_an_engine_that_never_sends_the_opening(engine: ScriptedEngine, client: LLMClient) -> None:
    """The template had opened the block, and the engine sends all that follows as content."""
    engine.owned_by = "library"
    pieces = ["Let me", " see.", "\n</think>", "\n\n", "Yes."]
    engine.enqueue(reply(pieces=pieces), reply(pieces=pieces))
    text, thought, _ = await shown(client)
    assert (text, thought) == ("Yes.", "Let me see.")
    assert (await client.chat(QUESTION, SAMPLING)).text == "Yes."


async def test_our_own_worker_has_split_it_already(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(reply(pieces=["<think>", " is how it begins."]))
    assert (await shown(client))[0] == "<think> is how it begins."


async def test_an_answer_that_stops_within_a_mark_is_shown(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.owned_by = "library"
    engine.enqueue(reply(pieces=["<thin"]))
    text, _, events = await shown(client)
    assert text == "<thin"
    assert events[-1].finish_reason == "stop"


async def test_reasoning_alone_is_no_answer(engine: ScriptedEngine, client: LLMClient) -> None:
    engine.enqueue(reply(thoughts=["Let me see."], finish_reason="length"))
    whole = await client.chat(QUESTION, SAMPLING)
    assert (whole.text, whole.reasoning, whole.finish_reason) == ("", "Let me see.", "length")
