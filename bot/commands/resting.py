"""An answer that rests on messages: it is shown, posted and sent only as far as these are there still.

It does not know what the answer says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import discord

from bot.audience import reaches_no_further
from bot.commands.digest import OLDER, left_out
from bot.commands.digesting import Digesting
from bot.commands.fetching import Read
from bot.commands.paged import Again, Told, lines_of
from bot.commands.ranges import Range
from bot.commands.summarize import NOT_HERE, tell_instead
from bot.commands.working import Work
from bot.conversation.own_text import INSTEAD
from bot.errors import Refusal
from bot.language import N_, _
from bot.metering import Payer, used_by
from bot.settings.rules import Rules
from llm.types import Usage

READING = N_("Reading: {count} messages so far …")
NOTHING_TO_READ = N_("There is nothing for me to read: no message in that range has text by a person whom I may read.")
NOT_THAT_ONE = N_(
    "I cannot read that message: it has no text, a bot wrote it, or its author asked me not to read their messages."
)

Left = Callable[[Collection[int]], Awaitable[Told]]
"""The answer, made from those of the messages that are there; without lines where nothing is left of it."""


def resting_on(
    tools: Digesting, wanted: Range, read: Read, message_ids: Collection[int], left: Left, gone: str
) -> Again:
    """The answer anew each time, from those of the messages that say what they said when they were read: with `gone`,
    a Refusal, where nothing is left, and none where not everybody may read the messages that it rests on."""

    written_at = {number: read.written_at[number] for number in message_ids}  # no text of what was read stays

    async def again(interaction: discord.Interaction, is_public: bool) -> Told:
        if is_public and not reaches_no_further(wanted.channel, interaction.channel):
            raise Refusal(NOT_HERE, channel=wanted.channel.mention)
        told = await left(await tools.fetching.still_true(wanted.channel, written_at, written_at))
        if not lines_of(told):
            raise Refusal(gone)
        return told

    return again


async def give(tools: Digesting, work: Work, rules: Rules, again: Again, *, may_post: bool = True) -> None:
    """Show the answer as it is true now. Raises what `again` raises."""
    told = await again(work.interaction, False)
    if rules.filter_own_text and tools.words.is_in("\n".join(lines_of(told))):
        await tell_instead(work, _(INSTEAD))
        return
    await tools.pages.give(work, told, again, may_post=may_post)


async def count(tools: Digesting, work: Work, usage: Usage | None) -> None:
    """One request of whoever gave the command."""
    interaction = work.interaction
    payer = Payer.of(interaction.user, interaction.guild, interaction.channel)
    await tools.metering.count(payer, used_by(usage))


def asker(work: Work) -> str:
    """Whose request it is, for the engine's queue."""
    return f"{work.interaction.guild_id}/{work.interaction.user.id}"


def coverage(read: Read, wanted: Range) -> Callable[[], str]:
    """Says how much of the range was read, and what of it was not; it keeps figures only."""
    count, found, is_partial, is_cut = len(read.sources), read.found, read.is_partial, read.is_cut

    def said() -> str:
        told = [wanted.said(count, found)]
        if count < found:
            told.append(left_out(is_partial))
        if is_cut:
            told.append(_(OLDER))
        return " · ".join(told)

    return said
