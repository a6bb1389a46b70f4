"""/mirror: whoever manages two channels has them mirrored into each other, each in its language; shown, and stopped.

Where other people read one of the channels than the other, that is said first, and done after a yes. How messages are
carried is `bot.mirrors`' business.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import discord
import structlog
from discord import app_commands

from bot.commands.answering import defer, explained, in_messages, tell, tell_parts
from bot.commands.language_names import called, suggested
from bot.commands.translate import known, refused
from bot.conversation.streaming import TROUBLE
from bot.errors import Refusal
from bot.language import N_, _
from bot.mirrors.hooks import Hooks, NoWebhook
from bot.mirrors.pairs import Pairs
from bot.mirrors.readers import read_only_one
from bot.mirrors.resting import lacks, told
from bot.mirrors.rewording import spoken_in
from llm.errors import LLMError
from llm.tasks.translate import Translation
from llm.tasks.translate_engines import CannotTranslate
from storage.mirrors import Side, StoredMirror

log = structlog.get_logger()

MOST = 25
"""Pairs of one server; each message in one of their channels is translated for each of them."""
ASKED_FOR_S = 300.0
NOT_ALLOWED = N_("Only whoever may *Manage Server*, or *Manage Channels* in both channels, mirrors them.")
UNSEEN = N_("You cannot read {channel}, so you cannot have it mirrored.")
SAME_CHANNEL = N_("A channel cannot be mirrored into itself. Choose two channels.")
SAME_LANGUAGE = N_("Choose two languages: I translate what is said in one channel for the other.")
FULL = N_("This server has {count} mirrors, the most that I keep up with. `/mirror stop` ends one.")
LACKING = N_("{detail}. Give it to my role there (*Edit Channel*, *Permissions*), then give the command again.")
AGE = N_("Only one of these channels is age-restricted, and what is said there stays there.")
SURE = N_(
    "**Not the same people read both channels.** What is said in one is then also read by those who can read only the "
    "other:\n{who}\nIs that what you want?"
)
CHANGED = N_("Who reads these channels has just changed. Please give the command again.")
YES, NO = N_("Mirror them"), N_("Leave it")
LEFT_ALONE = N_("I left everything as it was.")
BEGUN = N_(
    "{one} ({language}) and {other} ({other_language}) are mirrored now: what people write in one is posted in the "
    "other, translated, under their name. Edits and deletions follow."
)
NOTICE = N_(
    "🪞 From now on what is written here is also posted in {other}, in {language}, under its writer's name; and what "
    "is written there comes here. Edits and deletions follow. Who does not want that: `/privacy opt-out`."
)
ENDED = N_("{one} and {other} are no longer mirrored. What was posted stays; edits and deletions no longer follow.")
ENDED_NOTICE = N_("🪞 This channel and {other} are no longer mirrored.")
UNKNOWN = N_("There is no such mirror. `/mirror list` shows those that there are.")
NONE = N_("No channels are mirrored in this server. `/mirror start` begins.")
LIST = N_("**Mirrored channels**")
LINE = N_("- {one} ({language}) ↔ {other} ({other_language}), since {since}")
RESTS = N_("  rests: {why}")
WHY: Mapping[str, str] = {
    "wider": N_("other people read one of them than before; `/mirror start` looks at it again"),
    "age": N_("only one of them is age-restricted"),
    "rights": N_("I lack a permission there"),
    "webhook": N_("I could not use a webhook there"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Two channels and their languages."""

    one: discord.TextChannel
    language: str
    other: discord.TextChannel
    other_language: str


