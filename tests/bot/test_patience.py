"""Only what comes back is waited for, and not for ever."""

from __future__ import annotations

import pytest

from bot.conversation.patience import Patience
from llm.errors import (
    ContextTooLong,
    EngineBusy,
    EngineTimeout,
    EngineUnavailable,
    LLMError,
    RequestRefused,
    StreamBroken,
)


@pytest.mark.parametrize("error", [EngineUnavailable(""), StreamBroken("")])
def test_an_engine_that_comes_back_is_waited_for(error: LLMError) -> None:
    assert Patience(3600).bears(error)
    assert not Patience(0).bears(error)


@pytest.mark.parametrize("error", [EngineBusy(""), EngineTimeout(""), ContextTooLong(""), RequestRefused("")])
def test_what_would_fail_again_is_not(error: LLMError) -> None:
    assert not Patience(3600).bears(error)
