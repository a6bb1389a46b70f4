"""Buttons and menus that act for whoever uses them, and work after a restart.

What is meant stands in the custom id. Most stand under private answers, which have one reader; what stands where others
see it asks for itself who pressed. It does not know what a button does: commands say so by `on`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Self, cast

import discord
import structlog

from bot.commands.answering import explained, tell
from bot.conversation.streaming import TROUBLE
from bot.errors import explain

log = structlog.get_logger()

TEMPLATE = r"steward:mine:(?P<name>[a-z-]{1,30}):(?P<argument>[\w-]{0,40})"
Press = Callable[[discord.Interaction, str, Sequence[str]], Awaitable[None]]
"""What happens: by which interaction, with the argument in the custom id, and with what was chosen from a menu."""

_Button = discord.ui.Button[discord.ui.View]
_Menu = discord.ui.Select[discord.ui.View]


class Personal:
    """What the buttons do, by name."""

    def __init__(self) -> None:
        self._presses: dict[str, Press] = {}

    def on(self, name: str, press: Press) -> None:
        """A press on the button `name` does this; by then Discord was told that something will happen."""
        self._presses[name] = press

    async def pressed(self, interaction: discord.Interaction, name: str, argument: str, chosen: Sequence[str]) -> None:
        """Somebody pressed it. Nothing that goes wrong leaves it."""
        try:
            await interaction.response.defer()
            async with explained(interaction):
                await self._presses[name](interaction, argument, chosen)
        except Exception as error:  # the edge: whatever it was, the log has the cause
            log.log(explain(error).level, "press failed", name=name, error=repr(error), exc_info=error)
            try:
                await tell(interaction, explain(error).sentence)
            except TROUBLE as silenced:
                log.warning("nobody could be told", name=name, error=str(silenced))

    def items(self) -> tuple[type[discord.ui.DynamicItem[_Button]], type[discord.ui.DynamicItem[_Menu]]]:
        """The items to register with the client: discord.py makes one for every press."""
        personal = self

        class PersonalButton(discord.ui.DynamicItem[_Button], template=TEMPLATE):
            def __init__(self, match: re.Match[str]) -> None:
                super().__init__(discord.ui.Button(custom_id=match[0]))
                self._match = match

            @classmethod
            async def from_custom_id(
                cls, interaction: discord.Interaction, item: discord.ui.Item[discord.ui.View], match: re.Match[str], /
            ) -> Self:
                return cls(match)

            async def callback(self, interaction: discord.Interaction) -> None:
                await personal.pressed(interaction, self._match["name"], self._match["argument"], ())

        class PersonalMenu(discord.ui.DynamicItem[_Menu], template=TEMPLATE.replace("mine", "menu")):
            def __init__(self, match: re.Match[str]) -> None:
                super().__init__(discord.ui.Select(custom_id=match[0]))
                self._match = match

            @classmethod
            async def from_custom_id(
                cls, interaction: discord.Interaction, item: discord.ui.Item[discord.ui.View], match: re.Match[str], /
            ) -> Self:
                return cls(match)

            async def callback(self, interaction: discord.Interaction) -> None:
                await personal.pressed(
                    interaction, self._match["name"], self._match["argument"], chosen_in(interaction)
                )

        return PersonalButton, PersonalMenu


def chosen_in(interaction: discord.Interaction) -> list[str]:
    """The values that somebody chose from a menu."""
    values = cast(Mapping[str, object], interaction.data or {}).get("values", [])
    return [str(value) for value in values] if isinstance(values, list) else []


def button(
    label: str, name: str, argument: str = "", style: discord.ButtonStyle = discord.ButtonStyle.secondary
) -> discord.ui.Button[discord.ui.View]:
    """A button to stand under an answer."""
    return discord.ui.Button(label=label, style=style, custom_id=f"steward:mine:{name}:{argument}")


def menu(
    placeholder: str, name: str, argument: str, options: list[discord.SelectOption]
) -> discord.ui.Select[discord.ui.View]:
    """A menu to stand under an answer, of which one thing is chosen."""
    return discord.ui.Select(placeholder=placeholder, custom_id=f"steward:menu:{name}:{argument}", options=options)


def view_of(*items: discord.ui.Item[discord.ui.View]) -> discord.ui.View:
    """Carries the items; presses come to the registered ones, not to this view."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()  # discord.py would keep it for ever otherwise
    return view


async def replace(interaction: discord.Interaction, text: str, view: discord.ui.View | None = None) -> None:
    """Let the message that was pressed, or the promised answer, say this; without buttons where there is no view."""
    await interaction.edit_original_response(content=text, view=view)
