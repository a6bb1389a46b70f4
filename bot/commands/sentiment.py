"""/sentiment, and *How it sounds*: how one message sounds, or many people's together, hour by hour.

Never how one person does over time: that is nobody's business. Off until it is switched on in /settings. How a mood is
told is `llm.tasks.sentiment`'s business, what may be summed up that of `llm.tasks.moods`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import discord
import structlog
from discord import app_commands

from bot.charting import ChartFailed, Charts
from bot.commands import mood_words
from bot.commands.answering import explained
from bot.commands.digest import link, short
from bot.commands.digesting import Digesting
from bot.commands.paged import Illustrated, Told
from bot.commands.ranges import MOST, Asked, Range, chosen, just
from bot.commands.resting import NOT_THAT_ONE, NOTHING_TO_READ, READING, asker, count, coverage, give, resting_on
from bot.commands.summarize import tell_instead
from bot.commands.switched import require_on
from bot.commands.working import Work
from bot.conversation.rendering import small
from bot.errors import Refusal
from bot.language import N_, _, number
from bot.limits import PersonalLimits
from llm.tasks.moods import FEWEST_PEOPLE, Heard, Why, refused, together
from llm.tasks.names import key
from llm.tasks.sentiment import MoodReader
from llm.tasks.summary import SourceMessage

log = structlog.get_logger()

FEWEST, DEFAULT = 3, 200
LONGEST_TOPIC = 100
ONE_OR_RANGE = N_("Give me one message or a range of messages, not both.")
NOT_A_TOPIC = N_("Please write a word or two as the topic, such as `release`.")
NOT_MENTIONED = N_("Nobody whom I may read spoke of “{topic}” in that range.")
FEW_PEOPLE = N_(
    "I tell how people sound together only where at least {least} of them wrote, and here that was {people}: nobody's "
    "own mood shall be read off. A longer range may do."
)
ONE_VOICE = N_(
    "Nearly all of these messages are by one person, so I do not judge them: nobody's own mood shall be read off. A "
    "longer range may do."
)
NOT_TOLD = N_("The model did not say how that sounds. Please try again.")
NOTHING_LEFT = N_("Nothing is left of that: the messages were deleted, or too few people's are there still.")
LISTENING = N_("Listening: {done} of {total} messages …")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants judged: a range, and what it must be about."""

    range: Range
    topic: str = ""


class Sentiment:
    """Answers /sentiment. Methods raise what `explained` explains."""

    def __init__(self, tools: Digesting, reader: MoodReader, charts: Charts) -> None:
        self.tools = tools
        self._reader = reader
        self._charts = charts

    async def of_message(self, work: Work, wanted: Range) -> None:
        """How one message sounds: told to the asker alone."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        read = await self.tools.fetching.read(wanted)
        if not read.sources:
            await tell_instead(work, _(NOT_THAT_ONE))
            return
        (source,) = read.sources
        found = await self._reader.judge([source.text], user=asker(work))
        await count(self.tools, work, found.usage)
        (judged,) = found.each
        if judged is None:
            await tell_instead(work, _(NOT_TOLD))
            return

        async def left(there: Collection[int]) -> Told:
            address = link(wanted.channel.guild.id, source.place, source.id)
            lines = [f"> {short(source.text)} {address}", mood_words.of_one(judged), small(_(mood_words.GUESS))]
            return lines if source.id in there else []

        again = resting_on(self.tools, wanted, read, [source.id], left, NOTHING_LEFT)
        await give(self.tools, work, rules, again, may_post=False)

    async def of_range(self, work: Work, wanted: Wanted) -> None:
        """How people sound together."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        read = await self.tools.fetching.read(wanted.range, lambda so_far: work.say(_(READING, count=number(so_far))))
        if not read.sources:
            await tell_instead(work, _(NOTHING_TO_READ))
            return
        about = [source for source in read.sources if speaks_of(source, wanted.topic)]
        if not about:
            await tell_instead(work, _(NOT_MENTIONED, topic=short(wanted.topic)))
            return
        _require_many(about)
        heard = await self._heard(work, about)

        covered = coverage(read, wanted.range)

        async def left(there: Collection[int]) -> Told:
            remark = f"{covered()} · {_(mood_words.GUESS)}"
            heard[:] = [one for one in heard if one.id in there]  # what went is not kept in memory, either
            return await self._told(heard, wanted.topic, remark)

        again = resting_on(self.tools, wanted.range, read, [one.id for one in heard], left, NOTHING_LEFT)
        await give(self.tools, work, rules, again)

    async def _heard(self, work: Work, sources: Sequence[SourceMessage]) -> list[Heard]:
        found = await self._reader.judge(
            [source.text for source in sources],
            user=asker(work),
            progress=lambda done, total: work.say(_(LISTENING, done=number(done), total=number(total))),
        )
        await count(self.tools, work, found.usage)
        pairs = zip(sources, found.each, strict=True)
        return [Heard(one.id, one.author, one.created_at, said.mood) for one, said in pairs if said is not None]

    async def _told(self, heard: Sequence[Heard], topic: str, remark: str) -> Told:
        """The answer; empty where these are too few to be judged."""
        if not heard or refused([one.author for one in heard]) is not None:
            return []
        found = together(heard)
        lines = mood_words.sums(found, short(topic))
        chart = mood_words.chart(found)
        if chart is None:
            return [*lines, small(f"{remark} {_(mood_words.SHORT_TIME)}")]
        try:
            picture = await self._charts.draw(chart)
        except ChartFailed as error:
            log.warning("chart not drawn", error=str(error))
            return [*lines, small(f"{remark} {_(mood_words.NO_CHART)}")]
        return Illustrated([*lines, small(f"{remark} {mood_words.about_chart(found, FEWEST_PEOPLE)}")], picture)


