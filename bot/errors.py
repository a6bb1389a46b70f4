"""Everything that can go wrong on the way to an answer, and the one place that turns it into a sentence.

BotError
└── Refusal           Steward will not or cannot do this; its text is the sentence that the person reads
    ├── TooManyRequests   this person, or this conversation, must wait
    └── LeftOut           this person wants their messages not to be read

Errors of llm, storage and discord.py keep their own trees; `explain` knows them all. It does not know how the sentence
reaches the person.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import discord
from discord import app_commands

from bot.language import N_, _
from llm.errors import (
    ContextTooLong,
    EngineBusy,
    EngineTimeout,
    EngineUnavailable,
    LLMError,
    NotServed,
    RequestRefused,
    SettingsRefused,
    StreamBroken,
)
from storage.errors import StorageError

_LONGEST_IN_SECONDS = 120
UNEXPECTED = N_("Something went wrong on my side, and it is in my log now. Please try again.")


class BotError(Exception):
    """Base of the bot's own errors."""


class Refusal(BotError):
    """Steward will not or cannot do this; `str(error)` is the sentence with its {values}, for whoever reads it."""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence)
        self._values = values

    def __str__(self) -> str:
        return _(self.args[0], **self._values)


class TooManyRequests(Refusal):
    """This person, or this conversation, must wait; `first` is False where that was said a moment ago."""

    def __init__(self, sentence: str, *, first: bool = True, **values: object) -> None:
        super().__init__(sentence, **values)
        self.first = first


class LeftOut(Refusal):
    """This person opted out: what they write is not read, so it cannot be answered."""

    def __init__(self) -> None:
        super().__init__(
            N_(
                "You asked me not to read your messages, so I do not answer this one. `/ask` works: I answer, and keep "
                "nothing of it. `/privacy opt-in` lets me read you again."
            )
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person reads about an error, and how loud the log is about it (a level of `logging`)."""

    sentence: str
    level: int


_SENTENCES: tuple[tuple[type[Exception], str, int], ...] = (
    (
        EngineTimeout,
        N_("The model took too long to answer, so I stopped waiting. Please ask again; a shorter question helps."),
        logging.WARNING,
    ),
    (
        StreamBroken,
        N_("The model stopped in the middle of its answer and is being restarted. Please ask again in a moment."),
        logging.WARNING,
    ),
    (
        EngineUnavailable,
        N_(
            "The language model is not running right now: it starts, or is being restarted. "
            "Please ask again in a minute."
        ),
        logging.WARNING,
    ),
    (
        ContextTooLong,
        N_(
            "That is more text than the model can read at once. Please ask with a shorter message, "
            "or begin afresh by mentioning me without a reply."
        ),
        logging.INFO,
    ),
    (
        NotServed,
        "No model that can do this is set up here. Only my owner can name one, under `[tasks]` in `steward.toml`.",
        logging.WARNING,
    ),
    (
        SettingsRefused,
        N_(
            "The language model's engine does not take what my owner set (key, model, address or quota), so I cannot "
            "answer. Only my owner can mend that; `steward doctor` says how."
        ),
        logging.ERROR,
    ),
    (
        RequestRefused,
        N_("The model's engine refused this request; the reason is in my log, where the owner finds it."),
        logging.ERROR,
    ),
    (LLMError, N_("The language model could not answer this. Please try again."), logging.ERROR),
    (
        StorageError,
        N_(
            "I cannot reach my memory (the database) right now, so I cannot answer. "
            "The owner finds the reason in my log."
        ),
        logging.ERROR,
    ),
    (
        discord.Forbidden,
        N_(
            "Discord does not let me do that here: I lack a permission. A moderator can press *Check my set-up* or run "
            "`steward doctor` to see which."
        ),
        logging.WARNING,
    ),
    (discord.HTTPException, N_("Discord did not accept what I sent. Please try again."), logging.ERROR),
)


def explain(error: BaseException) -> Explanation:
    """The sentence and the log level for any error; UNEXPECTED, as an error, for those that nobody foresaw."""
    if isinstance(error, app_commands.CommandInvokeError):
        return explain(error.original)
    if isinstance(error, Refusal):
        return Explanation(str(error), logging.DEBUG)
    if isinstance(error, EngineBusy):
        return Explanation(_busy(error), logging.INFO)
    for kind, sentence, level in _SENTENCES:
        if isinstance(error, kind):
            return Explanation(_(sentence), level)
    return Explanation(_(UNEXPECTED), logging.ERROR)


def is_expected(error: BaseException) -> bool:
    """Whether the error is one of those known trees, so that a log needs no traceback."""
    return explain(error).sentence != _(UNEXPECTED)


def _busy(error: EngineBusy) -> str:
    if error.retry_after_s is None:
        return _("Too many people are asking at the moment. Please try again in a little while.")
    seconds = max(1, math.ceil(error.retry_after_s))
    if seconds <= _LONGEST_IN_SECONDS:
        return _("Too many people are asking at the moment. Please try again in about {seconds} s.", seconds=seconds)
    minutes = math.ceil(seconds / 60)
    return _("Too many people are asking at the moment. Please try again in about {minutes} minutes.", minutes=minutes)
