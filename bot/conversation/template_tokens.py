"""The marks with which chat templates separate speakers, in texts where they have no business. Pure.

Engines take them for what they say wherever they stand: in a prompt they would end a turn and begin another one, and
in an answer they are a template's leak. Our worker knows its model's own tokens; here are those of the known families,
for every engine. It does not know templates.
"""

from __future__ import annotations

import re

_NAMES = (
    "s /s bos eos pad unk start_of_turn end_of_turn end_of_utterance turn /turn start_of_image end_of_image image "
    "image_soft_token tool_call /tool_call tool_response /tool_response sep cls mask"
)
_TOKEN = re.compile(
    r"<[|｜][^<>|｜\n]{1,48}[|｜]>|\[\|[a-z_]{1,32}\|\]|<<?/?SYS>>?|"
    rf"<(?:{'|'.join(map(re.escape, _NAMES.split()))})>|"
    r"<(?:reserved|unused|extra_id|reserved_special_token)_?\d{1,4}>|"
    r"\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS|TOOL_CONTENT|THINK|IMG|UNUSED_TOKEN_\d+)\]",
    re.IGNORECASE,
)
_MAYBE = re.compile(r"[<\[]")
_APART = "\u200a"
"""A hair space after the first character: it reads the same, and no tokenizer takes it for the token."""


def without_template_tokens(text: str) -> str:
    """`text` without them, also without those that only show when others are taken out."""
    while _MAYBE.search(text):
        bare = _TOKEN.sub("", text)
        if bare == text:
            break
        text = bare
    return text


def harmless_template_tokens(text: str) -> str:
    """`text` with each of them broken by a hair space: readable, and no token any more. Nothing else changes."""
    while _TOKEN.search(text):
        text = _TOKEN.sub(lambda match: match[0][0] + _APART + match[0][1:], text)
    return text
