"""/find: what was said here about something, in private, each passage with a link; or that it was not found.

A private answer is made from what the asker can read; one that is posted from what everybody can read who sees the
channel. What was asked stays in memory only, for a quarter of an hour. How things are found is `bot.lookup`'s business.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Self

import discord
from discord import app_commands

from bot.clock import Clock
from bot.commands.answering import Press, explained, tell
from bot.commands.ask import LONGEST_QUESTION, Ask
from bot.commands.paged import Again, Pages
from bot.commands.working import Work, Works
from bot.conversation.newest import Places
from bot.conversation.own_text import INSTEAD, WordList
from bot.conversation.rendering import neutralize, small
from bot.errors import Refusal
from bot.gate import Gate
from bot.language import N_, _, number
from bot.limits import PersonalLimits
from bot.lookup import scope
from bot.lookup.finding import Answer, Finding, Said
from bot.metering import Metering, Payer, used_by
from bot.settings.rules import Rules
from llm.tasks.find import Why
from llm.tasks.find_answer import Progress
from storage.search import Found, Search, Within

KEPT_S = 15 * 60.0
MOST = 1000
LONGEST_SHOWN = 400
BLANK = N_("Please write what you look for, such as `/find question: where does the key hang?`")
NOTHING_KEPT = N_(
    "I keep nothing here that you can read, so there is nothing to look in. Whoever manages the server can let me keep "
    "a channel with `/settings`, or give me documents with `/knowledge add`."
)
ONLY_DOCUMENTS = N_(
    "I keep no channel whole that you can read, so I looked in documents only; whoever manages the server can change "
    "that with `/settings`"
)
NOTHING_LEFT = N_(
    "Nothing is left of that answer: what it rests on was changed or deleted, or you may not read it any more."
)
READING = N_("Reading passages that were found: {count} …")
NOT_FOR_ALL = N_("I found nothing that everybody who sees this channel may read, so I post nothing.")
GONE = N_("I no longer know what you looked for. Please give the command again.")
NOT_YOURS = N_("Only the person who looked for it can press this.")
BY_WORDS = N_("searched by words only: the model that compares meanings is not available right now")
WHY: dict[Why, str] = {
    "built-in model": N_("the small built-in model cannot write answers, so these are people's own words"),
    "engine failed": N_("the language model is not available right now, so these are people's own words"),
}
TEMPLATE = r"steward:find:ask:(?P<number>\d{1,20})"

Where = Literal["server", "channel", "documents"]
NOT_FOUND: dict[Where, str] = {
    "server": N_("I did not find it in this server's kept history and documents."),
    "channel": N_("I did not find it in this channel's kept history."),
    "documents": N_("I did not find it in this server's documents."),
}
Here = discord.abc.GuildChannel | discord.Thread
_Button = discord.ui.Button[discord.ui.View]
_Item = discord.ui.DynamicItem[_Button]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looked for."""

    person_id: int
    question: str
    where: Where
    at: float