def add_sentiment(tree: app_commands.CommandTree[discord.Client], sentiment: Sentiment, limits: PersonalLimits) -> None:
    """Hang /sentiment and its context menu on the tree."""
    works, rulebook = sentiment.tools.works, sentiment.tools.gate.rulebook

    async def answer(interaction: discord.Interaction, wanted: Range | Wanted) -> None:
        place = wanted.channel if isinstance(wanted, Range) else wanted.range.channel
        await require_on(rulebook, "sentiment", interaction, place)
        with limits.request(interaction.user.id):
            async with works.work(interaction) as work, explained(interaction), work.settled():
                if isinstance(wanted, Range):
                    await sentiment.of_message(work, wanted)
                else:
                    await sentiment.of_range(work, wanted)

    @tree.command(name="sentiment", description="How a message sounds, or many people together; only you see it")
    @app_commands.describe(
        message="One message: its link or id",
        topic="Only messages that speak of this",
        count=f"The last so many messages, {FEWEST} to {MOST:,}",
        window="The last minutes, hours or days, such as 90m, 6h, 2d",
        first="From this message on: its link or id",
        last="Up to this message: its link or id",
        thread="A thread, as a whole or within the range",
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def sentiment_command(
        interaction: discord.Interaction,
        message: str | None = None,
        topic: app_commands.Range[str, 1, LONGEST_TOPIC] | None = None,
        count: app_commands.Range[int, FEWEST, MOST] | None = None,
        window: str | None = None,
        first: str | None = None,
        last: str | None = None,
        thread: app_commands.AppCommandThread | None = None,
    ) -> None:
        async with explained(interaction):
            asked = Asked(count, window, first, last, thread.id if thread else None)
            now = works.clock.utc()
            if message is not None:
                if asked != Asked() or topic is not None:
                    raise Refusal(ONE_OR_RANGE)
                await answer(interaction, chosen(interaction, Asked(first=message, last=message), now, 1))
                return
            if topic is not None and not key(topic):
                raise Refusal(NOT_A_TOPIC)
            await answer(interaction, Wanted(chosen(interaction, asked, now, DEFAULT), topic or ""))

    @tree.context_menu(name="How it sounds")
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def how_it_sounds(interaction: discord.Interaction, message: discord.Message) -> None:
        async with explained(interaction):
            await answer(interaction, just(interaction, message))


def speaks_of(source: SourceMessage, topic: str) -> bool:
    """Whether the message names the topic, in any case and with or without accents; all speak of no topic."""
    return key(topic) in key(source.text)


def _require_many(sources: Sequence[SourceMessage]) -> None:
    """Raises Refusal where somebody's own mood could be read off."""
    authors = [source.author for source in sources]
    why: Why | None = refused(authors)
    if why == "few people":
        raise Refusal(FEW_PEOPLE, least=FEWEST_PEOPLE, people=len(set(authors)))
    if why == "one voice":
        raise Refusal(ONE_VOICE)
