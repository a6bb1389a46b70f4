"""/translate and *Translate* in a message's menu: a text, a message or the last ones in another language, in private.

How a translation is made is `llm.tasks.translate`'s business; it goes into the language of the reader's Discord, where
no other one is wished for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import discord
from discord import app_commands

from bot.audience import reaches_no_further
from bot.commands.answering import explained
from bot.commands.digest import link
from bot.commands.digesting import Digesting
from bot.commands.fetching import GONE
from bot.commands.language_names import language_for, suggested, understood
from bot.commands.paged import PAGE_ROOM, Again, lines_of
from bot.commands.ranges import Asked, Range, ReadableChannel, chosen, place_of, require_readable
from bot.commands.working import Work
from bot.conversation.own_text import INSTEAD
from bot.conversation.rendering import length, neutralize, render, small
from bot.errors import Refusal
from bot.language import N_, _, _n, name_of
from bot.limits import PersonalLimits
from bot.metering import Payer, used_by
from bot.settings.rules import Rules
from llm.tasks.placeholders import has_words
from llm.tasks.summary import Cost
from llm.tasks.translate import Translated, Translation
from llm.tasks.translate_engines import CannotTranslate, Why
from llm.types import Usage

_MENTION = re.compile(r"<@[!&]?\d{1,20}>")
_UNMADE = re.compile(r"<\u200b(@[!&]?\d{1,20}>)")
"""A mention as `neutralize` leaves it."""
MOST_LAST = 50
LONGEST_GIVEN = 60
BLANK = N_("Give me a text to translate, or a number of messages: `/translate last:10`.")
BOTH = N_("Give me a text or a number of messages, not both.")
NO_WORDS = N_("There is nothing to translate in that: I see no words, only things that stay as they are.")
NO_TEXT = N_("This message has no text that I could translate. I do not read pictures and attachments for that.")
NONE_OF_THEM = N_("There is nothing to translate: in these messages I found no words of people whom I may read.")
UNKNOWN = N_("I do not know the language “{given}”. Choose one from the list that appears while you type.")
ALREADY = N_("This is in {language} already. Choose another language with the option `to`.")
ALL_ALREADY = N_("These messages are in {language} already. Choose another language with the option `to`.")
SAME_WISH = N_("You asked me to translate from {language} into {language}. Choose two languages.")
LEFT_ALONE = N_("Whoever wrote this does not want me to read their messages, so I do not translate it.")
NOT_HERE = N_("Not everybody in this channel may read {channel}, so I do not post this here. *Send me by DM* works.")
CANNOT: Mapping[Why, str] = {
    "built-in model": N_(
        "The small built-in model cannot translate. Whoever runs me can name a larger chat model, or a translation "
        "model as `[tasks] seq2seq`."
    ),
    "no model": N_("No translation model is set up here. Whoever runs me can name one as `[tasks] seq2seq`."),
    "language": N_("The translation model here does not know {language}."),
}
WHICH = N_("I could not make out which language this is. Tell me with the option `from`.")
CUT = N_("The translation model did not get to the end, so something may be missing.")


@dataclass(frozen=True, slots=True)
class Wish:
    """Into which language, and from which one if that was said."""

    target: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Messages to translate, as they were: their texts by their ids, who wrote them, and where."""

    channel: ReadableChannel
    texts: Mapping[int, str]
    authors: Mapping[int, str]
    names: frozenset[str]

    @classmethod
    def of(cls, channel: ReadableChannel, messages: Sequence[discord.Message]) -> Said:
        """Those that have words."""
        some = [one for one in messages if has_words(one.content)]
        people = [person.display_name for one in some for person in (one.author, *one.mentions)]
        authors = {one.id: one.author.display_name for one in some}
        return cls(channel, {one.id: one.content for one in some}, authors, frozenset(people))


