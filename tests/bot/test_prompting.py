"""Prompts fit the served model, counted by it, and a growing conversation's prompt begins the same way for long."""

from __future__ import annotations

import pytest

from bot.conversation.context import Exchange, Summary
from bot.conversation.prompting import Prompts
from llm.client import LLMClient
from llm.errors import ContextTooLong
from llm.types import ChatMessage, Sampling
from tests.fakes import ScriptedEngine, count_tokens


def talk(length: int, words: int = 10) -> list[Exchange]:
    """A conversation of `length` exchanges of about that many words each."""
    return [
        Exchange(
            number,
            2,
            (
                ChatMessage("user", f"question {number} " + "word " * (words // 2), "Ada"),
                ChatMessage("assistant", f"answer {number} " + "word " * (words // 2)),
            ),
        )
        for number in range(1, length + 1)
    ]


async def test_all_of_a_short_conversation_is_read_with_one_count(llm: LLMClient, engine: ScriptedEngine) -> None:
    prompt = await Prompts(llm, Sampling(max_tokens=100)).make(1, "Garden", talk(5))
    assert (prompt.context.read, prompt.context.total) == (10, 10)
    assert prompt.sampling.max_tokens == 100
    assert len(engine.tokenized) == 1


async def test_a_growing_conversation_keeps_its_beginning_between_drops(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 1000
    prompts = Prompts(llm, Sampling(max_tokens=200))
    beginnings = []
    for length in range(1, 101):
        prompt = await prompts.make(1, "Garden", talk(length))
        sent = [{"role": message.role, "content": message.content} for message in prompt.context.messages]
        assert count_tokens(sent) <= 800
        assert prompt.context.messages[-1].content.startswith(f"answer {length}")
        beginnings.append(prompt.context.first_id)
    assert beginnings == sorted(beginnings)
    assert len(set(beginnings)) <= 10
    assert len(engine.tokenized) <= 100 + 3 * len(set(beginnings))


async def test_conversations_have_cuts_of_their_own(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 500
    prompts = Prompts(llm, Sampling(max_tokens=100))
    assert (await prompts.make(1, "Garden", talk(40))).context.first_id > 1
    assert (await prompts.make(2, "Garden", talk(2))).context.first_id == 1


async def test_far_too_much_text_is_not_even_counted(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 500
    prompt = await Prompts(llm, Sampling(max_tokens=100)).make(1, "Garden", talk(2000, words=100))
    assert prompt.context.read < 20
    assert max(count_tokens(asked["messages"]) for asked in engine.tokenized) < 2000


async def test_a_small_model_answers_with_at_most_half_its_context(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 300
    prompt = await Prompts(llm, Sampling(max_tokens=512, temperature=0.5, stop=("x",))).make(1, None, talk(1))
    assert prompt.sampling == Sampling(max_tokens=150, temperature=0.5, stop=("x",))


async def test_a_newest_message_that_cannot_fit_is_an_error(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 300
    with pytest.raises(ContextTooLong, match="150 are free"):
        await Prompts(llm, Sampling()).make(1, None, [*talk(3), *talk(1, words=400)])


async def test_an_engine_that_does_not_count_is_estimated(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.has_tokenize = False
    engine.owned_by = "vllm"
    engine.max_model_len = 1000
    prompt = await Prompts(llm, Sampling(max_tokens=200)).make(1, "Garden", talk(60))
    assert 0 < prompt.context.read < prompt.context.total


async def test_a_window_that_moves_on_does_not_move_the_prompt(llm: LLMClient) -> None:
    prompts = Prompts(llm, Sampling(max_tokens=100))
    everything = talk(120)
    beginnings = []
    for newest in range(40, 121):
        prompt = await prompts.make(1, "Garden", everything[newest - 40 : newest], unseen=None)
        beginnings.append(prompt.context.first_id)
        assert not prompt.context.is_total_known
    assert beginnings == sorted(beginnings)
    assert len(set(beginnings)) <= 8


async def test_a_summary_counts_and_stands_in_the_prompt(llm: LLMClient, engine: ScriptedEngine) -> None:
    prompt = await Prompts(llm, Sampling(max_tokens=100)).make(1, "Garden", talk(2), Summary("Much was said.", 11), 9)
    assert "Much was said." in str(engine.tokenized[-1])
    assert prompt.context.left_out() == "read 2 of 13 messages, and a summary of the rest"
