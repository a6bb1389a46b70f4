"""/summarize, and *Summarize from here*: what was said in a range of messages, in private, with links to them.

How a summary is made is `llm.tasks.summarize`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

import discord
from discord import app_commands

from bot.audience import reaches_no_further
from bot.commands.answering import explained, tell
from bot.commands.digest import NOTHING_LEFT, cited, lines_of, remark_on, without
from bot.commands.digesting import Digesting
from bot.commands.fetching import Read
from bot.commands.kept_notes import KeptNotes
from bot.commands.paged import Again
from bot.commands.ranges import MOST, Asked, Range, beginning_with, chosen
from bot.commands.working import Work
from bot.conversation.own_text import INSTEAD
from bot.errors import Refusal
from bot.language import N_, _, _n, number
from bot.limits import PersonalLimits
from bot.metering import Payer, used_by
from llm.tasks.summary import Length, Style, Summary, Wish

FEWEST, DEFAULT = 2, 50
TOO_SHORT = N_("There is nothing to summarize: these messages are too short to tell anything.")
NO_MESSAGE = N_("There is nothing to summarize: there is no message in that range.")
UNKNOWN_WISH = N_("I do not know that style, length or language. Choose one from the list.")
NOT_HERE = N_(
    "Not everybody in this channel may read {channel}, so I do not post this here. *Send me by DM* works, or ask there."
)
LANGUAGES = (
    "Arabic",
    "Chinese",
    "Czech",
    "Danish",
    "Dutch",
    "English",
    "Finnish",
    "French",
    "German",
    "Greek",
    "Hebrew",
    "Hindi",
    "Indonesian",
    "Italian",
    "Japanese",
    "Korean",
    "Norwegian",
    "Polish",
    "Portuguese",
    "Romanian",
    "Russian",
    "Spanish",
    "Swedish",
    "Turkish",
    "Ukrainian",
)
"""As many as Discord lets somebody choose from."""
STYLES: tuple[tuple[str, Style], ...] = (
    ("Brief", "brief"),
    ("Bullets", "bullets"),
    ("Decisions and action items", "decisions"),
    ("Open questions", "questions"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a summary was made of, to show it again; `written_at`: of when the texts are that it rests on."""

    summary: Summary
    wanted: Range
    wish: Wish
    places: dict[int, int]
    written_at: dict[int, datetime]
    guild_id: int
    remark: Callable[[], str]

    def lines(self, summary: Summary) -> list[str]:
        """The answer, in the language of whoever reads it now."""
        return lines_of(summary, self.wish.style, self.places, self.guild_id, self.remark())


class Summarize:
    """Answers /summarize."""

    def __init__(self, tools: Digesting) -> None:
        self.tools = tools

    async def answer(self, work: Work, wanted: Range, wish: Wish) -> None:
        """Answer in private. Raises what `explained` explains."""
        interaction = work.interaction
        rules = await self.tools.gate.for_interaction(interaction)
        read = await self.tools.fetching.read(wanted, lambda count: work.say(reading(count)))
        if not read.sources:
            await tell_instead(work, _none_of(read.found))
            return
        summary = await self.tools.summarizer.summarize(
            read.sources,
            wish,
            user=f"{interaction.guild_id}/{interaction.user.id}",
            store=KeptNotes(self.tools.notes, read.written_at),
            progress=lambda done, total: work.say(progress_words(len(read.sources), done, total)),
        )
        payer = Payer.of(interaction.user, interaction.guild, interaction.channel)
        await self.tools.metering.count(payer, used_by(summary.cost.usage))
        shown = self._shown(summary, wanted, wish, read)
        summary = await self._checked(shown, summary)
        if not summary.items:
            await tell_instead(work, _(NOTHING_LEFT if shown.summary.items else TOO_SHORT))
            return
        lines = shown.lines(summary)
        if rules.filter_own_text and self.tools.words.is_in("\n".join(lines)):
            await tell_instead(work, _(INSTEAD))
            return
        await self.tools.pages.give(work, lines, self._again(shown))

    def _again(self, shown: Shown) -> Again:
        async def again(interaction: discord.Interaction, is_public: bool) -> list[str]:
            source = shown.wanted.channel
            if is_public and not reaches_no_further(source, interaction.channel):
                raise Refusal(NOT_HERE, channel=source.mention)
            left = await self._checked(shown, shown.summary)
            if not left.items:
                raise Refusal(NOTHING_LEFT)
            return shown.lines(left)

        return again

    async def _checked(self, shown: Shown, summary: Summary) -> Summary:
        """The summary without what rests on messages that were deleted, changed or withdrawn meanwhile."""
        if not summary.items:
            return summary
        channel = shown.wanted.channel
        return without(summary, await self.tools.fetching.still_true(channel, shown.places, shown.written_at))

    @staticmethod
    def _shown(summary: Summary, wanted: Range, wish: Wish, read: Read) -> Shown:
        is_plain = wish.style == "bullets" and not wish.language
        found, is_partial, is_cut = read.found, read.is_partial, read.is_cut  # not the texts: this is kept for a while

        def remark() -> str:
            said = wanted.said(summary.read, found)
            return remark_on(summary, said, found, is_partial=is_partial, is_plain=is_plain, is_cut=is_cut)

        places = cited(summary, read.sources)
        written_at = {number: read.written_at[number] for number in places}
        return Shown(summary, wanted, wish, places, written_at, wanted.channel.guild.id, remark)


