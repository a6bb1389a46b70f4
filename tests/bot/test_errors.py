"""Any error becomes a sentence that a member understands."""

from __future__ import annotations

import inspect
import logging

import pytest

import llm.errors
import storage.errors
from bot.errors import UNEXPECTED, Refusal, explain, is_expected
from llm.errors import EngineBusy, LLMError
from storage.errors import StorageError


def all_of(module: object, base: type[Exception]) -> list[type[Exception]]:
    return [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, base)]


@pytest.mark.parametrize("kind", all_of(llm.errors, LLMError) + all_of(storage.errors, StorageError))
def test_every_foreseen_error_has_a_sentence_that_hides_its_details(kind: type[Exception]) -> None:
    explanation = explain(kind("connect to 10.0.0.1 failed"))
    assert explanation.sentence != UNEXPECTED
    assert "10.0.0.1" not in explanation.sentence
    assert explanation.sentence.endswith(".")
    assert is_expected(kind("x"))


def test_a_refusal_speaks_for_itself() -> None:
    assert explain(Refusal("Not here.")).sentence == "Not here."


def test_a_busy_engine_says_when_to_come_back() -> None:
    assert "about 3 s" in explain(EngineBusy("full", 2.2)).sentence
    assert "about 60 minutes" in explain(EngineBusy("full", 3600)).sentence
    assert "in a little while" in explain(EngineBusy("full")).sentence


def test_the_unforeseen_is_loud_in_the_log_and_mild_to_the_person() -> None:
    assert explain(KeyError("x")).sentence == UNEXPECTED
    assert explain(KeyError("x")).level == logging.ERROR
    assert not is_expected(KeyError("x"))
