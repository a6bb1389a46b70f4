"""The notice in a channel that was opted into storage, and its buttons: *What is kept* and *Leave me out*.

The buttons work after a restart. What a person chooses here is `storage.privacy`'s to carry out.
"""

from __future__ import annotations

from collections.abc import Mapping

import discord
import structlog

from bot.commands.answering import defer, explained, tell
from bot.commands.holding import counted as held_words
from bot.conversation.leaving import Leaving
from bot.conversation.streaming import TROUBLE
from bot.errors import Refusal
from bot.settings.resolving import Where
from bot.settings.rulebook import NOTHING, Rulebook, where
from bot.settings.values import counted
from storage.settings import GuildSettings, Place, Scope

log = structlog.get_logger()

NAME = "notice"
"""Under which name is remembered that a channel has its notice."""
TEXT = """📌 **From now on I keep what is said in this channel**, for {days}. {machine} It is for conversations, \
summaries and search in this server. What you edit or delete on Discord is edited or deleted here too.{fetched}"""
CHANGED = "📌 What is said in this channel I keep for {days} from now on."
ENDED = {
    "everything": "",
    "addressed": "📌 From now on I keep of this channel only messages to me, those that they belong to, and my "
    "answers. What I have kept so far goes after {days}.",
    "nothing": "📌 I keep nothing of what is said in this channel any more, and what I had kept is deleted.",
}
FETCHED = " Messages of the last {days} are kept as well."
WHAT = """**What I keep of this channel:** {what}, for {days}. Then it is deleted for good.
Edits and deletions on Discord reach what I keep, and what was made from it.
{privacy} {machine}
`/privacy` shows what I hold of you, gives it to you as a file, or deletes it."""
_WHAT = {
    "everything": "everything that people write here",
    "addressed": "messages to me, those that they belong to, and my answers",
}
WHAT_NOTHING = """**What I keep of this channel:** nothing, neither what is said to me nor what I say. I read it on \
Discord when somebody asks me.
{privacy} `/privacy` shows what I hold of you from elsewhere, gives it to you as a file, or deletes it."""
SURE = """If I leave you out, I store and read nothing that you write in this server any more, and what I hold of you \
here is deleted now. I then know nothing of what you told me."""
LEFT_OUT = "Done: I leave you out from now on; `/privacy opt-in` lets you come back. {gone}"
PLACE_GONE = "This works only in the channel of a server."


