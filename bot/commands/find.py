"""/find: what was said here about something, in private, each passage with a link; or that it was not found.

A private answer is made from what the asker can read. *Post here* looks again, for what everybody can read who sees the
channel. What was asked stays in memory only, for a quarter of an hour. How things are found is `bot.lookup`'s business.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Self

import discord
from discord import app_commands

from bot.clock import Clock
from bot.commands.answering import defer, explained, in_messages, tell, tell_parts
from bot.commands.ask import LONGEST_QUESTION, Ask
from bot.commands.post import require_writing
from bot.conversation.newest import Places
from bot.conversation.own_text import INSTEAD, OwnText, WordList
from bot.conversation.rendering import Part, neutralize, small
from bot.errors import Refusal
from bot.gate import Gate
from bot.limits import PersonalLimits
from bot.lookup import scope
from bot.lookup.finding import Answer, Finding, Said
from bot.settings.rules import Rules
from llm.tasks.find import Why
from storage.search import Found, Search, StoredPlace, Within

KEPT_S = 15 * 60.0
MOST = 1000
LONGEST_SHOWN = 400
BLANK = "Please write what you look for, such as `/find question: where does the key hang?`"
NOTHING_KEPT = (
    "I keep nothing here that you can read, so there is nothing to look in. Whoever manages the server can let me keep "
    "a channel with `/settings`, or give me documents with `/knowledge add`."
)
ONLY_DOCUMENTS = (
    "I keep no channel whole that you can read, so I looked in documents only; whoever manages the server can change "
    "that with `/settings`"
)
NOT_FOUND = "I did not find it in {where}."
NOT_FOR_ALL = "I found nothing that everybody who sees this channel may read, so I post nothing."
GONE = "I no longer know what you looked for. Please give the command again."
NOT_YOURS = "Only the person who looked for it can press this."
BY_WORDS = "searched by words only: the model that compares meanings is not available right now"
WHY: dict[Why, str] = {
    "built-in model": "the small built-in model cannot write answers, so these are people's own words",
    "engine failed": "the language model is not available right now, so these are people's own words",
}
TEMPLATE = r"steward:find:(?P<what>post|ask):(?P<number>\d{1,20})"

Where = Literal["server", "channel", "documents"]
WORDS: dict[Where, str] = {
    "server": "this server's kept history and documents",
    "channel": "this channel's kept history",
    "documents": "this server's documents",
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
        limits: PersonalLimits,
        places: Places,
        clock: Clock,
        words: WordList,
    ) -> None:
        self._finding = finding
        self._search = search
        self._ask = ask
        self._gate = gate
        self._limits = limits
        self._places = places
        self._clock = clock
        self._words = words
        self._asked: OrderedDict[int, Asked] = OrderedDict()

    async def answer(self, interaction: discord.Interaction, question: str, where: Where) -> None:
        """Answer in private, from what the asker can read."""
        rules = await self._gate.for_interaction(interaction)
        guild, here = _place(interaction)
        person = interaction.user
        assert isinstance(person, discord.Member)
        stored = await self._stored(guild.id)
        readable = scope.for_person(guild, stored, person, here.id)
        within = await self._within(guild.id, here, readable, where)
        if not within.channel_ids and not within.documents:
            await tell(interaction, NOTHING_KEPT)
            return
        found = await self._found(interaction, question, within, rules)
        self._remember(interaction.id, Asked(person.id, question, where, self._clock.now()))
        if found.is_empty:
            hint = [] if within.channel_ids or where == "documents" else [small(ONLY_DOCUMENTS)]
            text = "\n".join([NOT_FOUND.format(where=WORDS[where]), *hint, *_remarks(found)])
            await tell(interaction, text, _view(interaction.id, "ask", "Ask the model instead"))
            return
        parts = self._parts("", found, guild.id)
        await tell_parts(interaction, parts, _view(interaction.id, "post", "Post here"))

    async def pressed(self, interaction: discord.Interaction, what: str, number: int) -> None:
        """One of the two buttons."""
        asked = self._recalled(number, interaction.user.id)
        with self._limits.request(interaction.user.id):
            if what == "ask":
                await interaction.response.defer(ephemeral=True, thinking=True)
                await self._ask.answer(interaction, asked.question)
                return
            require_writing(interaction)
            del self._asked[number]  # before anything is waited for: a second press posts nothing
            await interaction.response.edit_message(view=None)
            await self._post(interaction, asked)

    async def _post(self, interaction: discord.Interaction, asked: Asked) -> None:
        """Look again, with the eyes of everybody here."""
        rules = await self._gate.for_interaction(interaction)
        guild, here = _place(interaction)
        shared = scope.for_everybody(guild, await self._stored(guild.id), here)
        within = await self._within(guild.id, here, shared, asked.where)
        found = await self._found(interaction, asked.question, within, rules)
        if found.is_empty:
            await tell(interaction, NOT_FOR_ALL)
            return
        header = f"> **{neutralize(interaction.user.display_name)}** looked for: {_short(asked.question, 300)}"
        for part in self._parts(header, found, guild.id):
            await interaction.followup.send(part.shown, ephemeral=False, wait=True)

    async def _found(self, interaction: discord.Interaction, question: str, within: Within, rules: Rules) -> Answer:
        """The answer. Raises Refusal where the model wrote what Steward does not say."""
        user = f"{within.guild_id}/{interaction.user.id}"
        found = await self._finding.find(question, within, user=user, model=rules.model)
        text = "\n".join(one.text for one in found.sentences)
        if rules.filter_own_text and OwnText(self._words).checked(text, is_whole=True).is_hit:
            raise Refusal(INSTEAD)
        return found

    async def _stored(self, guild_id: int) -> list[StoredPlace]:
        return await scope.stored_whole(self._gate.rulebook, guild_id, await self._search.places(guild_id))

    async def _within(self, guild_id: int, here: Here, readable: frozenset[int], where: Where) -> Within:
        if where == "documents":
            return Within(guild_id, documents=True)
        if where == "channel":
            return Within(guild_id, readable & {here.id})
        return Within(guild_id, readable, documents=True)

    def _parts(self, header: str, found: Answer, guild_id: int) -> list[Part]:
        lines = [header] * bool(header) + ["**What I found**"] * (not header)
        lines += [self._sentence(one, guild_id) for one in found.sentences]
        lines += [self._line(one, guild_id) for one in found.passages]
        lines += _remarks(found)
        return in_messages(lines)

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
        while len(self._asked) > MOST or asked.at - next(iter(self._asked.values())).at > KEPT_S:
            self._asked.popitem(last=False)

    def _recalled(self, number: int, person_id: int) -> Asked:
        asked = self._asked.get(number)
        if asked is None or self._clock.now() - asked.at > KEPT_S:
            raise Refusal(GONE)
        if asked.person_id != person_id:
            raise Refusal(NOT_YOURS)
        return asked


def add_find(tree: app_commands.CommandTree[discord.Client], find: Find, limits: PersonalLimits) -> None:
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
            await defer(interaction)
            with limits.request(interaction.user.id):
                await find.answer(interaction, question, where)


def find_button(pressed: Callable[[discord.Interaction, str, int], Awaitable[None]]) -> type[_Item]:
    """The item to register with the client; `pressed` gets each press, what it is for, and the command's number."""

    class FindButton(discord.ui.DynamicItem[_Button], template=TEMPLATE):
        def __init__(self, what: str, number: int) -> None:
            super().__init__(_button(number, what, what))
            self._what = what
            self._number = number

        @classmethod
        async def from_custom_id(
            cls, interaction: discord.Interaction, item: discord.ui.Item[discord.ui.View], match: re.Match[str], /
        ) -> Self:
            return cls(match["what"], int(match["number"]))

        async def callback(self, interaction: discord.Interaction) -> None:
            async with explained(interaction):
                await pressed(interaction, self._what, self._number)

    return FindButton


def _button(number: int, what: str, label: str) -> _Button:
    return discord.ui.Button(label=label, custom_id=f"steward:find:{what}:{number}")


def _view(number: int, what: str, label: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(_button(number, what, label))
    view.stop()  # the registered item answers; discord.py would keep this one for ever otherwise
    return view


def _place(interaction: discord.Interaction) -> tuple[discord.Guild, Here]:
    guild, channel = interaction.guild, interaction.channel
    if guild is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        raise Refusal("I can look for things in servers only.")
    return guild, channel


def _remarks(found: Answer) -> list[str]:
    told = [BY_WORDS] * found.by_words_only + [WHY[why] for why in (found.why,) if why is not None]
    return [small(" · ".join(told))] if told else []


def _short(text: str, longest: int = LONGEST_SHOWN) -> str:
    line = " ".join(neutralize(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
