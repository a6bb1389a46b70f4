"""What `prepare` makes renders on real chat templates of public models, with every message's text in the prompt."""

from __future__ import annotations

from pathlib import Path

import jinja2
from transformers.utils.chat_template_utils import render_jinja_template

from llm.prompt import prepare
from llm.types import ChatMessage

SYSTEM = ChatMessage("system", "Be kind to everybody.")
HISTORY = [
    ChatMessage("assistant", "Welcome, I am Steward."),
    ChatMessage("user", "who wants tea?", "Ada"),
    ChatMessage("user", "me please\nand cake", "Grace"),
    ChatMessage("assistant", "Two cups"),
    ChatMessage("assistant", "and cake."),
    ChatMessage("user", "thanks a lot", "Linus"),
]

REFUSES, DROPS = "refuses it", "drops a text in silence"

WANTS_PARTS = {"llama-guard3_1b.jinja": DROPS}
"""Reads content as a list of typed parts only; it is a safety classifier's template, not a chat's."""

WANTS_NO_SYSTEM = {
    "llama-guard3_1b.jinja": REFUSES,
    "llama-guard3_8b.jinja": REFUSES,
    "llava_7b.jinja": REFUSES,
    "nuextract_3.8b.jinja": DROPS,
    "phi3_14b.jinja": DROPS,
}
"""Templates without a place for a system text. Only who renders the template sees that; `prepare` cannot."""


def templates(material: Path) -> list[Path]:
    found = sorted((material / "chat_templates").rglob("*.jinja"))
    assert len(found) > 50
    return found


def problem(template: Path, history: list[ChatMessage]) -> str | None:
    """Why this template cannot say the history; None when it says every word."""
    try:
        (text,), _ = render_jinja_template(
            conversations=[prepare(history)],
            chat_template=template.read_text(encoding="utf-8"),
            add_generation_prompt=True,
            bos_token="<s>",
            eos_token="</s>",
        )
    except jinja2.TemplateError:
        return REFUSES
    return None if all(message.content in text for message in history) else DROPS


def problems(material: Path, history: list[ChatMessage]) -> dict[str, str]:
    found = {path.name: problem(path, history) for path in templates(material)}
    return {name: why for name, why in found.items() if why is not None}


def test_a_conversation_of_many_people_survives_every_chat_template(material: Path) -> None:
    assert problems(material, HISTORY) == WANTS_PARTS


def test_with_a_system_text_too_where_the_template_knows_one(material: Path) -> None:
    assert problems(material, [SYSTEM, *HISTORY]) == WANTS_NO_SYSTEM
