"""Messages of several people → messages that chat templates accept. Pure: text in, text out.

Most templates know one system text, then user and assistant in strict turns. Discord conversations have many speakers,
bot messages that come first, and several people in a row. This file closes that gap without losing any text. It does
not know tokens, budgets or templates: what fits is `bot.conversation.context`'s decision, and what a given template
cannot say is the worker's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from llm.errors import EmptyConversation
from llm.types import ChatImage, ChatMessage, Role

OPENING = "(The conversation begins here.)"
"""Stands in for the user's turn where the conversation has none to begin with: templates refuse an assistant first."""

ANONYMOUS = "someone"
"""The speaker whose display name has nothing that can be shown."""

_NAME_LIMIT = 32
_ROLE_WORDS = frozenset({"system", "user", "assistant", "tool", "developer", "model"})
_LOOKS_LIKE_COLON = frozenset(":：﹕︓∶ː˸։׃܃܄꞉⁝፡᠄")


def prepare(messages: Sequence[ChatMessage]) -> list[dict[str, str]]:
    """The same conversation as {"role", "content"} turns: one system text first, then user and assistant in turns.

    - Every system message, wherever it stood, joins the leading system text in its order: quoted into a user's turn
      it would lose its authority, and anybody could write one.
    - A user's content becomes "Name: text"; consecutive messages of one role are joined by a newline.
    - Where no user's turn begins the conversation, OPENING does.

    No text is lost or changed; messages of whitespace alone carry none. Raises EmptyConversation for an empty list.
    Images are left out.
    """
    return [_turn(turn.role, turn.text) for turn in _prepared(messages)]


def illustrated(messages: Sequence[ChatMessage]) -> list[dict[str, object]]:
    """What `prepare` makes, but turns with images have a list of content parts: their text, then the images."""
    return [{"role": turn.role, "content": _parts(turn) if turn.images else turn.text} for turn in _prepared(messages)]


@dataclass(frozen=True, slots=True)
class _Turn:
    role: Role
    text: str
    images: tuple[ChatImage, ...] = ()


def _prepared(messages: Sequence[ChatMessage]) -> list[_Turn]:
    if not messages:
        raise EmptyConversation("a prompt needs at least one message; got an empty list")
    system = [message.content for message in messages if message.role == "system" and message.content.strip()]
    turns = _turns(message for message in messages if message.role != "system")
    if not turns or turns[0].role != "user":
        turns.insert(0, _Turn("user", OPENING))
    return ([_Turn("system", "\n\n".join(system))] if system else []) + turns


def _parts(turn: _Turn) -> list[dict[str, object]]:
    """OpenAI's content parts."""
    images: list[dict[str, object]] = [{"type": "image_url", "image_url": {"url": image.url}} for image in turn.images]
    return [{"type": "text", "text": turn.text}, *images]


def speaker(name: str) -> str:
    """A display name that cannot pass for another speaker: one line, no colon, at most 32 characters, never a role.

    Invisible and direction-changing characters are dropped, since with them two names look alike.
    """
    visible = "".join(map(_plain, name))
    short = " ".join(visible.split())[:_NAME_LIMIT].rstrip()
    if unicodedata.normalize("NFKC", short).casefold() in _ROLE_WORDS:
        return f"@{short}"
    return short or ANONYMOUS


def _plain(character: str) -> str:
    if character in _LOOKS_LIKE_COLON or character.isspace():
        return " "
    return "" if unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"} else character


def _turns(messages: Iterable[ChatMessage]) -> list[_Turn]:
    spoken = [_Turn(message.role, text, message.images) for message in messages if (text := _said(message))]
    return [_joined(role, list(group)) for role, group in groupby(spoken, key=lambda turn: turn.role)]


def _joined(role: Role, turns: Sequence[_Turn]) -> _Turn:
    images = tuple(image for turn in turns for image in turn.images)
    return _Turn(role, "\n".join(turn.text for turn in turns), images)


def _said(message: ChatMessage) -> str:
    """What the turn shows of one message; a named person who says nothing still spoke, any other blank is left out."""
    if message.role == "user" and message.name is not None:
        return f"{speaker(message.name)}: {message.content}" if message.content else f"{speaker(message.name)}:"
    return message.content if message.content.strip() else ""


def _turn(role: Role, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
