"""One open panel: which page is shown, what a click leads to. It lives as long as Discord lets a private answer change.

What the pages look like is in `pages`; what is chosen is kept by the rulebook.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import discord
import structlog

from bot.backfill import Backfills
from bot.clock import Clock
from bot.commands.answering import explained, tell
from bot.conversation.streaming import TROUBLE
from bot.errors import Refusal, explain
from bot.kept_notice import Notices
from bot.settings.rulebook import Rulebook
from bot.settings.values import BadValue, Spec, Value
from llm.client import LLMClient
from storage.clearing import Clearing
from storage.settings import Place

log = structlog.get_logger()

NOT_ALLOWED = "Only people with *Manage Server* can look at my settings and change them."
PUT_AWAY = "This panel was put away after a while. `/settings` brings it back."
DONE = "Done. `/settings` brings the panel back."
LIFETIME_S = 14 * 60.0
"""Without a click; Discord lets a private answer be changed for 15 minutes after the last one."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a panel works with."""

    rulebook: Rulebook
    llm: LLMClient
    backfills: Backfills
    clearing: Clearing
    notices: Notices
    clock: Clock


@dataclass(frozen=True, slots=True)
class Page:
    """What is shown: text and controls; without controls it is the last page."""

    embed: discord.Embed | None
    view: PanelView | None
    content: str | None = None


Work = Callable[[discord.Interaction], Awaitable[Page]]


class PanelView(discord.ui.View):
    """The controls of a page."""

    def __init__(self, session: Session) -> None:
        super().__init__(timeout=LIFETIME_S)
        self.session = session

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Permissions may have changed since the panel was opened."""
        if may_manage(interaction):
            return True
        await tell(interaction, NOT_ALLOWED)
        return False

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, item: discord.ui.Item[discord.ui.View], /
    ) -> None:
        """The edge: whatever a click did not explain itself."""
        await tell_failure(interaction, error, type(item).__name__)

    async def on_timeout(self) -> None:
        """Nobody clicked for long: what stands there would not work any more."""
        await self.session.put_away()


class Session:
    """The panel that one manager has open."""

    def __init__(self, desk: Desk, guild: discord.Guild, shown_by: discord.Interaction) -> None:
        self.desk = desk
        self.guild = guild
        self.here = Place(guild.id)
        self.remark = ""
        self.shown_by = shown_by
        self._view: PanelView | None = None

    async def show(self, interaction: discord.Interaction, page: Page) -> None:
        """Replace what is shown; the interaction must be deferred."""
        if self._view is not None:
            self._view.stop()
        self._view, self.shown_by = page.view, interaction
        await interaction.edit_original_response(content=page.content, embed=page.embed, view=page.view)

    async def go(self, interaction: discord.Interaction, work: Work) -> None:
        """A click, or a form that was filled in: do the work, and show the page that it leads to."""
        await interaction.response.defer()
        async with explained(interaction):
            if not may_manage(interaction):  # a form knows no view that would have asked
                raise Refusal(NOT_ALLOWED)
            await self.show(interaction, await work(interaction))

    async def choose(self, interaction: discord.Interaction, spec: Spec, value: Value | None) -> None:
        """Set a value here, or (None) take it back. A value that cannot be is said in the remark."""
        if not may_manage(interaction) or interaction.guild_id != self.guild.id:
            raise Refusal(NOT_ALLOWED)
        try:
            changed = await self.desk.rulebook.put(self.here, spec, value, interaction.user.id)
        except BadValue as bad:
            self.remark = f"⚠️ {bad}"
            return
        self.remark = f"✅ {spec.title}: changed." if changed else f"{spec.title}: it was so already."

    def take_remark(self) -> str:
        """What is to be said once."""
        remark, self.remark = self.remark, ""
        return remark

    async def put_away(self) -> None:
        """Take the controls from a panel that nobody uses."""
        with contextlib.suppress(*TROUBLE):
            await self.shown_by.edit_original_response(content=PUT_AWAY, embed=None, view=None)


async def tell_failure(interaction: discord.Interaction, error: Exception, item: str) -> None:
    """What nobody foresaw goes into the log, and whoever clicked gets a sentence."""
    explanation = explain(error)
    log.log(explanation.level, "click failed", item=item, exc_info=error)
    with contextlib.suppress(*TROUBLE):
        await tell(interaction, explanation.sentence)


def may_manage(interaction: discord.Interaction) -> bool:
    """Whether somebody may change the server's settings, by what Discord says right now."""
    return interaction.guild is not None and interaction.permissions.manage_guild