class Notices:
    """Posts notices and answers their buttons. `machine` says where what is kept lies, `privacy` where words go."""

    def __init__(
        self, rulebook: Rulebook, stored: GuildSettings, leaving: Leaving, *, machine: str, privacy_line: str
    ) -> None:
        self._rulebook = rulebook
        self._stored = stored
        self._leaving = leaving
        self._machine = machine
        self._line = privacy_line

    async def post(self, channel: discord.abc.Messageable, place: Place, days: int, fetched_days: int) -> bool:
        """Tell the people of a channel, once; whether they have been told. Raises StorageError."""
        if (place, NAME) in await self._rulebook.chosen(place.guild_id):
            return True
        fetched = FETCHED.format(days=counted(fetched_days, "days")) if fetched_days else ""
        text = TEXT.format(days=counted(days, "days"), machine=self._machine, fetched=fetched)
        return await self._send(channel, place, text)

    async def changed(self, guild: discord.Guild, before: Mapping[int, int]) -> None:
        """Tell the people of channels that have a notice, if what is said there is kept for other than the days it was
        `before` (by channel, as `days` gives them). Raises StorageError."""
        for channel_id, days in (await self.days(guild.id)).items():
            channel = guild.get_channel(channel_id)
            if before.get(channel_id, days) != days and isinstance(channel, discord.abc.Messageable):
                text = CHANGED.format(days=counted(days, "days"))
                await self._send(channel, Place(guild.id, Scope.CHANNEL, channel_id), text)

    async def days(self, guild_id: int) -> dict[int, int]:
        """For how many days the channels of a server that have a notice keep what is said there."""
        places = [place for place, name in await self._rulebook.chosen(guild_id) if name == NAME]
        return {place.target_id: (await self._rulebook.at(Where.of(place))).retention_days for place in places}

    async def ended(self, channel: discord.abc.Messageable | None, place: Place) -> None:
        """The channel is no longer opted in: people are told, and told anew when it is again. Raises StorageError."""
        if (place, NAME) not in await self._rulebook.chosen(place.guild_id):
            return
        rules = await self._rulebook.at(Where.of(place))
        text = ENDED[rules.store].format(days=counted(rules.retention_days, "days"))
        if channel is not None and text:
            await self._send(channel, place, text)
        await self._stored.remember(place, NAME, None)

    async def _send(self, channel: discord.abc.Messageable, place: Place, text: str) -> bool:
        """Post it with the buttons, as the notice of this channel; whether that worked."""
        view = NoticeView(self)
        view.stop()  # the registered one answers; discord.py would keep this one for ever
        try:
            message = await channel.send(text, view=view)
        except TROUBLE as error:
            log.warning("notice not posted", channel=place.target_id, error=str(error))
            return False
        await self._stored.remember(place, NAME, message.id)
        return True

    async def what(self, interaction: discord.Interaction) -> None:
        """Say what is kept there."""
        spot = where(interaction.guild, interaction.channel, interaction.user)
        if spot is None:
            raise Refusal(PLACE_GONE)
        rules = await self._rulebook.at(spot)
        days = counted(rules.retention_days, "days")
        if rules.store == NOTHING:
            await tell(interaction, WHAT_NOTHING.format(privacy=self._line))
            return
        text = WHAT.format(what=_WHAT[rules.store], days=days, machine=self._machine, privacy=self._line)
        await tell(interaction, text)

    async def ask(self, interaction: discord.Interaction) -> None:
        """Leaving deletes things: one more question before it."""
        if interaction.guild_id is None:
            raise Refusal(PLACE_GONE)
        view = SureView(self)
        view.stop()  # as above
        await interaction.response.send_message(SURE, view=view, ephemeral=True)

    async def leave_out(self, interaction: discord.Interaction) -> None:
        """Leave this person out of this server, and say what that deleted."""
        if interaction.guild_id is None:
            raise Refusal(PLACE_GONE)
        receipt = await self._leaving.opt_out(interaction.user.id, interaction.guild_id)
        gone = held_words(receipt.counts)
        lines = [f"Deleted:\n{gone}" if gone else "There was nothing to delete.", *receipt.kept]
        await interaction.edit_original_response(content=LEFT_OUT.format(gone="\n".join(lines)), view=None)


class NoticeView(discord.ui.View):
    """The buttons under a notice. Registered once, as a persistent view."""

    def __init__(self, notices: Notices) -> None:
        super().__init__(timeout=None)
        self._notices = notices

    @discord.ui.button(label="What is kept", custom_id="steward:kept:what")
    async def what(self, interaction: discord.Interaction, button: discord.ui.Button[NoticeView]) -> None:
        """Say what is kept there, in private."""
        await defer(interaction)
        async with explained(interaction):
            await self._notices.what(interaction)

    @discord.ui.button(label="Leave me out", custom_id="steward:kept:leave")
    async def leave(self, interaction: discord.Interaction, button: discord.ui.Button[NoticeView]) -> None:
        """Ask whether they are sure."""
        async with explained(interaction):
            await self._notices.ask(interaction)


class SureView(discord.ui.View):
    """The button under the question whether somebody is sure. Registered once, as a persistent view."""

    def __init__(self, notices: Notices) -> None:
        super().__init__(timeout=None)
        self._notices = notices

    @discord.ui.button(
        label="Yes, leave me out", style=discord.ButtonStyle.danger, custom_id="steward:kept:leave-for-sure"
    )
    async def sure(self, interaction: discord.Interaction, button: discord.ui.Button[SureView]) -> None:
        """Do it."""
        await interaction.response.defer()
        async with explained(interaction):
            await self._notices.leave_out(interaction)
