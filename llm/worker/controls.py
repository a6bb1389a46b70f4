"""Texts that steer a model, and how they are kept from steering when a member types them. Pure: text in, text out.

A template writes control tokens around what people say. Typed by a person they must stay readable and steer nothing: an
invisible character goes in after their first one. It does not know which ids a tokenizer gives; `template` checks that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from llm.reasoning import FORMS, SPOKEN

WORD_JOINER = "\u2060"
"""Put into a control that somebody typed: invisible, and neither tokenizer nor template takes it for the real one."""

_MARKUP = re.compile(
    r"<[^<>\s]{1,60}>"  # <|im_start|>, </s>, <start_of_turn>, <SYS>
    r"|\[[|/]?[A-Za-z_]{2,40}\|?\]"  # [INST], [|assistant|]
    r"|◁[^◁▷\s]{1,20}▷"
    r"|^#{2,3} ?[A-Z][A-Za-z ]{1,30}:",  # ### Response:
    re.MULTILINE,
)
REASONING_MARKS = frozenset(mark for form in FORMS if form is not SPOKEN for mark in (*form.opens, *form.closes))


def controls_in(scaffold: str) -> set[str]:
    """What a template wrote around the messages and what looks like markup there, tokens or not."""
    return set(_MARKUP.findall(scaffold))


class Disarming:
    """Makes a text's controls harmless; `mark` is what goes into them."""

    def __init__(self, controls: Iterable[str], mark: str = WORD_JOINER) -> None:
        # Single characters cannot be told from text and stay.
        self.controls = sorted((text for text in set(controls) if len(text) > 1), key=len, reverse=True)
        self._mark = mark
        self._any = re.compile("|".join(map(re.escape, self.controls)) or "(?!)")

    def __call__(self, text: str) -> str:
        if not self._any.search(text):
            return text
        for control in self.controls:  # one after the other, since they may overlap
            text = text.replace(control, control[:1] + self._mark + control[1:])
        return text
