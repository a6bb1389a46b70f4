"""Which buttons stand under an answer, and what they are called in Discord's custom ids. Does not know what they do.

A custom id says which question is meant, who asked it and which of its answers: a button works after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import discord


class Action(StrEnum):
    """What a press asks for."""

    STOP = "stop"
    RETRY = "retry"
    AGAIN = "again"
    CONTINUE = "continue"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Target:
    """What a button is about. `number`: which answer to the question stands there (or, for a page, shall stand)."""

    question_id: int
    asker_id: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Button:
    """One button, as it is compared and shown."""

    label: str
    custom_id: str
    disabled: bool = False


Buttons = tuple[Button, ...]

TEMPLATE = (
    rf"steward:reply:(?P<action>{'|'.join(Action)}):"
    r"(?P<question>\d{1,20}):(?P<asker>\d{1,20}):(?P<number>\d{1,6})"
)
"""What `custom_id` makes, as a regular expression."""


def custom_id(action: Action, target: Target) -> str:
    """At most 100 characters, as Discord wants it."""
    return f"steward:reply:{action}:{target.question_id}:{target.asker_id}:{target.number}"


def while_writing(target: Target) -> Buttons:
    """Under an answer that is being written, or waited for."""
    return (Button("Stop", custom_id(Action.STOP, target)),)


def after_failure(target: Target) -> Buttons:
    """Under a sentence that stands instead of an answer."""
    return (Button("Retry", custom_id(Action.RETRY, target)),)


def after_answer(target: Target, count: int, *, is_cut_off: bool) -> Buttons:
    """Under an answer, the one numbered `target.number` of `count`; `is_cut_off`: the length limit ended it."""
    buttons = _pages(target, count) if count > 1 else ()
    if is_cut_off:
        buttons += (Button("Continue", custom_id(Action.CONTINUE, target)),)
    return (*buttons, Button("Regenerate", custom_id(Action.AGAIN, target)))


def view_of(buttons: Iterable[Button]) -> discord.ui.View | None:
    """The buttons as discord.py sends them; None for none. Presses come to the registered item, not to this view."""
    view = discord.ui.View(timeout=None)
    for button in buttons:
        view.add_item(discord.ui.Button(label=button.label, custom_id=button.custom_id, disabled=button.disabled))
    view.stop()  # discord.py would keep it for ever otherwise
    return view if view.children else None


def _pages(target: Target, count: int) -> Buttons:
    """‹ 1/2 ›; at either end the arrow is dead, and names the page `count`, which there is not."""
    here = target.number

    def page(label: str, number: int, *, dead: bool = False) -> Button:
        return Button(label, custom_id(Action.PAGE, replace(target, number=number)), disabled=dead)

    return (
        page("‹", count if here == 0 else here - 1, dead=here == 0),
        page(f"{here + 1}/{count}", here, dead=True),
        page("›", here + 1, dead=here + 1 == count),
    )
