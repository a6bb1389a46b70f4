"""The buttons of the set-up message: *Try it*, *Who may use it*, *Check my set-up*. They work after a restart.

They answer in private. Who may press them is whoever sees the message, and that is staff (`setup_message`).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import discord

from bot.commands.answering import defer, explained, tell
from bot.conversation.context import system_prompt
from bot.conversation.rendering import render, small
from bot.errors import Refusal
from bot.limits import PersonalLimits
from bot.metering import Metering, Payer, used_by
from bot.setup_check import SetupCheck
from llm.client import LLMClient
from llm.types import ChatMessage, Sampling

GREETING = "Hello! Who are you, and what can you do?"
TRIED = """You asked: *{question}*
{answer}
{seconds}
Now in a channel: write {mention} and a question, then reply to my answer to go on."""
LONGEST_TRIAL = 1500
TRIAL_TOKENS = 160

WHO = """**Who may use it**
- Everybody who may write in a channel that I can see, up to {per_minute} times a minute each. Take *View Channel* \
from me where I have no business.
- Commands: Server Settings → Integrations → Steward says who may use them, and where.
- Private messages: {private}
- Servers: {servers}"""

Press = Callable[[discord.Interaction, discord.Guild], Awaitable[None]]


class SetupAnswers:
    """What the buttons do."""

    def __init__(
        self,
        *,
        llm: LLMClient,
        check: SetupCheck,
        limits: PersonalLimits,
        metering: Metering,
        per_minute: int,
        private: str,
        servers: str,
    ) -> None:
        self._llm = llm
        self._metering = metering
        self._check = check
        self._limits = limits
        self._who = WHO.format(per_minute=per_minute, private=private, servers=servers)

    async def try_it(self, interaction: discord.Interaction, guild: discord.Guild) -> None:
        """Ask the model a first question, and show its answer and how long it took."""
        begun = time.monotonic()
        messages = [
            ChatMessage("system", system_prompt(guild.name)),
            ChatMessage("user", GREETING, interaction.user.display_name),
        ]
        with self._limits.request(interaction.user.id):
            reply = await self._llm.chat(messages, Sampling(max_tokens=TRIAL_TOKENS))
        await self._metering.count(Payer.of(interaction.user, guild), used_by(reply.usage))
        parts = render(reply.text.strip(), limit=LONGEST_TRIAL)
        answer = parts[0].shown if parts else "(The model said nothing.)"
        seconds = small(f"answered in {time.monotonic() - begun:.1f} s")
        await tell(
            interaction,
            TRIED.format(question=GREETING, answer=answer, seconds=seconds, mention=guild.me.mention),
        )

    async def who(self, interaction: discord.Interaction, guild: discord.Guild) -> None:
        """Say who may use Steward, and where that is changed."""
        await tell(interaction, self._who)

    async def check(self, interaction: discord.Interaction, guild: discord.Guild) -> None:
        """Look at everything that must be right."""
        parts = render(await self._check.report(guild, interaction.client.application))
        await tell(interaction, parts[0].shown)


class SetupView(discord.ui.View):
    """The buttons for one server; `discord.Client.add_view` makes them work after a restart."""

    def __init__(self, guild_id: int, answers: SetupAnswers) -> None:
        super().__init__(timeout=None)
        self.add_item(_SetupButton("Try it", "try", guild_id, answers.try_it, discord.ButtonStyle.primary))
        self.add_item(_SetupButton("Who may use it", "who", guild_id, answers.who))
        self.add_item(_SetupButton("Check my set-up", "check", guild_id, answers.check))


class _SetupButton(discord.ui.Button[SetupView]):
    """A button that carries its server's id, since in private there is no server to ask."""

    def __init__(
        self,
        label: str,
        name: str,
        guild_id: int,
        press: Press,
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    ) -> None:
        super().__init__(label=label, style=style, custom_id=f"steward:setup:{name}:{guild_id}")
        self._guild_id = guild_id
        self._press = press

    async def callback(self, interaction: discord.Interaction) -> None:
        await defer(interaction)
        async with explained(interaction):
            guild = interaction.client.get_guild(self._guild_id)
            if guild is None:
                raise Refusal("I am no longer in that server.")
            await self._press(interaction, guild)
