"""The corpus: the same for a seed, clean, apart from what the evaluation asks, and in the words that the bot sends."""

from __future__ import annotations

import re
from random import Random

import pytest

from bot.conversation.context import system_prompt
from llm.evaluation.chat_cases import CAPABILITIES, GREETINGS, IDENTITY, OUTSIDE, RECALLS, cases
from llm.training.chat.conversation import IN_PRIVATE, IN_SERVER, Turn
from llm.training.chat.corpus import DRILL, Lengths, conversations
from llm.training.chat.slots import SLOTS
from llm.training.chat.words import draw, is_held_out, person, words

FEW: Lengths = ((2, 1, 8), (1, 9, 20))


@pytest.fixture(scope="module")
def sample() -> list[list[Turn]]:
    return list(conversations("test", 700, FEW))


def test_the_same_seed_gives_the_same_conversations(sample: list[list[Turn]]) -> None:
    assert list(conversations("test", 20, FEW)) == sample[:20]
    assert list(conversations("another", 20, FEW)) != sample[:20]


def test_drills_are_about_memory_only() -> None:
    answers = [turn.content for talk in conversations("drills", 60, DRILL) for turn in talk if turn.role == "assistant"]
    assert len(answers) > 60 * 4
    assert not [answer for answer in answers if "small built-in model" in answer or "Steward" in answer]


def test_no_slot_is_left_unfilled_and_no_turn_is_empty(sample: list[list[Turn]]) -> None:
    for turn in (turn for talk in sample for turn in talk):
        assert turn.content.strip()
        assert not re.search(r"[{}<>|]|  ", turn.content), turn.content
        assert turn.content == turn.content.strip()


def test_turns_alternate_after_at_most_one_system_prompt(sample: list[list[Turn]]) -> None:
    for talk in sample:
        roles = [turn.role for turn in talk]
        turns = roles[1:] if roles[0] == "system" else roles
        assert turns == ["user", "assistant"] * (len(turns) // 2)
        assert len(turns) >= 2


def test_the_assistant_says_one_line(sample: list[list[Turn]]) -> None:
    assert not any("\n" in turn.content for talk in sample for turn in talk if turn.role == "assistant")


def test_the_evaluation_asks_in_words_that_training_never_uses(sample: list[list[Turn]]) -> None:
    trained = {
        _bare(re.sub(r"^[^:\n]{1,40}: ", "", line))
        for talk in sample
        for turn in talk
        if turn.role == "user"
        for line in turn.content.split("\n")
    }
    held_out = [*GREETINGS, *IDENTITY, *OUTSIDE, *(text for text, _ in CAPABILITIES)]
    assert not trained & {_bare(text) for text in held_out}
    for recall in RECALLS:
        shapes = [
            re.escape(_bare(text)).replace("xslotx", ".+") for text in _shapes(recall.say, recall.ask, recall.ask_of)
        ]
        assert not [line for line in trained if any(re.fullmatch(shape, line) for shape in shapes)]


def test_no_held_out_value_is_drawn_for_training() -> None:
    rng = Random(1)
    for kind in ("colour", "city", "animal", "pet name", "title", "language"):
        assert not any(is_held_out(draw(kind, rng)) for _ in range(200))
        assert all(is_held_out(draw(kind, rng, held_out=True)) for _ in range(50))


def test_words_of_which_there_are_few_are_all_trained() -> None:
    rng = Random(3)
    for kind in ("day", "month", "season"):
        assert {draw(kind, rng, novelty=0) for _ in range(300)} == set(words(kind))


def test_every_kind_of_word_has_some_to_draw_and_none_twice_too_often() -> None:
    for slot in SLOTS:
        assert slot.draw(Random(2), False)[1]
    assert len({person(Random(seed)) for seed in range(500)}) > 250
    assert len(words("colour")) == len(set(words("colour")))


def test_the_system_prompts_are_those_that_the_bot_sends(sample: list[list[Turn]]) -> None:
    assert IN_SERVER.replace("{guild}", "Rust Club") == system_prompt("Rust Club")
    assert system_prompt(None) == IN_PRIVATE
    prompts = {talk[0].content for talk in sample if talk[0].role == "system"}
    assert system_prompt("Steward Playground") in prompts and system_prompt(None) in prompts
    assert any(talk[0].role == "user" for talk in sample)


def test_evaluation_cases_end_with_a_question_and_fit_the_context() -> None:
    asked = cases(rounds=1)
    assert all(case.turns[-1].role == "user" and all(case.expected) for case in asked)
    assert asked == cases(rounds=1)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9 ]", "", text.lower()).strip()


def _shapes(*texts: str) -> list[str]:
    return [text.replace("{v}", "xslotx").replace("{n}", "xslotx") for text in texts]
