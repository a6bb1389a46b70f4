"""The discord.py client: which events Steward listens to, and who gets them. No logic of its own.

Every event is handed to a task that is kept, so that nothing slow ever delays the gateway's heartbeat.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection

import discord
import structlog

from bot.commands.ask import add_ask
from bot.commands.catchup import add_catchup
from bot.commands.classify import add_classify
from bot.commands.entities import add_entities
from bot.commands.find import add_find, find_button
from bot.commands.help import add_help
from bot.commands.knowledge import add_knowledge
from bot.commands.localized import CommandTranslator
from bot.commands.memory import add_memory
from bot.commands.mirror import add_mirror
from bot.commands.paged import page_button
from bot.commands.pause import Pausing, add_pause
from bot.commands.privacy import add_privacy
from bot.commands.retrying import Retries, again_button
from bot.commands.sentiment import add_sentiment
from bot.commands.settings import add_settings
from bot.commands.summarize import add_summarize
from bot.commands.sync import sync
from bot.commands.translate import add_translate
from bot.commands.tree import StewardTree
from bot.commands.typing import add_typing
from bot.commands.usage import add_usage
from bot.commands.working import stop_button
from bot.config import Settings
from bot.conversation.controls import reply_button
from bot.conversation.pace import Pace
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands
from bot.foundations import Foundations
from bot.kept_notice import NoticeView, SureView
from bot.language import hearing, read_catalogues, speaking, speech_for
from bot.membership import Welcome
from bot.mirrors.countries import language_of_flag
from bot.orphans import answer_orphan, is_orphan
from bot.parts import Parts, assemble
from bot.setup_buttons import SetupView
from bot.setup_message import deliver
from llm.client import LLMClient
from llm.tasks_client import TasksClient
from storage.database import Database
from storage.settings import Place, Scope

log = structlog.get_logger()

FAREWELL_S = 4.0
"""For the last words under answers that a shutdown ends: what manages processes kills them after ten seconds."""
ARRIVAL_S, PLAYGROUND_ARRIVAL_S = 2.0, 0.2
"""So long after the last server that arrived another is waited for; the playground has one."""
REFUSED = (
    "Thank you for the invitation, but I serve another server only, so I leave again. "
    "Whoever runs me can list this server in [bot] guilds."
)


def intents() -> discord.Intents:
    """Only what is used: each one is data that Discord sends about people."""
    wanted = discord.Intents.none()
    wanted.guilds = True  # channels, roles and threads: permissions, names, own threads
    wanted.guild_messages = True  # being mentioned and replied to; edits and deletions of what is stored
    wanted.dm_messages = True  # private conversations, where the owner allows them
    wanted.typing = True  # a question in several messages is waited for while its rest is being typed
    wanted.guild_reactions = True  # flags under messages, where moderators switched their translation on
    wanted.message_content = True  # the reply chain holds messages that do not mention Steward
    return wanted


class StewardClient(discord.Client):
    """Steward on Discord. All parts come by constructor; `pace` is how long things wait, `tasks` the task models."""

    def __init__(
        self,
        settings: Settings,
        llm: LLMClient,
        database: Database,
        in_playground: bool,
        *,
        pace: Pace | None = None,
        tasks: TasksClient | None = None,
    ) -> None:
        super().__init__(
            intents=intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            guild_ready_timeout=PLAYGROUND_ARRIVAL_S if in_playground else ARRIVAL_S,
        )
        read_catalogues()
        parsers = self._connection.parsers  # discord.py has no hook before the task of an interaction begins
        parsers["INTERACTION_CREATE"] = hearing(parsers["INTERACTION_CREATE"])
        self._errands = Errands()
        self._parts = parts = assemble(
            Foundations(
                settings, llm, database, in_playground, self._me, self._place, pace or Pace(), self._errands, tasks
            )
        )
        shared, retries = parts.shared, Retries((pace or Pace()).clock)
        self.tree = StewardTree(self, shared.membership, shared.private, shared.pauses, retries, self._errands)
        shared.leaving.also(self.tree.stop_for)
        shared.leaving.also(retries.forget)
        self._add_commands(parts)

    def _add_commands(self, parts: Parts) -> None:
        shared = parts.shared
        pausing = Pausing(shared.pauses, parts.conversation.replies, self.tree, shared.stored)
        add_ask(self.tree, parts.ask, shared.limits)
        add_summarize(self.tree, parts.summarize, shared.limits)
        add_catchup(self.tree, parts.catchup, shared.limits)
        add_translate(self.tree, parts.translate, shared.limits)
        add_entities(self.tree, parts.naming.entities, shared.limits)
        add_sentiment(self.tree, parts.naming.sentiment, shared.limits)
        add_classify(self.tree, parts.naming.classify, shared.limits)
        add_find(self.tree, parts.lookup.find)
        add_knowledge(self.tree, parts.lookup.knowledge)
        add_mirror(self.tree, parts.mirrors.commands)
        add_memory(self.tree, parts.people.memory)
        add_privacy(self.tree, parts.people.privacy)
        add_usage(self.tree, parts.people.usage)
        add_typing(self.tree, parts.people.typing)
        add_settings(self.tree, parts.desk)
        add_pause(self.tree, pausing)
        add_help(self.tree, privacy=shared.privacy, private=shared.private.sentence, rulebook=shared.rulebook)

    async def setup_hook(self) -> None:
        """After login, before the gateway: pauses, persistent buttons, and the commands where they changed."""
        await self.tree.set_translator(CommandTranslator())
        await self._parts.shared.pauses.restore(self._parts.shared.stored)
        await self._parts.conversation.newest.restore()
        await self._parts.mirrors.mirroring.begin(self.get_channel, self.fetch_channel)
        self.add_view(self._parts.posting)
        self.add_dynamic_items(reply_button(self._parts.conversation.controls), *self._parts.people.items)
        self.add_dynamic_items(find_button(self._parts.lookup.find.pressed, self.tree.press))
        self.add_view(NoticeView(self._parts.notices))
        self.add_view(SureView(self._parts.notices))
        self.add_dynamic_items(again_button(self.tree.again))
        self.add_dynamic_items(stop_button(self._parts.digests.works))
        self.add_dynamic_items(page_button(self._parts.digests.pages, self.tree.press))
        for guild_id in await self._parts.shared.membership.served():
            self.add_view(SetupView(guild_id, self._parts.setup))
        self._errands.run(self._sync_commands(), "sync commands")

    async def close(self) -> None:
        """Disconnect, and end all work that is still going on; who waits for an answer reads so."""
        await self._parts.conversation.replies.close(FAREWELL_S)
        await self._errands.close()
        await super().close()

    async def on_connect(self) -> None:
        """A connection began anew; one that is resumed after a break has missed nothing and does not come here."""
        self._parts.conversation.transcript.reconnected()

    async def on_ready(self) -> None:
        """Connected: every server that Steward is in is served, adopted or left."""
        log.info("connected to Discord", user=str(self.user), guilds=len(self.guilds))
        self._errands.run(self._parts.conversation.hearing.catch_up(), "messages missed")
        self._errands.run(self._parts.conversation.broken_off.settle(self._channel), "answers broken off")
        self._errands.run(self._parts.mirrors.mirroring.catch_up(), "mirrors caught up")
        self._errands.run(self._parts.digests.posted.look_again(), "posted answers looked at again")
        self._errands.run(self._parts.shared.membership.is_only_in([guild.id for guild in self.guilds]), "servers left")
        self._errands.run(self._parts.backfills.resume(self.get_channel), "backfills")
        for guild in sorted(self.guilds, key=lambda guild: guild.id):
            self._errands.run(self._welcome(guild), "welcome server")

    async def on_disconnect(self) -> None:
        """The gateway's socket is gone; discord.py opens another one."""
        self._parts.conversation.hearing.is_cut_off()

    async def on_resumed(self) -> None:
        """The other one goes on where that one ended."""
        self._parts.conversation.hearing.goes_on()

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Somebody added Steward to a server."""
        self._errands.run(self._welcome(guild, joined=True), "welcome server")

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server that Discord could not reach at first is there now."""
        if self.is_ready():
            self._errands.run(self._welcome(guild), "welcome server")

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Steward was removed from a server, or left it; one that Discord merely cannot reach is no news."""
        self._errands.run(self._parts.shared.membership.left(guild.id), "server left")

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel was deleted, with everything in it."""
        self._errands.run(self._parts.conversation.changes.place_deleted(channel.id), "channel deletion")
        self._errands.run(self._forget(Place(channel.guild.id, Scope.CHANNEL, channel.id)), "choices of a channel")
        self._errands.run(self._parts.mirrors.mirroring.place_deleted(channel.id), "mirrors of a channel")
        self._errands.run(self._parts.digests.posted.place_deleted(channel.id), "posted answers")

    async def on_guild_channel_update(self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel) -> None:
        """A channel was changed, and perhaps who reads there."""
        self._errands.run(self._parts.mirrors.mirroring.looked_at_again(after.guild, after.id), "mirrors of a channel")

    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """A role was changed, and perhaps what it lets people read."""
        if before.permissions != after.permissions:
            self._errands.run(self._parts.mirrors.mirroring.looked_at_again(after.guild), "mirrors of a server")

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """A role was deleted, and what was chosen for it means nothing any more."""
        self._errands.run(self._forget(Place(role.guild.id, Scope.ROLE, role.id)), "choices of a role")

    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread was deleted, with everything in it."""
        self._errands.run(self._parts.conversation.changes.place_deleted(payload.thread_id), "thread deletion")
        self._errands.run(self._parts.digests.posted.place_deleted(payload.thread_id), "posted answers")

    async def on_message(self, message: discord.Message) -> None:
        """Somebody said something somewhere; what is said to it there is for everybody."""
        place = message.guild.preferred_locale if message.guild else None
        with speaking(speech_for(place, place)):
            self._parts.conversation.hearing.hears(message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message was edited, perhaps one that is stored."""
        self._errands.run(self._parts.conversation.changes.edited(payload.message), "edit")
        self._parts.mirrors.mirroring.edited(payload.message)
        if payload.message.edited_at is not None:  # else it has a link preview now
            self._errands.run(self._parts.digests.posted.edited(payload.message), "posted answers")
            self._parts.digests.pages.changed([payload.message_id])

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message was deleted, perhaps one that is stored."""
        self._errands.run(self._parts.conversation.changes.deleted([payload.message_id]), "deletion")
        self._parts.mirrors.mirroring.deleted(payload.channel_id, [payload.message_id])
        self._gone([payload.message_id])

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages were deleted at once."""
        self._errands.run(self._parts.conversation.changes.deleted(payload.message_ids), "deletions")
        self._parts.mirrors.mirroring.deleted(payload.channel_id, payload.message_ids)
        self._gone(payload.message_ids)

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody reacted to a message, perhaps with a flag."""
        language = language_of_flag(payload.emoji.name) if payload.emoji.is_unicode_emoji() else None
        if language is not None:
            channel = self.get_channel(payload.channel_id)
            self._errands.run(self._parts.mirrors.flags.reacted(channel, payload, language), "flag")

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Somebody gave a command or used a control: those whose view is gone answer nobody."""
        if is_orphan(interaction, self._connection._view_store):
            self._errands.run(answer_orphan(interaction), "control without a view")

    async def on_raw_typing(self, payload: discord.RawTypingEvent) -> None:
        """Somebody is typing: perhaps the rest of a question."""
        self._parts.conversation.reception.typing(payload.channel_id, payload.user_id)

    def _gone(self, message_ids: Collection[int]) -> None:
        """What was said of these messages goes with them."""
        self._errands.run(self._parts.digests.posted.deleted(message_ids), "posted answers")
        self._parts.digests.pages.changed(message_ids)

    async def _forget(self, place: Place) -> None:
        await self._parts.shared.stored.forget_place(place)

    async def _sync_commands(self) -> None:
        await sync(self.tree)

    async def _welcome(self, guild: discord.Guild, *, joined: bool = False) -> None:
        welcome = await self._parts.shared.membership.welcome(guild.id, guild.name)
        if welcome is Welcome.REFUSED:
            await self._leave(guild)
        elif welcome is Welcome.ADOPTED or joined:
            log.info("server welcomed", guild=guild.id, how=welcome.value)
            view = SetupView(guild.id, self._parts.setup)
            self.add_view(view)
            await deliver(guild, self._parts.shared.privacy, view)

    async def _leave(self, guild: discord.Guild) -> None:
        """Say why in the first channel that takes it, then go."""
        log.warning("server refused", guild=guild.id)
        channels = [guild.system_channel] if guild.system_channel else []
        for channel in [*channels, *guild.text_channels]:
            if channel.permissions_for(guild.me).send_messages and channel.permissions_for(guild.me).view_channel:
                with contextlib.suppress(*TROUBLE):
                    await channel.send(REFUSED)
                    break
        await guild.leave()

    async def _channel(self, channel_id: int) -> discord.abc.MessageableChannel | None:
        """A channel that messages are read from; private ones and old threads are known to Discord only."""
        channel = self.get_channel(channel_id) or await self.fetch_channel(channel_id)
        return channel if isinstance(channel, discord.abc.Messageable) else None

    def _place(self, channel_id: int, guild_id: int | None) -> discord.PartialMessageable:
        return self.get_partial_messageable(channel_id, guild_id=guild_id)

    def _me(self) -> discord.ClientUser:
        if self.user is None:
            raise RuntimeError("Discord's events come after the login")
        return self.user