class MirrorCommands:
    """Answers /mirror. Methods raise what `explained` explains."""

    def __init__(self, *, pairs: Pairs, hooks: Hooks, translation: Translation) -> None:
        self._pairs = pairs
        self._hooks = hooks
        self._translation = translation

    async def start(self, interaction: discord.Interaction, wanted: Wanted) -> None:
        """Mirror them, or ask first."""
        guild = wanted.one.guild
        between = {wanted.one.id, wanted.other.id}
        others = [mirror for mirror in self._pairs.in_guild(guild.id) if mirror.channel_ids != between]
        if len(others) >= MOST:
            raise Refusal(FULL, count=MOST)
        await self._require_engine(wanted)
        apart = read_only_one(wanted.one, wanted.other)
        if not apart:
            await tell(interaction, await self.begin(interaction, wanted, apart))
            return
        who = "\n".join(f"- {one}" for one in told(guild, apart))
        await tell(interaction, _(SURE, who=who), SureView(self, wanted, apart))

    async def begin(self, interaction: discord.Interaction, wanted: Wanted, confirmed: Collection[str]) -> str:
        """Do it; what is answered."""
        require_allowed(interaction, wanted)
        if read_only_one(wanted.one, wanted.other) - frozenset(confirmed):  # changed since it was asked
            raise Refusal(CHANGED)
        try:
            for channel in (wanted.one, wanted.other):
                await self._hooks.of(channel)
        except NoWebhook as error:
            raise Refusal(LACKING, detail=error) from None
        sides = Side(wanted.one.id, wanted.language), Side(wanted.other.id, wanted.other_language)
        await self._pairs.put(wanted.one.guild.id, *sides, confirmed, interaction.user.id)
        await _notice(wanted.one, wanted.other, *sides)
        await _notice(wanted.other, wanted.one, *reversed(sides))
        locale = interaction.locale.value
        return _(
            BEGUN,
            one=wanted.one.mention,
            language=called(wanted.language, locale),
            other=wanted.other.mention,
            other_language=called(wanted.other_language, locale),
        )

    async def show(self, interaction: discord.Interaction) -> None:
        """All pairs of channels that this person can read."""
        lines = []
        for mirror in self._visible(interaction):
            lines.append(_line(mirror, interaction.locale.value))
            if mirror.stopped:
                lines.append(_(RESTS, why=_(WHY.get(mirror.stopped, mirror.stopped))))
        await (tell_parts(interaction, in_messages([_(LIST), *lines])) if lines else tell(interaction, _(NONE)))

    async def stop(self, interaction: discord.Interaction, pair: str) -> None:
        """End one."""
        mirror = next((one for one in self._visible(interaction) if str(one.id) == pair), None)
        if mirror is None or interaction.guild is None:
            raise Refusal(UNKNOWN)
        await self._pairs.end(mirror)
        for here, there in ((mirror.one, mirror.other), (mirror.other, mirror.one)):
            channel = interaction.guild.get_channel(here.channel_id)
            if isinstance(channel, discord.TextChannel):
                with spoken_in(here.language):
                    await _say(channel, _(ENDED_NOTICE, other=f"<#{there.channel_id}>"))
        one, other = (f"<#{side.channel_id}>" for side in (mirror.one, mirror.other))
        await tell(interaction, _(ENDED, one=one, other=other))

    def suggest(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Pairs whose channels' names go on as somebody types."""
        found = []
        for mirror in self._visible(interaction):
            name = " ↔ ".join(_name(interaction, side) for side in (mirror.one, mirror.other))
            if typed.casefold().lstrip("#") in name.casefold():
                found.append(app_commands.Choice(name=name[:100], value=str(mirror.id)))
        return found[:25]

    def _visible(self, interaction: discord.Interaction) -> list[StoredMirror]:
        """Pairs of which this person manages both channels."""
        guild, member = interaction.guild, interaction.user
        if guild is None or not isinstance(member, discord.Member):
            return []
        found = []
        for mirror in self._pairs.in_guild(guild.id):
            channels = [guild.get_channel(channel_id) for channel_id in mirror.channel_ids]
            if all(channel is None or _manages(member, channel) for channel in channels):
                found.append(mirror)
        return found

    async def _require_engine(self, wanted: Wanted) -> None:
        """Something must be there that can translate; whether it runs just now does not matter. Raises Refusal."""
        for source, target in (
            (wanted.language, wanted.other_language),
            (wanted.other_language, wanted.language),
        ):
            try:
                await self._translation.require(source, target)
            except CannotTranslate as error:
                raise refused(error) from error
            except LLMError as error:
                log.info("engine not asked before a mirror begins", error=repr(error))


class SureView(discord.ui.View):
    """Whether whoever sets it up wants the others to read it; only they see the buttons."""

    def __init__(self, mirrors: MirrorCommands, wanted: Wanted, apart: Collection[str]) -> None:
        super().__init__(timeout=ASKED_FOR_S)
        self._mirrors = mirrors
        self._wanted = wanted
        self._apart = apart
        self.yes.label, self.no.label = _(YES), _(NO)

    @discord.ui.button(style=discord.ButtonStyle.danger)
    async def yes(self, interaction: discord.Interaction, button: discord.ui.Button[SureView]) -> None:
        """Mirror them."""
        await interaction.response.defer()
        self.stop()
        async with explained(interaction):
            text = await self._mirrors.begin(interaction, self._wanted, self._apart)
            await interaction.edit_original_response(content=text, view=None)

    @discord.ui.button(style=discord.ButtonStyle.secondary)
    async def no(self, interaction: discord.Interaction, button: discord.ui.Button[SureView]) -> None:
        """Leave everything as it is."""
        await interaction.response.edit_message(content=_(LEFT_ALONE), view=None)
        self.stop()


def add_mirror(tree: app_commands.CommandTree[discord.Client], mirrors: MirrorCommands) -> None:
    """Hang /mirror on the tree."""
    group = app_commands.Group(
        name="mirror",
        description="For moderators: two channels in two languages, each mirrored into the other",
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
        default_permissions=discord.Permissions(manage_guild=True),
    )

    @group.command(name="start", description="Mirror two channels into each other, translated")
    @app_commands.describe(
        channel="The first channel",
        language="The language of the first channel",
        other="The second channel",
        other_language="The language of the second channel",
    )
    @app_commands.autocomplete(language=_suggest, other_language=_suggest)
    async def start(
        interaction: discord.Interaction,
        channel: discord.TextChannel,
        language: str,
        other: discord.TextChannel,
        other_language: str,
    ) -> None:
        async with explained(interaction):
            wanted = Wanted(
                channel, await known(interaction, language), other, await known(interaction, other_language)
            )
            require_allowed(interaction, wanted)
            require_fitting(wanted)
            await defer(interaction)
            await mirrors.start(interaction, wanted)

    @group.command(name="list", description="Which channels are mirrored here")
    async def show(interaction: discord.Interaction) -> None:
        async with explained(interaction):
            await defer(interaction)
            await mirrors.show(interaction)

    @group.command(name="stop", description="Mirror two channels no longer")
    @app_commands.describe(pair="Which ones")
    async def stop(interaction: discord.Interaction, pair: str) -> None:
        async with explained(interaction):
            await defer(interaction)
            await mirrors.stop(interaction, pair)

    @stop.autocomplete("pair")
    async def suggest(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return mirrors.suggest(interaction, typed)

    tree.add_command(group)


async def _suggest(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    return await suggested(interaction, typed)


def require_allowed(interaction: discord.Interaction, wanted: Wanted) -> None:
    """Whatever the server's own settings for commands say. Raises Refusal."""
    for channel in (wanted.one, wanted.other):
        if not isinstance(interaction.user, discord.Member) or not _manages(interaction.user, channel):
            raise Refusal(NOT_ALLOWED)
        if not channel.permissions_for(interaction.user).view_channel:
            raise Refusal(UNSEEN, channel=channel.mention)


def require_fitting(wanted: Wanted) -> None:
    """Raises Refusal where these channels cannot be a pair."""
    if wanted.one.id == wanted.other.id:
        raise Refusal(SAME_CHANNEL)
    if wanted.language == wanted.other_language:
        raise Refusal(SAME_LANGUAGE)
    if wanted.one.is_nsfw() != wanted.other.is_nsfw():
        raise Refusal(AGE)
    if detail := lacks(wanted.one, wanted.other):
        raise Refusal(LACKING, detail=detail)


def _manages(member: discord.Member, channel: discord.abc.GuildChannel) -> bool:
    return member.guild_permissions.manage_guild or channel.permissions_for(member).manage_channels


async def _notice(channel: discord.TextChannel, other: discord.TextChannel, here: Side, there: Side) -> None:
    """Tell the people of a channel what happens with their words, in its language."""
    with spoken_in(here.language):
        await _say(channel, _(NOTICE, other=other.mention, language=called(there.language, here.language)))


async def _say(channel: discord.TextChannel, text: str) -> None:
    try:
        await channel.send(text)
    except TROUBLE as error:
        log.warning("nobody could be told of a mirror", channel=channel.id, error=str(error))


def _line(mirror: StoredMirror, locale: str) -> str:
    return _(
        LINE,
        one=f"<#{mirror.one.channel_id}>",
        language=called(mirror.one.language, locale),
        other=f"<#{mirror.other.channel_id}>",
        other_language=called(mirror.other.language, locale),
        since=discord.utils.format_dt(mirror.created_at, "d"),
    )


def _name(interaction: discord.Interaction, side: Side) -> str:
    channel = interaction.guild.get_channel(side.channel_id) if interaction.guild else None
    return f"#{channel.name}" if channel else "#?"