class Translate:
    """Answers /translate. Methods raise what `explained` explains."""

    def __init__(self, tools: Digesting, translation: Translation) -> None:
        self.tools = tools
        self._translation = translation

    async def text(self, work: Work, text: str, wish: Wish) -> None:
        """Answer with a text in another language."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        (done,) = await self._translated(work, [text], wish, {work.interaction.user.display_name}, rules)
        if done.same:
            raise Refusal(ALREADY, language=name_of(wish.target))

        async def again(interaction: discord.Interaction, is_public: bool) -> list[str]:
            return [*_shown(done.text, text), *_remarks(done)]

        await self._give(work, again, rules)

    async def message(self, work: Work, message: discord.Message, channel: ReadableChannel, wish: Wish) -> None:
        """Answer with what somebody wrote."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        if await self.tools.fetching.left_out([message], channel):
            raise Refusal(LEFT_ALONE)
        said = Said.of(channel, [message])
        (done,) = await self._translated(work, list(said.texts.values()), wish, said.names, rules)
        if done.same:
            raise Refusal(ALREADY, language=name_of(wish.target))
        await self._give_said(work, said, {message.id: done}, lambda: _remarks(done), rules)

    async def last(self, work: Work, wanted: Range, wish: Wish) -> None:
        """Answer with the newest messages of a channel, those in that language already among them."""
        rules = await self.tools.gate.for_interaction(work.interaction)
        found = await self.tools.fetching.messages(wanted)
        people = await self.tools.fetching.of_people(found, wanted.channel)
        said = Said.of(wanted.channel, people)
        if not said.texts:
            raise Refusal(NONE_OF_THEM)
        done = await self._translated(work, list(said.texts.values()), wish, said.names, rules)
        if all(one.same for one in done):
            raise Refusal(ALL_ALREADY, language=name_of(wish.target))
        told = dict(zip(said.texts, done, strict=True))
        await self._give_said(work, said, told, lambda: _counted(done, len(found), wish.target), rules)

    async def _translated(
        self, work: Work, texts: Sequence[str], wish: Wish, names: Collection[str], rules: Rules
    ) -> list[Translated]:
        """The texts in that language, and what they cost is counted."""
        interaction = work.interaction
        spent = Cost()

        def count(usage: Usage | None) -> None:
            nonlocal spent
            spent += Cost.of(usage)

        try:
            return await self._translation.translate(
                texts,
                wish.target,
                source=wish.source,
                user=f"{interaction.guild_id}/{interaction.user.id}",
                model=rules.model,
                names=names,
                progress=lambda done, total: work.say(_progress(done, total)),
                count=count,
            )
        except CannotTranslate as error:
            raise refused(error) from error
        finally:
            if spent.requests:
                payer = Payer.of(interaction.user, interaction.guild, interaction.channel)
                await self.tools.metering.count(payer, used_by(spent.usage))

    async def _give_said(
        self,
        work: Work,
        said: Said,
        done: Mapping[int, Translated],
        remarks: Callable[[], list[str]],
        rules: Rules,
    ) -> None:
        """Messages, each with its author and a link; what was deleted or edited meanwhile is not shown."""

        async def again(interaction: discord.Interaction, is_public: bool) -> list[str]:
            if is_public and not reaches_no_further(said.channel, interaction.channel):
                raise Refusal(NOT_HERE, channel=said.channel.mention)
            there = await self.tools.fetching.unchanged(said.channel, said.texts)
            if not there:
                raise Refusal(GONE)
            guild_id = said.channel.guild.id
            told: list[str] = []
            for number in sorted(there):
                name = discord.utils.escape_markdown(" ".join(neutralize(said.authors[number]).split()))
                head = f"**{name}** [↗]({link(guild_id, said.channel.id, number)})"
                room = PAGE_ROOM - length(head) - 1
                told += [f"{head}\n{piece}" for piece in _shown(done[number].text, said.texts[number], room)]
            return [*told, *remarks()]

        await self._give(work, again, rules)

    async def _give(self, work: Work, again: Again, rules: Rules) -> None:
        """Answer with what is true now."""
        lines = lines_of(await again(work.interaction, False))
        if rules.filter_own_text and self.tools.words.is_in("\n".join(lines)):
            raise Refusal(INSTEAD)
        await self.tools.pages.give(work, lines, again)


