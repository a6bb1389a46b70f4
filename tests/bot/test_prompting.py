"""Prompts fit the served model, counted by it, and a growing conversation's prompt begins the same way for long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.conversation.context import Exchange, Line, Row, Summary, shown
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
    prompt = await Prompts(llm, Sampling(max_tokens=100)).make("Garden", talk(5))
    assert (prompt.context.read, prompt.context.total) == (10, 10)
    assert prompt.sampling.max_tokens == 100
    assert len(engine.tokenized) == 3  # the template and the instruction: more than they say it cannot be


async def test_a_growing_conversation_keeps_its_beginning_between_drops(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 1000
    prompts = Prompts(llm, Sampling(max_tokens=200))
    beginnings = []
    for length in range(1, 101):
        prompt = await prompts.make("Garden", talk(length))
        sent = [{"role": message.role, "content": message.content} for message in prompt.context.messages]
        assert count_tokens(sent) <= 800
        assert prompt.context.messages[-1].content.startswith(f"answer {length}")
        beginnings.append(prompt.context.first_id)
    assert beginnings == sorted(beginnings)
    assert len(set(beginnings)) <= 10
    assert len(engine.tokenized) <= 3 + 100 + 3 * len(set(beginnings))


async def test_branches_share_the_cuts_that_both_have(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 500
    prompts = Prompts(llm, Sampling(max_tokens=100))
    cut = (await prompts.make("Garden", talk(40))).context.first_id
    assert cut > 1
    assert (await prompts.make("Garden", talk(2))).context.first_id == 1
    assert (await prompts.make("Garden", talk(41))).context.first_id == cut
    assert (await prompts.make("Garden", talk(41)[20:], unseen=None)).context.first_id == cut


async def test_far_too_much_text_is_not_even_counted(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 500
    prompt = await Prompts(llm, Sampling(max_tokens=100)).make("Garden", talk(2000, words=100))
    assert prompt.context.read < 20
    assert max(count_tokens(asked["messages"]) for asked in engine.tokenized if "messages" in asked) < 2000


async def test_a_small_model_answers_with_at_most_half_its_context(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 300
    prompt = await Prompts(llm, Sampling(max_tokens=512, temperature=0.5, stop=("x",))).make(None, talk(1))
    assert prompt.sampling == Sampling(max_tokens=150, temperature=0.5, stop=("x",))


async def test_a_newest_message_that_cannot_fit_is_an_error(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 300
    with pytest.raises(ContextTooLong, match="150 are free"):
        await Prompts(llm, Sampling()).make(None, [*talk(3), *talk(1, words=400)])


async def test_an_engine_that_does_not_count_is_estimated(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.has_tokenize = False
    engine.owned_by = "vllm"
    engine.max_model_len = 1000
    prompt = await Prompts(llm, Sampling(max_tokens=200)).make("Garden", talk(60))
    assert 0 < prompt.context.read < prompt.context.total


async def test_a_window_that_moves_on_does_not_move_the_prompt(llm: LLMClient) -> None:
    prompts = Prompts(llm, Sampling(max_tokens=100))
    everything = talk(120)
    beginnings = []
    for newest in range(40, 121):
        prompt = await prompts.make("Garden", everything[newest - 40 : newest], unseen=None)
        beginnings.append(prompt.context.first_id)
        assert not prompt.context.is_total_known
    assert beginnings == sorted(beginnings)
    assert len(set(beginnings)) <= 8


def told(piece: Exchange, digest: Summary | None = None) -> Exchange:
    """The same piece, as stored messages whose tokens were counted, with a summary that ends with it."""
    texts = [(shown(message), message.name is None) for message in piece.messages]
    rows = [Row(piece.first_id, "", mine, text, None, len(text.split())) for text, mine in texts]
    rows[-1] = replace(rows[-1], digest=digest)
    return replace(piece, lines=tuple(Line(row, row.content) for row in rows))


async def test_a_summary_counts_and_stands_in_the_prompt(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 500
    pieces = [told(piece, Summary("Much was said.", piece.first_id * 2)) for piece in talk(40)]
    prompt = await Prompts(llm, Sampling(max_tokens=100)).make("Garden", pieces)
    assert prompt.context.messages[1].content.endswith("\n> Much was said.")
    assert prompt.context.left_out() == f"read {prompt.context.read} of 80 messages, and a summary of the rest"


async def test_what_was_counted_is_not_counted_again(llm: LLMClient, engine: ScriptedEngine) -> None:
    """The template is measured once, each server's instruction once; then stored counts tell what fits."""
    engine.max_model_len = 1000
    prompts = Prompts(llm, Sampling(max_tokens=200))
    beginnings = []
    for length in range(1, 61):
        known = [told(piece) for piece in talk(length - 1)]
        newest = talk(length)[-1]
        prompt = await prompts.make("Garden", [*known, replace(newest, rows=1, messages=newest.messages[:1])])
        sent = [{"role": message.role, "content": message.content} for message in prompt.context.messages]
        assert count_tokens(sent) <= 800
        beginnings.append(prompt.context.first_id)
    assert beginnings == sorted(beginnings)
    assert 2 <= len(set(beginnings)) <= 6
    whole = [asked for asked in engine.tokenized if len(asked.get("messages", ())) > 4]
    assert len(whole) <= 4 * len(set(beginnings))
    assert len(engine.tokenized) - len(whole) == 3


async def test_a_cut_is_made_where_a_summary_was_prepared(llm: LLMClient, engine: ScriptedEngine) -> None:
    engine.max_model_len = 1000
    prompts = Prompts(llm, Sampling(max_tokens=200))
    digests: dict[int, Summary] = {}
    cuts, plans = [], []
    for length in range(1, 61):
        pieces = [told(piece, digests.get(piece.first_id)) for piece in talk(length)]
        context = (await prompts.make("Garden", pieces)).context
        cuts.append((context.first_id, context.summarized))
        plans.append(await prompts.to_tell("Garden", pieces, 0, 30))
        if plans[-1] and plans[-1] not in digests:
            digests = {**dict(list(digests.items())[-1:]), plans[-1]: Summary("So it was.", 2 * plans[-1])}
    assert all(summarized == 2 * (first - 1) for first, summarized in cuts)
    assert 2 <= len(set(cuts)) <= 6


async def test_a_prompt_that_did_not_fit_after_all_is_counted_from_then_on(
    llm: LLMClient, engine: ScriptedEngine
) -> None:
    engine.max_model_len = 1000
    prompts = Prompts(llm, Sampling(max_tokens=200))
    pieces = [told(piece) for piece in talk(20)]
    prompt = await prompts.make("Garden", pieces)
    assert prompt.is_measured
    while prompts.was_wrong(prompt):
        prompt = await prompts.make("Garden", pieces)
    assert not prompt.is_measured and prompt.is_counted