class Find:
    """Answers /find and the buttons under its answers. Methods raise what `explained` explains."""

    def __init__(
        self,
        *,
        finding: Finding,
        search: Search,
        ask: Ask,
        gate: Gate,
        metering: Metering,
        limits: PersonalLimits,
        works: Works,
        pages: Pages,
        places: Places,
        clock: Clock,
        words: WordList,
    ) -> None:
        self.works = works
        self.limits = limits
        self._finding = finding
        self._search = search
        self._ask = ask
        self._gate = gate
        self._metering = metering
        self._pages = pages
        self._places = places
        self._clock = clock
        self._words = words
        self._asked: OrderedDict[int, Asked] = OrderedDict()

    async def answer(self, work: Work, question: str, where: Where) -> None:
        """Answer in private, from what the asker can read. Raises what `explained` explains."""
        interaction = work.interaction
        rules = await self._gate.for_interaction(interaction)
        asked = Asked(interaction.user.id, question, where, self._clock.now())
        within = await self._for_asker(interaction, where)
        if not within.channel_ids and not within.documents:
            await self._tell_nothing(work, asked, _(NOTHING_KEPT))
            return
        found = await self._found(
            interaction, asked, within, rules, lambda count: work.say(_(READING, count=number(count)))
        )
        if found.is_empty:
            hint = [] if within.channel_ids or where == "documents" else [small(_(ONLY_DOCUMENTS))]
            lines = [_(NOT_FOUND[where]), *hint, *_remarks(found)]
            await self._tell_nothing(work, asked, "\n".join(lines))
            return
        await self._pages.give(work, self._lines(found, within.guild_id), self._again(asked, found))

    async def pressed(self, interaction: discord.Interaction, number: int) -> None:
        """*Ask the model instead*."""
        asked = self._recalled(number, interaction.user.id)
        with self.limits.request(interaction.user.id):
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._ask.answer(interaction, asked.question)

    def forget(self, person_id: int) -> None:
        """Keep nothing that this person looked for."""
        for one in [one for one, asked in self._asked.items() if asked.person_id == person_id]:
            del self._asked[one]

    def _again(self, asked: Asked, found: Answer) -> Again:
        left = found  # what went in the meantime is not kept here, either

        async def again(interaction: discord.Interaction, is_public: bool) -> list[str]:
            nonlocal left
            if is_public:
                return await self._for_all(interaction, asked, left)
            within = await self._for_asker(interaction, asked.where)
            left = await self._finding.checked(left, within)
            if left.is_empty:
                raise Refusal(NOTHING_LEFT)
            return self._lines(left, within.guild_id)

        return again

    async def _for_all(self, interaction: discord.Interaction, asked: Asked, found: Answer) -> list[str]:
        """The answer for everybody who reads here; looked for anew where it was made from what not all of them read."""
        within = await self._for_everybody(interaction, asked.where)
        if found.channels <= within.channel_ids:
            shared = await self._finding.checked(found, within)
        else:
            rules = await self._gate.for_interaction(interaction)
            with self.limits.request(interaction.user.id):
                shared = await self._found(interaction, asked, within, rules)
        if shared.is_empty:
            raise Refusal(NOT_FOR_ALL)
        return [f"> {_short(asked.question, 300)}", *self._lines(shared, within.guild_id)]

    async def _found(
        self,
        interaction: discord.Interaction,
        asked: Asked,
        within: Within,
        rules: Rules,
        progress: Progress = lambda count: None,
    ) -> Answer:
        """The answer. Raises Refusal where the model wrote what Steward does not say."""
        user = f"{within.guild_id}/{interaction.user.id}"
        found = await self._finding.find(asked.question, within, user=user, model=rules.model, progress=progress)
        payer = Payer.of(interaction.user, interaction.guild, interaction.channel)
        await self._metering.count(payer, used_by(found.usage))
        text = "\n".join(one.text for one in found.sentences)
        if rules.filter_own_text and self._words.is_in(text):
            raise Refusal(INSTEAD)
        return found

    async def _for_asker(self, interaction: discord.Interaction, where: Where) -> Within:
        guild, here = _place(interaction)
        person = interaction.user
        assert isinstance(person, discord.Member)
        stored = await scope.stored_whole(self._gate.rulebook, guild.id, await self._search.places(guild.id))
        return _within(guild.id, here, scope.for_person(guild, stored, person, here.id), where)

    async def _for_everybody(self, interaction: discord.Interaction, where: Where) -> Within:
        guild, here = _place(interaction)
        stored = await scope.stored_whole(self._gate.rulebook, guild.id, await self._search.places(guild.id))
        return _within(guild.id, here, scope.for_everybody(guild, stored, here), where)

    async def _tell_nothing(self, work: Work, asked: Asked, sentence: str) -> None:
        self._remember(work.interaction.id, asked)
        await work.settle()
        await tell(work.interaction, sentence, _view(work.interaction.id))

    def _lines(self, found: Answer, guild_id: int) -> list[str]:
        lines = [_("**What I found**")]
        lines += [self._sentence(one, guild_id) for one in found.sentences]
        lines += [self._line(one, guild_id) for one in found.passages]
        return lines + _remarks(found)

    def _sentence(self, said: Said, guild_id: int) -> str:
        return f"{_short(said.text)} {' '.join(self._source(one, guild_id) for one in said.sources)}"

    def _line(self, one: Found, guild_id: int) -> str:
        if one.message_id is None:
            return f"- {self._source(one, guild_id)}: {_short(one.text)}"
        who = discord.utils.escape_markdown(one.author)
        return f"- **{who}**: {_short(one.text)} {self._source(one, guild_id)}"

    def _source(self, one: Found, guild_id: int) -> str:
        """A link to the message, or the document's name."""
        if one.message_id is None or one.channel_id is None:
            return f"*{neutralize(one.document)}*"
        url = self._places(one.channel_id, guild_id).get_partial_message(one.message_id).jump_url
        return f"[↗]({url})"

    def _remember(self, number: int, asked: Asked) -> None:
        self._asked[number] = asked
        self._forget_old()
        asyncio.get_running_loop().call_later(KEPT_S + 1, self._forget_old)  # also where nobody comes by until then

    def _forget_old(self) -> None:
        now = self._clock.now()
        while self._asked and (len(self._asked) > MOST or now - next(iter(self._asked.values())).at > KEPT_S):
            self._asked.popitem(last=False)

    def _recalled(self, number: int, person_id: int) -> Asked:
        asked = self._asked.get(number)
        if asked is None or self._clock.now() - asked.at > KEPT_S:
            raise Refusal(GONE)
        if asked.person_id != person_id:
            raise Refusal(NOT_YOURS)
        return asked


