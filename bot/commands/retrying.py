"""*Retry* under a command that failed: it is given again, with the same options, by one press.

The answer comes in the place of the sentence that said why there was none. What was asked stays in memory only, for a
quarter of an hour; after a restart the person is asked to give the command again. It does not know any command.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import discord
from discord import app_commands

from bot.clock import Clock
from bot.errors import Refusal, TooManyRequests
from bot.language import N_, _
from llm.errors import ContextTooLong

KEPT_S = 15 * 60.0
MOST = 1000
"""Failed commands that are kept: a worker that is away for a while fails many."""
GONE = N_("I no longer know what you asked for. Please give the command again.")
TRYING = N_("I try again …")
OFFER = "offer"
"""Where an interaction carries what makes its button."""
IN_PLACE = "in place"
"""Where it says that its answer comes where the button stood."""
TEMPLATE = r"steward:again:(?P<failed>\d{1,20})"

Offer = Callable[[], discord.ui.View]
_Button = discord.ui.Button[discord.ui.View]
_Item = discord.ui.DynamicItem[_Button]


@dataclass(frozen=True, slots=True)
class Given:
    """A command as somebody gave it."""

    person_id: int
    command: app_commands.Command[Any, ..., Any]
    options: dict[str, Any]
    failed_at: float = 0.0

    async def run(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Do it, as if it were given now. Raises whatever the command does."""
        itself = [] if self.command.binding is None else [self.command.binding]
        await self.command.callback(*itself, interaction, **self.options)


class Retries:
    """Commands that failed a short while ago."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given: OrderedDict[int, Given] = OrderedDict()

    def given(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Somebody gives a command: should it fail, its answer has a button."""
        command = interaction.command
        if isinstance(command, app_commands.Command):
            called = {option.display_name: option.name for option in command.parameters}
            options = {called[name]: value for name, value in interaction.namespace}
            self.pressed(interaction, Given(interaction.user.id, command, options))

    def pressed(self, interaction: discord.Interaction[discord.Client], given: Given) -> None:
        """The same for a command that is given again."""

        def offer() -> discord.ui.View:
            self._given[interaction.id] = replace(given, failed_at=self._clock.now())
            self._forget_old()
            return _view(interaction.id)

        interaction.extras[OFFER] = offer

    def take(self, failed_id: int, person_id: int) -> Given:
        """What this person asked for, once. Raises Refusal."""
        self._forget_old()
        given = self._given.get(failed_id)
        if given is None or given.person_id != person_id:
            raise Refusal(GONE)
        return self._given.pop(failed_id)

    def forget(self, person_id: int, guild_id: int | None) -> None:
        """Keep nothing of what this person asked for, wherever that was."""
        for failed_id in [number for number, given in self._given.items() if given.person_id == person_id]:
            del self._given[failed_id]

    def _forget_old(self) -> None:
        """The oldest come first: those that are too old go, and those that are too many."""
        now = self._clock.now()
        while self._given and (len(self._given) > MOST or now - next(iter(self._given.values())).failed_at > KEPT_S):
            self._given.popitem(last=False)


def button_after(interaction: discord.Interaction[discord.Client], error: BaseException) -> discord.ui.View | None:
    """The button to stand under what is said about this error; None where trying again would not help."""
    offer: Offer | None = interaction.extras.get(OFFER)
    return offer() if offer is not None and may_pass(error) else None


def may_pass(error: BaseException) -> bool:
    """Whether the same command may succeed on a second try: whoever may not do it, or asked for what cannot be, may
    not and cannot then, either."""
    if isinstance(error, app_commands.CommandInvokeError):
        return may_pass(error.original)
    if isinstance(error, Refusal):
        return isinstance(error, TooManyRequests)
    return not isinstance(error, ContextTooLong | app_commands.AppCommandError)


async def begin_again(interaction: discord.Interaction[discord.Client]) -> None:
    """Tell whoever pressed that something happens; the answer takes the same place."""
    interaction.extras[IN_PLACE] = True
    await interaction.response.edit_message(content=_(TRYING), view=None)


def again_button(again: Callable[[discord.Interaction[discord.Client], int], Awaitable[None]]) -> type[_Item]:
    """The item to register with the client; `again` gets each press and the id of the command that failed."""

    class AgainButton(discord.ui.DynamicItem[_Button], template=TEMPLATE):
        def __init__(self, failed_id: int) -> None:
            super().__init__(_button(failed_id))
            self._failed_id = failed_id

        @classmethod
        async def from_custom_id(
            cls, interaction: discord.Interaction, item: discord.ui.Item[discord.ui.View], match: re.Match[str], /
        ) -> Self:
            return cls(int(match["failed"]))

        async def callback(self, interaction: discord.Interaction) -> None:
            await again(interaction, self._failed_id)

    return AgainButton


def _button(failed_id: int) -> _Button:
    return discord.ui.Button(label=_("Retry"), custom_id=f"steward:again:{failed_id}")


def _view(failed_id: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(_button(failed_id))
    view.stop()  # the registered item answers; discord.py would keep this one for ever otherwise
    return view
