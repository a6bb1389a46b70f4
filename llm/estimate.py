"""An upper estimate of a prompt's tokens for engines that cannot count. Pure; knows no network and no tokenizer."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping

_TURN_TOKENS = 16
"""What a chat template may add around one turn, generously."""

_MARGIN = 1.15
"""The next prompt may be denser (another language, code) than the densest of the last ones by this much."""

_REMEMBERED = 20


class TokenEstimate:
    """At first one token per UTF-8 byte, which no byte-level tokenizer exceeds; then the ratio that answers reported.

    The largest ratio of the last answers counts, so that the estimate stays an upper one.
    """

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=_REMEMBERED)

    def tokens(self, prompt: Iterable[Mapping[str, str]]) -> int:
        """Tokens that the prompt has at most, as far as is known."""
        ratio = min(1.0, max(self._ratios) * _MARGIN) if self._ratios else 1.0
        return math.ceil(_ceiling(prompt) * ratio)

    def observe(self, prompt: Iterable[Mapping[str, str]], prompt_tokens: int) -> None:
        """Learn from an answer's usage how many tokens that prompt really had."""
        if prompt_tokens > 0 and (ceiling := _ceiling(prompt)):
            self._ratios.append(prompt_tokens / ceiling)


def _ceiling(prompt: Iterable[Mapping[str, str]]) -> int:
    return sum(len(turn["content"].encode(errors="replace")) + _TURN_TOKENS for turn in prompt)
