"""Puts together what translates, for commands, mirrors and reactions alike. It knows constructors only."""

from __future__ import annotations

from bot.foundations import Foundations
from llm.tasks.languages import Detection
from llm.tasks.translate import Translation
from llm.tasks.translate_engines import ChatEngine, Engine, Seq2SeqEngine


def translation(base: Foundations) -> Translation:
    """By the owner's choice; the task models' engine is asked for people's names, too."""
    choice, engines = base.settings.tasks.translate, list[Engine]()
    if choice != "chat" and base.tasks is not None:
        engines.append(Seq2SeqEngine(base.tasks, needs_languages=choice == "auto"))
    if choice != "seq2seq":
        engines.append(ChatEngine(base.llm))
    return Translation(engines, Detection(), base.tasks)
