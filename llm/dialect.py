"""Which of OpenAI's optional fields another engine takes; learned from its refusals. Pure: knows no network.

Engines differ: OpenAI's newer models want `max_completion_tokens`, some servers know no `stream_options`, some models
take no temperature. A refused request was not begun, so it may be asked again in other words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from llm.errors import ContextTooLong, RequestRefused, SettingsRefused
from llm.types import Sampling

_UNKNOWN = re.compile(
    r"un(supported|known|recognized|expected)|not (supported|permitted|allowed|recognized)|does not support|extra ",
    re.IGNORECASE,
)
_LEFT_TO_THE_ENGINE = ("stream_options", "temperature", "top_p")
"""What may be left out: the answer goes on without it. `stop` is not among them: it decides where the answer ends."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The fields that an engine is sent. At first all that OpenAI's API has for us."""

    length_field: str = "max_tokens"
    left_out: frozenset[str] = frozenset()

    def fields(self, sampling: Sampling) -> dict[str, Any]:
        """The standard fields of a streamed request that the sampling asks for."""
        wanted = {
            "stream_options": {"include_usage": True},
            self.length_field: sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop) or None,
        }
        return {name: value for name, value in wanted.items() if value is not None and name not in self.left_out}

    def after(self, refusal: RequestRefused) -> Dialect | None:
        """How to ask again after this refusal; None where other words would not help."""
        if isinstance(refusal, ContextTooLong | SettingsRefused) or not _UNKNOWN.search(str(refusal)):
            return None
        if self.length_field == "max_tokens" and _names(refusal, "max_tokens"):
            return replace(self, length_field="max_completion_tokens")
        refused = next((name for name in _LEFT_TO_THE_ENGINE if _names(refusal, name)), None)
        if refused is None or refused in self.left_out:
            return None
        return replace(self, left_out=self.left_out | {refused})


def _names(refusal: RequestRefused, field: str) -> bool:
    """Whether the refusal is about this field; an engine that says which one is believed."""
    if refusal.param:
        return refusal.param.split(".")[0] == field
    return re.search(rf"\b{field}\b", str(refusal)) is not None
