"""Flags under messages: somebody reacts with 🇫🇷 and reads the message in French, as a reply or in private.

Where moderators switched it on, once per message and language; in private once per person, too. It does not know which
flag means what, nor how a text is translated.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal

import discord
import structlog

from bot.commands.translate import refused
from bot.conversation.pausing import Pauses
from bot.conversation.rendering import small
from bot.conversation.streaming import TROUBLE
from bot.errors import Refusal, explain
from bot.gate import Gate
from bot.language import N_, _, name_of
from bot.limits import PersonalLimits
from bot.membership import Membership
from bot.metering import Payer
from bot.mirrors.rewording import Rewording, Wish, spoken_in
from bot.mirrors.taking_back import TakingBack
from bot.mirrors.wording import Said, fitted
from bot.settings.rulebook import where
from llm.errors import LLMError
from llm.tasks.translate_engines import CannotTranslate
from storage.choices import Choices
from storage.mirrors import Copies, StoredCopy

log = structlog.get_logger()

REMEMBERED = 5_000
"""Wishes whose repetition is noticed; public ones are also stored."""
NOTED_FOR_S = 30.0
"""So long a sentence stands that says why there is no translation."""
SAME = N_("This message is in {language} already.")
NO_WORDS = N_("There are no words in this message that I could translate.")
IN_PRIVATE = N_("{flag} You asked for [this message]({link}):")

How = Literal["reply", "dm"]
_Key = tuple[int, str, int]
"""Message, language and, in private, who asked."""


class Flags:
    """Answers flags. Methods raise StorageError and discord's errors."""

    def __init__(
        self,
        *,
        copies: Copies,
        taking_back: TakingBack,
        rewording: Rewording,
        choices: Choices,
        gate: Gate,
        limits: PersonalLimits,
        membership: Membership,
        pauses: Pauses,
    ) -> None:
        self._copies = copies
        self._taking_back = taking_back
        self._rewording = rewording
        self._choices = choices
        self._gate = gate
        self._limits = limits
        self._membership = membership
        self._pauses = pauses
        self._asked: OrderedDict[_Key, None] = OrderedDict()

    async def reacted(self, channel: object, payload: discord.RawReactionActionEvent, language: str) -> None:
        """Somebody put a flag under a message, which asks for it in this language."""
        member = payload.member
        if member is None or member.bot or not isinstance(channel, discord.TextChannel | discord.Thread):
            return
        try:
            how = await self._how(channel, member)
        except Refusal as refusal:
            log.info("flag not answered", message=payload.message_id, error=str(refusal))
            return
        key = (payload.message_id, language, member.id if how == "dm" else 0)
        if how is None or key in self._asked:
            return
        self._remember(key)  # nothing is awaited between: of two flags at the same time one is answered
        is_private_and_done = False
        try:
            if await self._stands(key):
                return
            with self._limits.request(member.id):
                is_private_and_done = await self._answer(channel, member, how, key, str(payload.emoji)) and how == "dm"
        except Refusal as refusal:
            log.info("flag not answered", message=payload.message_id, error=str(refusal))
        finally:
            if not is_private_and_done:  # what stands in a channel is stored, and may be asked for again when deleted
                self._asked.pop(key, None)

    async def edited(self, message: discord.Message, rows: Sequence[StoredCopy]) -> None:
        """A message says something else now, and so do its translations."""
        for language in dict.fromkeys(row.language for row in rows):
            there = [row for row in rows if row.language == language]
            payer = Payer.of(message.author, message.guild, message.channel)
            with spoken_in(language):
                shown = await self._rewording.or_original(message, Wish(language, payer))
            texts = fitted(shown, len(there), message.jump_url)
            for row, text in zip(there, texts, strict=False):
                await _rewrite(message, row, text)
            await self._taking_back.these(there[len(texts) :])

    async def _how(self, channel: discord.TextChannel | discord.Thread, member: discord.Member) -> How | None:
        """How this person is answered there; None where nobody is. Raises Refusal."""
        granted = channel.permissions_for(member)
        if not (granted.view_channel and granted.read_message_history):
            return None
        rules = await self._gate.rulebook.at(where(channel.guild, channel, member))
        if rules.flags == "off" or not await self._membership.serves(channel.guild.id):
            return None
        self._pauses.require_none(channel.id, channel.guild.id, *_parents(channel))
        await self._gate.require(channel.guild, channel, member)
        return rules.flags

    async def _stands(self, key: _Key) -> bool:
        """Whether everybody can read it there in this language already."""
        message_id, language, asker = key
        rows = await self._copies.of([message_id]) if not asker else []
        return any(row.language == language and row.mirror_id is None for row in rows)

    async def _answer(
        self,
        channel: discord.TextChannel | discord.Thread,
        member: discord.Member,
        how: How,
        key: _Key,
        flag: str,
    ) -> bool:
        """Whether it was answered."""
        message_id, language, _asker = key
        message = await channel.fetch_message(message_id)
        if await self._choices.left_out([message.author.id], channel.guild.id):
            return False
        with spoken_in(language):
            try:
                shown = await self._shown(message, Wish(language, Payer.of(member, channel.guild, channel)), flag)
            except LLMError as error:
                log.warning("flag not answered", message=message_id, error=repr(error))
                reason = refused(error) if isinstance(error, CannotTranslate) else error
                await _note(message, member, how, explain(reason).sentence)
                return False
            if how == "dm":
                await _send(member, [_(IN_PRIVATE, flag=flag, link=message.jump_url), *shown])
            else:
                await self._reply(message, shown, language)
        return True

    async def _shown(self, message: discord.Message, wish: Wish, flag: str) -> list[str]:
        if not Said.of(message).words.strip():
            return [small(f"{flag} {_(NO_WORDS)}")]
        found, shown = await self._rewording.of(message, wish)
        return [small(f"{flag} {_(SAME, language=name_of(wish.language))}")] if found.same else shown

    async def _reply(self, message: discord.Message, shown: Sequence[str], language: str) -> None:
        """For everybody; remembered, so that it is edited and deleted with the message."""
        first = message
        rows: list[StoredCopy] = []
        try:
            for number, text in enumerate(shown):
                first = await first.reply(text, mention_author=False, allowed_mentions=discord.AllowedMentions.none())
                guild_id = message.guild.id if message.guild else 0
                ids = (first.id, guild_id, message.channel.id, message.id, message.author.id)
                rows.append(StoredCopy(*ids, None, language, number, first.created_at))
                await self._copies.put(rows[-1:])
        finally:
            await self._look_again(message, rows)

    async def _look_again(self, message: discord.Message, rows: Sequence[StoredCopy]) -> None:
        """What happened to it while it was translated: an edit or deletion then had nothing that it could reach."""
        if not rows:
            return
        try:
            now = await message.fetch()
        except discord.NotFound:
            await self._taking_back.these(rows)
            return
        if await self._choices.left_out([message.author.id], rows[0].guild_id):
            await self._taking_back.these(rows)
        elif now.content != message.content or now.attachments != message.attachments:
            await self.edited(now, rows)

    def _remember(self, key: _Key) -> None:
        self._asked[key] = None
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)


