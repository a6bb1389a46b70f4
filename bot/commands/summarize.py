"""/summarize: what the last messages of a channel were about, in private, each point with a link to its message.

Nothing of it is stored. How a summary is made is `llm.tasks.summarize`'s business.
"""

from __future__ import annotations

from collections.abc import Callable

import discord
from discord import app_commands

from bot.commands.answering import defer, explained, tell, tell_parts
from bot.conversation.intake import ORDINARY
from bot.conversation.markup import readable
from bot.conversation.naming import names_in
from bot.conversation.rendering import DISCORD_LIMIT, Part, length, neutralize, small
from bot.errors import Refusal
from bot.gate import Gate
from bot.limits import PersonalLimits
from bot.metering import Metering, Payer, used_by
from llm.client import LLMClient
from llm.tasks.summarize import SourceMessage, Summary, summarize
from llm.tasks.summary import Fallback
from storage.choices import Choices

FEWEST, DEFAULT, MOST = 2, 50, 500
_LONGEST_ITEM = 400

_WHY_EXTRACT: dict[Fallback, str] = {
    "built-in model": "the small built-in model cannot write summaries, so these are members' own words",
    "engine failed": "the language model is not available right now, so these are members' own words",
    "no room": "the model's context is too small for a summary, so these are members' own words",
    "no citations": "the model did not say where its points come from, so these are members' own words",
}

ReadableChannel = discord.TextChannel | discord.Thread | discord.VoiceChannel | discord.StageChannel


class Summarize:
    """Answers /summarize."""

    def __init__(
        self,
        *,
        llm: LLMClient,
        choices: Choices,
        me: Callable[[], discord.ClientUser],
        items: int,
        metering: Metering,
    ) -> None:
        self._llm = llm
        self._choices = choices
        self._me = me
        self._items = items
        self._metering = metering

    async def answer(self, interaction: discord.Interaction, count: int) -> None:
        """Answer in private. Raises what `explained` explains."""
        channel = _readable_channel(interaction)
        found = [message async for message in channel.history(limit=count)]
        left_out = await self._choices.left_out({message.author.id for message in found}, interaction.guild_id)
        read = [message for message in reversed(found) if message.author.id not in left_out]
        sources = [source for message in read if (source := self._source(message)).text]
        if not sources:
            await tell(interaction, f"There is nothing to summarize: {_none_of(len(found))}.")
            return
        user = f"{interaction.guild_id}/{interaction.user.id}"
        summary = await summarize(self._llm, sources, count=self._items, user=user)
        await self._metering.count(Payer.of(interaction.user, interaction.guild, channel), used_by(summary.usage))
        if not summary.items:
            await tell(interaction, "There is nothing to summarize: the last messages are too short to tell anything.")
            return
        await tell_parts(interaction, _parts(summary, len(found), channel, is_partial=bool(left_out)))

    def _source(self, message: discord.Message) -> SourceMessage:
        """The message as words; without any where a bot or Discord itself wrote it."""
        by_person = message.type in ORDINARY and not message.author.bot and message.webhook_id is None
        people = {person.id: person.display_name for person in message.mentions}
        text = readable(message.content, names_in(message.guild, self._me(), people)) if by_person else ""
        return SourceMessage(message.id, message.author.display_name, text, message.created_at)


def add_summarize(
    tree: app_commands.CommandTree[discord.Client], summarizer: Summarize, limits: PersonalLimits, gate: Gate
) -> None:
    """Hang /summarize on the tree."""

    @tree.command(name="summarize", description="What the last messages here were about; only you see it")
    @app_commands.describe(count=f"How many messages to read, {FEWEST} to {MOST}")
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def summarize_command(
        interaction: discord.Interaction, count: app_commands.Range[int, FEWEST, MOST] = DEFAULT
    ) -> None:
        await defer(interaction)
        async with explained(interaction):
            with limits.request(interaction.user.id):
                await gate.for_interaction(interaction)
                await summarizer.answer(interaction, count)


def _readable_channel(interaction: discord.Interaction) -> ReadableChannel:
    """The channel, when both the asker and Steward may read what was said in it."""
    channel = interaction.channel
    if not isinstance(channel, ReadableChannel):
        raise Refusal("I can only summarize text channels and threads.")
    if not _may_read(interaction.permissions):
        raise Refusal("You may not read this channel's history, so I do not read it for you.")
    if not _may_read(interaction.app_permissions):
        raise Refusal("I may not read this channel's history: I need *View Channel* and *Read Message History* here.")
    return channel


def _may_read(granted: discord.Permissions) -> bool:
    return granted.view_channel and granted.read_message_history


def _none_of(count: int) -> str:
    return "this channel is empty" if not count else f"none of the last {count} messages has text by a person"


def _parts(summary: Summary, found: int, channel: ReadableChannel, *, is_partial: bool) -> list[Part]:
    """The summary in messages of at most 2,000 characters, cut between its points."""
    lines = [_headline(summary), *(_line(summary, index, channel) for index in range(len(summary.items)))]
    lines.append(small(_remark(summary, found, is_partial=is_partial)))
    messages = [lines[0]]
    for line in lines[1:]:
        joined = f"{messages[-1]}\n{line}"
        if length(joined) <= DISCORD_LIMIT:
            messages[-1] = joined
        else:
            messages.append(line)
    return [Part("", message) for message in messages]


def _headline(summary: Summary) -> str:
    return "**The most telling messages**" if summary.method == "extract" else "**What was said**"


def _line(summary: Summary, index: int, channel: ReadableChannel) -> str:
    item = summary.items[index]
    text = " ".join(neutralize(item.text).split())
    short = text if len(text) <= _LONGEST_ITEM else text[: _LONGEST_ITEM - 1] + "…"
    who = f"**{discord.utils.escape_markdown(item.author)}**: " if summary.method == "extract" else ""
    return f"- {who}{short} [↗]({channel.get_partial_message(item.message_id).jump_url})"


def _remark(summary: Summary, found: int, *, is_partial: bool) -> str:
    """`is_partial`: some of the people who wrote do not want to be read."""
    remark = f"read {summary.read} of the last {found} messages"
    if summary.total < found:
        without = "bots, people who opted out" if is_partial else "bots"
        remark += f"; {without} and messages without text are left out"
    return f"{remark} · {_WHY_EXTRACT[summary.fallback]}" if summary.fallback else remark
