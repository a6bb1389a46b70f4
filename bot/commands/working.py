"""A command that takes long: promised at once, its progress shown, stopped by a button, and never answered too late.

It does not know what the work is about.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import discord
import structlog

from bot.clock import Clock
from bot.commands.answering import defer
from bot.conversation.pace import Pace
from bot.conversation.streaming import TROUBLE
from bot.language import N_, _

log = structlog.get_logger()

LATE_S = 14 * 60.0
"""Discord takes a private answer for fifteen minutes."""
STOPPED = N_("I stopped.")
OVER = N_("That is over already.")
TOO_LONG = N_(
    "This takes longer than Discord lets me answer here. You get it as a private message when it is done, "
    "or not at all if you do not take private messages."
)
TEMPLATE = r"steward:stop-work:(?P<work>\d{1,20})"

_Button = discord.ui.Button[discord.ui.View]
_Item = discord.ui.DynamicItem[_Button]


class Work:
    """One command being worked on."""

    def __init__(self, interaction: discord.Interaction, pace: Pace, task: asyncio.Task[object]) -> None:
        self.interaction = interaction
        self.task = task
        self._pace = pace
        self._begun = pace.clock.now()
        self._shown_at = self._begun - pace.edit_interval_s
        self._edit: asyncio.Task[None] | None = None
        self._is_told_late = False

    @property
    def is_late(self) -> bool:
        """Whether Discord may no longer take the answer where it was asked for."""
        return self._pace.clock.now() - self._begun >= LATE_S

    def say(self, sentence: str) -> None:
        """How far it is; what comes too soon after the last one is not shown."""
        now = self._pace.clock.now()
        is_busy = self._edit is not None and not self._edit.done()
        if self._is_told_late or is_busy or now - self._shown_at < self._pace.edit_interval_s:
            return
        self._is_told_late = self.is_late
        self._shown_at = now
        self._edit = asyncio.create_task(self._show(_(TOO_LONG) if self._is_told_late else sentence))

    async def announce(self, sentence: str) -> None:
        """Say something that must be seen."""
        await self.settle()
        self._shown_at = self._pace.clock.now()
        await self._show(sentence)

    async def settle(self) -> None:
        """Wait until no edit is under way: what comes next is the last word."""
        if self._edit is not None:
            await asyncio.wait([self._edit])

    @asynccontextmanager
    async def settled(self) -> AsyncIterator[None]:
        """What is told after the body, whatever became of it, is the last word."""
        try:
            yield
        finally:
            await self.settle()

    async def _show(self, sentence: str) -> None:
        with contextlib.suppress(*TROUBLE):
            await self.interaction.edit_original_response(content=sentence, view=_stop_view(self.interaction.id))


class Works:
    """Everything that is being worked on, so that it can be stopped."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._works: dict[int, Work] = {}

    @property
    def clock(self) -> Clock:
        return self._pace.clock

    @asynccontextmanager
    async def work(self, interaction: discord.Interaction) -> AsyncIterator[Work]:
        """Promise a private answer; the body gives it. It may be cancelled by the person."""
        await defer(interaction)
        task = asyncio.current_task()
        assert task is not None
        work = self._works[interaction.id] = Work(interaction, self._pace, task)
        try:
            yield work
        finally:
            del self._works[interaction.id]

    async def stop(self, interaction: discord.Interaction, work_id: int) -> None:
        """Somebody pressed *Stop*: nobody but who asked sees that button."""
        work = self._works.get(work_id)
        if work is None or work.interaction.user.id != interaction.user.id:
            await interaction.response.send_message(_(OVER), ephemeral=True)
            return
        await interaction.response.defer()
        work.task.cancel()
        await asyncio.wait([work.task])
        await interaction.edit_original_response(content=_(STOPPED), view=None)


def stop_button(works: Works) -> type[_Item]:
    """The item to register with the client."""

    class StopButton(discord.ui.DynamicItem[_Button], template=TEMPLATE):
        def __init__(self, work_id: int) -> None:
            super().__init__(_button(work_id))
            self._work_id = work_id

        @classmethod
        async def from_custom_id(
            cls, interaction: discord.Interaction, item: discord.ui.Item[discord.ui.View], match: re.Match[str], /
        ) -> Self:
            return cls(int(match["work"]))

        async def callback(self, interaction: discord.Interaction) -> None:
            await works.stop(interaction, self._work_id)

    return StopButton


def _button(work_id: int) -> _Button:
    return discord.ui.Button(label=_("Stop"), custom_id=f"steward:stop-work:{work_id}")


def _stop_view(work_id: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(_button(work_id))
    view.stop()  # the registered item answers; discord.py would keep this one for ever otherwise
    return view
