"""/ask: one question, one private answer, which the asker may post. Knows prompts and history, not the gateway.

What is said in private is stored where no conversation and no channel is ever looked up (`post.private_row`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import discord
import structlog
from discord import app_commands

from bot.commands.answering import defer, explained, tell, tell_parts
from bot.commands.post import post_button, private_id, private_row
from bot.conversation.answer import CUT_OFF, NO_ANSWER, NOTHING_ASKED, ONLY_THOUGHT
from bot.conversation.context import Exchange, Row, exchanges
from bot.conversation.naming import names_in
from bot.conversation.own_text import INSTEAD, OwnText, WordList
from bot.conversation.patience import PATIENCE_S, Patience
from bot.conversation.prompting import Prompts
from bot.conversation.recalling import Recalling
from bot.conversation.rendering import Part, render, small
from bot.gate import Gate
from bot.language import _
from bot.limits import PersonalLimits
from bot.metering import Metering, Payer, used_by
from bot.settings.rules import Rules
from llm.client import LLMClient
from llm.errors import LLMError
from llm.types import ChatReply
from storage.choices import Choices, Consent
from storage.errors import StorageError
from storage.history import History, StoredPerson, StoredReply

log = structlog.get_logger()

LONGEST_QUESTION = 2000


class Ask:
    """Answers /ask."""

    def __init__(
        self,
        *,
        llm: LLMClient,
        prompts: Prompts,
        history: History,
        choices: Choices,
        recalling: Recalling,
        me: Callable[[], discord.ClientUser],
        words: WordList,
        gate: Gate,
        metering: Metering,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._llm = llm
        self._prompts = prompts
        self._history = history
        self._choices = choices
        self._recalling = recalling
        self._me = me
        self._words = words
        self._gate = gate
        self._metering = metering
        self._patience_s = patience_s

    async def answer(self, interaction: discord.Interaction, question: str) -> None:
        """Answer in private. Raises what `explained` explains."""
        begun = time.monotonic()
        me = self._me()
        row = Row(interaction.id, interaction.user.display_name, mine=False, content=question)
        beside = {row.id: await self._recalled(interaction, question)}
        pieces = exchanges([row], names_in(interaction.guild, me, {}), beside)
        if not pieces:
            await tell(interaction, NOTHING_ASKED)
            return
        rules = await self._gate.for_interaction(interaction)
        reply = await self._patient_reply(interaction, pieces, rules)
        await self._metering.count(
            Payer.of(interaction.user, interaction.guild, interaction.channel), used_by(reply.usage)
        )
        text = reply.text.strip()
        if rules.filter_own_text and OwnText(self._words).checked(text, is_whole=True).is_hit:
            await tell(interaction, _(INSTEAD))
            return
        if not render(text):
            await tell(interaction, ONLY_THOUGHT if reply.reasoning and reply.finish_reason == "length" else NO_ANSWER)
            return
        parts = render(text, small(CUT_OFF) if reply.finish_reason == "length" else "")
        told = await tell_parts(interaction, parts, post_button())
        try:
            await self._store(
                interaction, question, list(zip(told, parts, strict=True)), reply, time.monotonic() - begun
            )
        except StorageError as error:  # the answer stands; it only cannot be continued
            log.error("answer not stored", interaction=interaction.id, error=str(error))

    async def _recalled(self, interaction: discord.Interaction, question: str) -> list[str]:
        """What the asker wants kept in mind, if they ever said so here: the answer is theirs alone."""
        if not await self._choices.has(interaction.user.id, interaction.guild_id, Consent.MEMORY):
            return []
        return await self._recalling.in_private(interaction.user.id, interaction.guild_id, question)

    async def _patient_reply(self, interaction: discord.Interaction, pieces: list[Exchange], rules: Rules) -> ChatReply:
        """The model's reply; an engine that loads or is being restarted is waited for."""
        patience = Patience(self._patience_s)
        while True:
            try:
                return await self._reply(interaction, pieces, rules)
            except LLMError as error:
                if not patience.bears(error):
                    raise
            await patience.pause()

    async def _reply(self, interaction: discord.Interaction, pieces: list[Exchange], rules: Rules) -> ChatReply:
        guild_name = interaction.guild.name if interaction.guild else None
        prompt = await self._prompts.make(guild_name, pieces, rules=rules)
        user = f"{interaction.guild_id or 0}/{interaction.user.id}"
        messages, sampling = prompt.context.messages, prompt.sampling
        return await self._llm.chat(messages, sampling, priority="command", user=user, model=rules.model)

    async def _store(
        self,
        interaction: discord.Interaction,
        question: str,
        told: list[tuple[discord.Message, Part]],
        reply: ChatReply,
        duration_s: float,
    ) -> None:
        """The question under the interaction's id, which no message has, and the private answer as its reply.

        Of somebody who opted out, and where nothing is kept, nothing is stored: then *Post here* posts what stands
        above it.
        """
        if not await self._gate.rulebook.keeps(interaction.guild, interaction.channel):
            return
        if await self._choices.has(interaction.user.id, interaction.guild_id, Consent.OPT_OUT):
            return
        asker = interaction.user
        rows = [private_row(interaction, interaction.id, StoredPerson(asker.id, asker.display_name), question, None)]
        for message, part in told:
            me = StoredPerson(self._me().id, self._me().display_name, is_bot=True)
            rows.append(private_row(interaction, message.id, me, part.raw, rows[-1].id))
        await self._history.record(rows)
        if isinstance(interaction.channel, discord.Thread):  # what holds for its channel holds for it
            thread, parent = interaction.channel, private_id(interaction.channel.parent_id)
            await self._history.record_channel(private_id(thread.id), thread.guild.id, "", thread.type.name, parent)
        usage = reply.usage
        await self._history.record_reply(
            StoredReply(
                message_id=rows[1].id,
                prompt_message_id=None,
                model=(await self._llm.model()).id,
                prompt_tokens=usage.prompt_tokens if usage else None,
                completion_tokens=usage.completion_tokens if usage else None,
                first_token_s=None,
                duration_s=duration_s,
                finish_reason=reply.finish_reason,
            )
        )


def add_ask(tree: app_commands.CommandTree[discord.Client], ask: Ask, limits: PersonalLimits) -> None:
    """Hang /ask on the tree."""

    @tree.command(name="ask", description="Ask me something; only you see the answer, until you post it")
    @app_commands.describe(question="What you want to know")
    async def ask_command(
        interaction: discord.Interaction, question: app_commands.Range[str, 1, LONGEST_QUESTION]
    ) -> None:
        await defer(interaction)
        async with explained(interaction):
            with limits.request(interaction.user.id):
                await ask.answer(interaction, question)