async def _note(message: discord.Message, member: discord.Member, how: How, sentence: str) -> None:
    """Say why there is none, where the answer would have been; in a channel only for a moment."""
    if how == "dm":
        await _send(member, [sentence])
    else:
        await message.reply(sentence, mention_author=False, delete_after=NOTED_FOR_S)


async def _send(member: discord.Member, texts: Sequence[str]) -> None:
    """To somebody alone; who takes no private messages gets none."""
    try:
        for text in texts:
            await member.send(text, allowed_mentions=discord.AllowedMentions.none(), suppress_embeds=True)
    except discord.Forbidden:
        log.info("flag not answered: no private messages", person=member.id)
    except TROUBLE as error:
        log.warning("flag not answered", person=member.id, error=str(error))


def _parents(channel: discord.TextChannel | discord.Thread) -> list[int]:
    return [channel.parent_id] if isinstance(channel, discord.Thread) else []


async def _rewrite(message: discord.Message, row: StoredCopy, text: str) -> None:
    """Say this in the place of what stands there; where that fails, it holds up no other."""
    try:
        await _own(message, row.message_id).edit(content=text, allowed_mentions=discord.AllowedMentions.none())
    except TROUBLE as error:
        log.warning("translation not edited", message=row.source_id, error=str(error))


def _own(message: discord.Message, message_id: int) -> discord.PartialMessage:
    """A message of Steward's in the same channel."""
    assert not isinstance(message.channel, discord.PartialMessageable | discord.GroupChannel)
    return message.channel.get_partial_message(message_id)
