"""The discord.py client: which events Steward listens to, and who gets them. No logic of its own.

Every event is handed to a task that is kept, so that nothing slow ever delays the gateway's heartbeat.
"""

from __future__ import annotations

import contextlib

import discord
import structlog

from bot.commands.ask import Ask, add_ask
from bot.commands.help import add_help, privacy_line
from bot.commands.post import Posting
from bot.commands.summarize import Summarize, add_summarize
from bot.commands.sync import sync
from bot.commands.tree import StewardTree
from bot.config import Settings
from bot.conversation.intake import Intake
from bot.conversation.prompting import Prompts
from bot.conversation.reception import Reception
from bot.conversation.streaming import TROUBLE
from bot.conversation.transcript import Transcript
from bot.conversation.turn import PATIENCE_S, Turns
from bot.errands import Errands
from bot.limits import PersonalLimits
from bot.membership import Membership, Welcome
from bot.permissions import PrivatePolicy
from bot.setup_buttons import SetupAnswers, SetupView
from bot.setup_check import SetupCheck
from bot.setup_message import deliver
from llm.client import LLMClient
from llm.types import Sampling
from storage.history import History
from storage.settings import GuildSettings

log = structlog.get_logger()

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
    wanted.message_content = True  # the reply chain holds messages that do not mention Steward
    return wanted


class StewardClient(discord.Client):
    """Steward on Discord. All parts come by constructor; `patience_s` is how long a question waits for the engine."""

    def __init__(
        self,
        settings: Settings,
        llm: LLMClient,
        history: History,
        guild_settings: GuildSettings,
        in_playground: bool,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        super().__init__(
            intents=intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
        )
        bot = settings.bot
        people = tuple(bot.direct_messages) if isinstance(bot.direct_messages, list) else bot.direct_messages
        private = PrivatePolicy(people, in_playground)
        sampling = Sampling(settings.llm.max_tokens, settings.llm.temperature, settings.llm.top_p)
        limits = PersonalLimits(bot.requests_per_minute)
        prompts = Prompts(llm, sampling)
        self._privacy = privacy_line(settings.llm.base_url)
        self._errands = Errands()
        self._membership = Membership(bot.guilds, guild_settings, adopt_all=in_playground)
        self._intake = Intake(history, self._my_id)
        transcript = Transcript(history, self._intake, self._my_id, bot.history_messages)
        turns = Turns(
            llm=llm,
            history=history,
            intake=self._intake,
            transcript=transcript,
            prompts=prompts,
            me=self._me,
            patience_s=patience_s,
        )
        self._reception = Reception(
            membership=self._membership,
            private=private,
            limits=limits,
            turns=turns,
            intake=self._intake,
            transcript=transcript,
            my_id=self._my_id,
            allowed_bots=bot.allowed_bots,
            store_all=in_playground,
        )
        self.tree = StewardTree(self, self._membership, private)
        add_ask(self.tree, Ask(llm=llm, prompts=prompts, history=history, me=self._me), limits)
        add_summarize(self.tree, Summarize(llm=llm, me=self._me, items=settings.tasks.summary_items), limits)
        add_help(self.tree, privacy=self._privacy, private=private.sentence)
        self._posting = Posting(history, self._me)
        self._setup = SetupAnswers(
            llm=llm,
            check=SetupCheck(llm, history),
            limits=limits,
            per_minute=bot.requests_per_minute,
            private=private.sentence,
            servers="those in [bot] guilds." if bot.guilds else "this one only; [bot] guilds can list others.",
        )

    async def setup_hook(self) -> None:
        """After login, before the gateway: persistent buttons, and the commands where they changed."""
        self.add_view(self._posting)
        for guild_id in await self._membership.served():
            self.add_view(SetupView(guild_id, self._setup))
        self._errands.run(self._sync_commands(), "sync commands")

    async def close(self) -> None:
        """Disconnect, and end all work that is still going on."""
        await self._errands.close()
        await super().close()

    async def on_ready(self) -> None:
        """Connected: every server that Steward is in is served, adopted or left."""
        log.info("connected to Discord", user=str(self.user), guilds=len(self.guilds))
        for guild in sorted(self.guilds, key=lambda guild: guild.id):
            self._errands.run(self._welcome(guild), "welcome server")

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Somebody added Steward to a server."""
        self._errands.run(self._welcome(guild, joined=True), "welcome server")

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server that Discord could not reach at first is there now."""
        if self.is_ready():
            self._errands.run(self._welcome(guild), "welcome server")

    async def on_message(self, message: discord.Message) -> None:
        """Somebody said something somewhere."""
        self._errands.run(self._reception.receive(message), "message")

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """A message was edited, perhaps one that is stored."""
        self._errands.run(self._intake.edit(payload.message), "edit")

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """A message was deleted, perhaps one that is stored."""
        self._errands.run(self._intake.delete([payload.message_id]), "deletion")

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Many messages were deleted at once."""
        self._errands.run(self._intake.delete(payload.message_ids), "deletions")

    async def _sync_commands(self) -> None:
        await sync(self.tree)

    async def _welcome(self, guild: discord.Guild, *, joined: bool = False) -> None:
        welcome = await self._membership.welcome(guild.id, guild.name)
        if welcome is Welcome.REFUSED:
            await self._leave(guild)
        elif welcome is Welcome.ADOPTED or joined:
            log.info("server welcomed", guild=guild.id, how=welcome.value)
            view = SetupView(guild.id, self._setup)
            self.add_view(view)
            await deliver(guild, self._privacy, view)

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

    def _me(self) -> discord.ClientUser:
        if self.user is None:
            raise RuntimeError("Discord's events come after the login")
        return self.user

    def _my_id(self) -> int:
        return self._me().id
