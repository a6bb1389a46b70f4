"""/entities, and *Find names*: who and what is talked about in a range of messages, or the names in one text.

How names are found is `llm.tasks.entities`' business, which of them mean the same that of `llm.tasks.names`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import discord
from discord import app_commands

from bot.commands.answering import explained
from bot.commands.digest import link
from bot.commands.digesting import Digesting
from bot.commands.named import listed, marked
from bot.commands.paged import Told
from bot.commands.posted import NOTHING_LEFT
from bot.commands.ranges import MOST, Asked, Range, chosen, just
from bot.commands.resting import (
    NOT_THAT_ONE,
    NOTHING_TO_READ,
    READING,
    asker,
    count,
    coverage,
    give,
    resting_on,
)
from bot.commands.summarize import tell_instead
from bot.commands.working import Work
from bot.errors import Refusal
from bot.language import N_, _, number
from bot.limits import PersonalLimits
from llm.tasks.entities import NameFinder, Spot
from llm.tasks.names import Mention, merged

FEWEST, DEFAULT = 1, 100
LONGEST_TEXT = 4_000
BLANK = N_("Please write the text in which I shall look for names.")
TEXT_OR_RANGE = N_("Give me a text or a range of messages, not both.")
NO_NAMES = N_("I found no names there.")
LOOKING = N_("Looking for names: {done} of {total} messages …")


class Entities:
    """Answers /entities. Methods raise what `explained` explains."""

    def __init__(self, tools: Digesting, finder: NameFinder) -> None:
        self.tools = tools
        self._finder = finder

    async def of_text(self, work: Work, text: str) -> None:
        """The names in a text that somebody typed."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        (spots,) = await self._found(work, [text])

        async def again(interaction: discord.Interaction, is_public: bool) -> Told:
            return marked(text, spots)

        if not spots:
            await tell_instead(work, _(NO_NAMES))
            return
        await give(self.tools, work, rules, again)

    async def of_message(self, work: Work, wanted: Range) -> None:
        """One message with its names marked."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        read = await self.tools.fetching.read(wanted)
        if not read.sources:
            await tell_instead(work, _(NOT_THAT_ONE))
            return
        (source,) = read.sources
        (spots,) = await self._found(work, [source.text])
        if not spots:
            await tell_instead(work, _(NO_NAMES))
            return
        address = link(wanted.channel.guild.id, source.place, source.id)

        async def left(there: Collection[int]) -> Told:
            return marked(source.text, spots, address) if source.id in there else []

        await give(self.tools, work, rules, resting_on(self.tools, wanted, read, [source.id], left, NOTHING_LEFT))

    async def of_range(self, work: Work, wanted: Range) -> None:
        """Who and what is talked about."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        read = await self.tools.fetching.read(wanted, lambda so_far: work.say(_(READING, count=number(so_far))))
        if not read.sources:
            await tell_instead(work, _(NOTHING_TO_READ))
            return
        found = await self._found(work, [source.text for source in read.sources])
        named = [(source, spots) for source, spots in zip(read.sources, found, strict=True) if spots]
        if not named:
            await tell_instead(work, _(NO_NAMES))
            return

        mentions = [Mention(spot.text, spot.kind, source.id) for source, spots in named for spot in spots]
        places = {source.id: source.place for source, _ in named}
        covered = coverage(read, wanted)

        async def left(there: Collection[int]) -> Told:
            kept = [one for one in mentions if one.place in there]
            mentions[:] = kept  # what went is not kept in memory, either
            return _list(kept, places, wanted.channel.guild.id, covered()) if kept else []

        await give(self.tools, work, rules, resting_on(self.tools, wanted, read, places, left, NOTHING_LEFT))

    async def _found(self, work: Work, texts: Sequence[str]) -> list[list[Spot]]:
        found = await self._finder.find(
            texts,
            user=asker(work),
            progress=lambda done, total: work.say(_(LOOKING, done=number(done), total=number(total))),
        )
        await count(self.tools, work, found.usage)
        return found.spots


def add_entities(tree: app_commands.CommandTree[discord.Client], entities: Entities, limits: PersonalLimits) -> None:
    """Hang /entities and its context menu on the tree."""

    @tree.command(name="entities", description="Who and what is talked about, or the names in a text; only you see it")
    @app_commands.describe(
        text="A text in which to look for names",
        count=f"The last so many messages, {FEWEST} to {MOST:,}",
        window="The last minutes, hours or days, such as 90m, 6h, 2d",
        first="From this message on: its link or id",
        last="Up to this message: its link or id",
        thread="A thread, as a whole or within the range",
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def entities_command(
        interaction: discord.Interaction,
        text: app_commands.Range[str, 1, LONGEST_TEXT] | None = None,
        count: app_commands.Range[int, FEWEST, MOST] | None = None,
        window: str | None = None,
        first: str | None = None,
        last: str | None = None,
        thread: app_commands.AppCommandThread | None = None,
    ) -> None:
        asked = Asked(count, window, first, last, thread.id if thread else None)
        async with explained(interaction):
            if text is not None and asked != Asked():
                raise Refusal(TEXT_OR_RANGE)
            if text is not None and not text.strip():
                raise Refusal(BLANK)
            works = entities.tools.works
            wanted = chosen(interaction, asked, works.clock.utc(), DEFAULT) if text is None else None
            with limits.request(interaction.user.id):
                async with works.work(interaction) as work, explained(interaction), work.settled():
                    if wanted is not None:
                        await entities.of_range(work, wanted)
                    elif text is not None:
                        await entities.of_text(work, text)

    @tree.context_menu(name="Find names")
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def find_names(interaction: discord.Interaction, message: discord.Message) -> None:
        async with explained(interaction):
            wanted = just(interaction, message)
            with limits.request(interaction.user.id):
                async with entities.tools.works.work(interaction) as work, explained(interaction), work.settled():
                    await entities.of_message(work, wanted)


def _list(mentions: Sequence[Mention], places: Mapping[int, int], guild_id: int, remark: str) -> list[str]:
    return listed(merged(mentions), lambda number: link(guild_id, places[number], number), remark)