def add_find(tree: app_commands.CommandTree[discord.Client], find: Find) -> None:
    """Hang /find on the tree."""

    @tree.command(name="find", description="Find what was said here, or what documents say; only you see it")
    @app_commands.describe(question="What you look for, as a question or in a few words", where="Where to look")
    @app_commands.choices(
        where=[
            app_commands.Choice(name="the whole server and its documents", value="server"),
            app_commands.Choice(name="this channel", value="channel"),
            app_commands.Choice(name="the server's documents", value="documents"),
        ]
    )
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def find_command(
        interaction: discord.Interaction,
        question: app_commands.Range[str, 1, LONGEST_QUESTION],
        where: Where = "server",
    ) -> None:
        async with explained(interaction):
            if not question.strip():
                raise Refusal(BLANK)
            _place(interaction)
            with find.limits.request(interaction.user.id):
                async with find.works.work(interaction) as work, explained(interaction), work.settled():
                    await find.answer(work, question, where)


def find_button(pressed: Callable[[discord.Interaction, int], Awaitable[None]], press: Press) -> type[_Item]:
    """The item to register with the client; `pressed` gets each press and the command's number."""

    class FindButton(discord.ui.DynamicItem[_Button], template=TEMPLATE):
        def __init__(self, number: int) -> None:
            super().__init__(_button(number))
            self._number = number

        @classmethod
        async def from_custom_id(
            cls, interaction: discord.Interaction, item: discord.ui.Item[discord.ui.View], match: re.Match[str], /
        ) -> Self:
            return cls(int(match["number"]))

        async def callback(self, interaction: discord.Interaction) -> None:
            async def do() -> None:
                async with explained(interaction):
                    await pressed(interaction, self._number)

            await press(interaction, do, "find")

    return FindButton


def _button(number: int) -> _Button:
    return discord.ui.Button(label=_("Ask the model instead"), custom_id=f"steward:find:ask:{number}")


def _view(number: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(_button(number))
    view.stop()  # the registered item answers; discord.py would keep this one for ever otherwise
    return view


def _within(guild_id: int, here: Here, readable: frozenset[int], where: Where) -> Within:
    if where == "documents":
        return Within(guild_id, documents=True)
    if where == "channel":
        return Within(guild_id, readable & {here.id})
    return Within(guild_id, readable, documents=True)


def _place(interaction: discord.Interaction) -> tuple[discord.Guild, Here]:
    guild, channel = interaction.guild, interaction.channel
    if guild is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        raise Refusal("I can look for things in servers only.")
    return guild, channel


def _remarks(found: Answer) -> list[str]:
    told = [_(BY_WORDS)] * found.by_words_only + [_(WHY[why]) for why in (found.why,) if why is not None]
    return [small(" · ".join(told))] if told else []


def _short(text: str, longest: int = LONGEST_SHOWN) -> str:
    line = " ".join(neutralize(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