def add_translate(tree: app_commands.CommandTree[discord.Client], translate: Translate, limits: PersonalLimits) -> None:
    """Hang /translate and its context menu on the tree."""

    @tree.command(name="translate", description="A text or the last messages in another language; only you see it")
    @app_commands.describe(
        text="What you want to have translated",
        to="Into which language; without it, that of your Discord",
        source="From which language; without it I find out",
        last=f"Instead of a text: the last so many messages of this channel, up to {MOST_LAST}",
    )
    @app_commands.rename(source="from")
    @app_commands.autocomplete(to=_suggest, source=_suggest)
    async def translate_command(
        interaction: discord.Interaction,
        text: str | None = None,
        to: str | None = None,
        source: str | None = None,
        last: app_commands.Range[int, 1, MOST_LAST] | None = None,
    ) -> None:
        async with explained(interaction):
            wish = await _wish(interaction, to, source)
            wanted = _wanted(interaction, text, last, translate)
            with limits.request(interaction.user.id):
                async with translate.tools.works.work(interaction) as work, explained(interaction), work.settled():
                    if wanted is not None:
                        await translate.last(work, wanted, wish)
                    else:
                        await translate.text(work, text or "", wish)

    @tree.context_menu(name="Translate")
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def translate_message(interaction: discord.Interaction, message: discord.Message) -> None:
        async with explained(interaction):
            wish = await _wish(interaction, None, None)
            channel = place_of(interaction, None)
            require_readable(interaction, channel)
            if not message.content.strip():
                raise Refusal(NO_TEXT)
            if not has_words(message.content):
                raise Refusal(NO_WORDS)
            with limits.request(interaction.user.id):
                async with translate.tools.works.work(interaction) as work, explained(interaction), work.settled():
                    await translate.message(work, message, channel, wish)


async def _suggest(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    return await suggested(interaction, typed)


def _wanted(interaction: discord.Interaction, text: str | None, last: int | None, translate: Translate) -> Range | None:
    """The messages that are meant; None where it is the text. Raises Refusal."""
    if last is not None and text is not None:
        raise Refusal(BOTH)
    if last is not None:
        return chosen(interaction, Asked(count=last), translate.tools.works.clock.utc(), last)
    if text is None or not text.strip():
        raise Refusal(BLANK)
    if not has_words(text):
        raise Refusal(NO_WORDS)
    return None


async def _wish(interaction: discord.Interaction, to: str | None, source: str | None) -> Wish:
    """Raises Refusal for a language that nobody knows, and where both are the same."""
    wish = Wish(
        language_for(interaction) if to is None else await known(interaction, to),
        None if source is None else await known(interaction, source),
    )
    if wish.source == wish.target:
        raise Refusal(SAME_WISH, language=name_of(wish.target))
    return wish


async def known(interaction: discord.Interaction, given: str) -> str:
    """The language that somebody named. Raises Refusal."""
    language = await understood(given, interaction.locale.value)
    if language is None:
        short = " ".join(given.split())
        short = short if len(short) <= LONGEST_GIVEN else short[:LONGEST_GIVEN] + "…"
        raise Refusal(UNKNOWN, given=discord.utils.escape_markdown(neutralize(short)))
    return language


def refused(error: CannotTranslate) -> Refusal:
    if error.why == "language" and not error.language:
        return Refusal(WHICH)
    return Refusal(CANNOT[error.why], language=name_of(error.language) if error.language else "")


def _shown(text: str, original: str, room: int = PAGE_ROOM) -> list[str]:
    """A translation as Discord may show it, in pieces that fit a page. People who were mentioned are seen to be, as no
    message of Steward's pings anybody."""
    mentioned = set(_MENTION.findall(original))
    pieces = [part.shown for part in render(text, limit=room)]
    return [
        _UNMADE.sub(lambda match: found if (found := f"<{match[1]}") in mentioned else match[0], one) for one in pieces
    ]


def _progress(done: int, total: int) -> str:
    if total <= 1:
        return _("Translating …")
    return _("Translating: part {part} of {total} …", part=min(done + 1, total), total=total)


def _remarks(done: Translated) -> list[str]:
    """What goes under one translation, in small letters."""
    target = name_of(done.target)
    told = [_("Translated into {target}.", target=target)]
    if done.source is not None:
        told = [_("Translated from {source} into {target}.", source=name_of(done.source), target=target)]
    return [small(one) for one in told + [_(CUT)] * done.truncated]


def _counted(done: Sequence[Translated], found: int, target: str) -> list[str]:
    """What goes under several."""
    language = name_of(target)
    same, unknown = sum(one.same for one in done), sum(one.unknown for one in done)
    count = len(done) - same - unknown
    told = [
        _(
            "Translated into {language}: {count} of the last {found} messages.",
            language=language,
            count=count,
            found=found,
        )
    ]
    if same:
        told.append(
            _n("{count} is in {language} already.", "{count} are in {language} already.", same, language=language)
        )
    if unknown:
        told.append(
            _n(
                "{count} is in a language that the model does not know, and is as it was.",
                "{count} are in languages that the model does not know, and are as they were.",
                unknown,
            )
        )
    if len(done) < found:
        told.append(_("Bots, people who opted out and messages without words are left out."))
    if any(one.truncated for one in done):
        told.append(_(CUT))
    return [small(one) for one in told]