def add_summarize(
    tree: app_commands.CommandTree[discord.Client], summarizer: Summarize, limits: PersonalLimits
) -> None:
    """Hang /summarize and its context menu on the tree."""

    async def answer(interaction: discord.Interaction, wanted: Range, wish: Wish) -> None:
        with limits.request(interaction.user.id):
            async with summarizer.tools.works.work(interaction) as work, explained(interaction), work.settled():
                await summarizer.answer(work, wanted, wish)

    @tree.command(name="summarize", description="What was said here, with links to the messages; only you see it")
    @app_commands.describe(
        count=f"The last so many messages, {FEWEST} to {MOST:,}",
        window="The last minutes, hours or days, such as 90m, 6h, 2d",
        first="From this message on: its link or id",
        last="Up to this message: its link or id",
        thread="A thread, as a whole or within the range",
        style="How it is written",
        length="How long it is",
        language="In which language; without it, in that of the messages",
    )
    @app_commands.choices(
        style=[app_commands.Choice(name=name, value=value) for name, value in STYLES],
        length=[app_commands.Choice(name=value.title(), value=value) for value in get_args(Length)],
        language=[app_commands.Choice(name=name, value=name) for name in LANGUAGES],
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def summarize_command(
        interaction: discord.Interaction,
        count: app_commands.Range[int, FEWEST, MOST] | None = None,
        window: str | None = None,
        first: str | None = None,
        last: str | None = None,
        thread: app_commands.AppCommandThread | None = None,
        style: str = "bullets",
        length: str = "medium",
        language: str = "",
    ) -> None:
        async with explained(interaction):
            asked = Asked(count, window, first, last, thread.id if thread else None)
            wanted = chosen(interaction, asked, summarizer.tools.works.clock.utc(), DEFAULT)
            await answer(interaction, wanted, _wish(style, length, language, summarizer.tools.items))

    @tree.context_menu(name="Summarize from here")
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def summarize_from_here(interaction: discord.Interaction, message: discord.Message) -> None:
        async with explained(interaction):
            wanted = beginning_with(interaction, message)
            await answer(interaction, wanted, Wish(count=summarizer.tools.items))


def reading(count: int) -> str:
    """How many messages were fetched."""
    return _("Reading: {count} messages so far …", count=number(count))


def progress_words(messages: int, done: int, total: int) -> str:
    """How far a summary is."""
    if total <= 1:
        return _n("Summarizing {count} message …", "Summarizing {count} messages …", messages)
    return _(
        "Summarizing {messages} messages, part {part} of {parts} …",
        messages=number(messages),
        part=number(min(done + 1, total)),
        parts=number(total),
    )


def _wish(style: str, length: str, language: str, items: int) -> Wish:
    """What was chosen; Discord lets nobody choose anything else."""
    known = {value for name, value in STYLES}
    if style not in known or length not in get_args(Length) or language not in {"", *LANGUAGES}:
        raise Refusal(UNKNOWN_WISH)
    return Wish(style, length, language, items)  # type: ignore[arg-type]


async def tell_instead(work: Work, sentence: str) -> None:
    """A sentence instead of an answer, in the place of the progress and its button."""
    await work.settle()
    await tell(work.interaction, sentence)


def _none_of(count: int) -> str:
    if not count:
        return _(NO_MESSAGE)
    return _n(
        "There is nothing to summarize: the message has no text by a person whom I may read.",
        "There is nothing to summarize: none of the {count} messages has text by a person whom I may read.",
        count,
    )
