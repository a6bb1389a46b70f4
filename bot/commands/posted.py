"""What people posted from their private answers follows what it rests on: when a message is deleted or changed, or its
author wants to be left out, the sentences that cite it are taken out of what was posted.

It knows by the links in a posted answer what that rests on; how answers are made is not its business.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import discord
import structlog

from bot.commands.cited_text import cited_in, without_citing
from bot.conversation.newest import Places
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands
from bot.language import N_, _, aloud, speaking, speech_for
from storage.posted import PostedSources, Rests

log = structlog.get_logger()

NOTHING_LEFT = N_("Nothing is left of that: the messages that it rests on were deleted.")
LOOKED_AT_AGAIN, BETWEEN_S = 500, 1.0
"""Links in posted answers that are looked at after a start, and how fast."""


class Posted:
    """Keeps posted answers true; `language_in` names the language that was chosen for a channel of a server. Methods
    raise StorageError."""

    def __init__(
        self, sources: PostedSources, places: Places, errands: Errands, language_in: Callable[[int, int], str]
    ) -> None:
        self._sources = sources
        self._places = places
        self._errands = errands
        self._language_in = language_in
        self._one_at_a_time = asyncio.Lock()

    def follow(self, message: discord.Message, guild_id: int) -> None:
        """This was posted just now: what it cites is looked at once more, and watched from then on."""
        cited = cited_in(message.content)
        if cited:
            self._errands.run(self._follow(message, guild_id, cited), "posted answer")

    async def deleted(self, message_ids: Collection[int]) -> None:
        """Messages were deleted: perhaps some that a posted answer rests on, perhaps a posted one."""
        found = await self._sources.on(message_ids)
        await self._sources.gone(message_ids)
        await self._take_out([one for one in found if one.message_id not in set(message_ids)])

    async def edited(self, message: discord.Message) -> None:
        """A message was edited; link previews come as edits, too, but change no text."""
        if message.edited_at is not None:
            moment = message.edited_at
            await self._take_out([one for one in await self._sources.on([message.id]) if one.written_at < moment])

    async def place_deleted(self, channel_id: int) -> None:
        """A channel or thread was deleted, with everything in it."""
        found = [one for one in await self._sources.on_place(channel_id) if one.channel_id != channel_id]
        await self._take_out(found)
        await self._sources.gone_in(channel_id)

    async def leaves(self, person_id: int, guild_id: int | None) -> None:
        """Somebody wants nothing of theirs kept, nor read."""
        found = await self._sources.on_person(person_id, guild_id)
        if found:
            self._errands.run(self._take_out(found), "posted answers of somebody who leaves")

    async def look_again(self) -> None:
        """After a time without a connection: take out what rests on messages that went or changed meanwhile. One
        message a second is looked at, of what was posted last."""
        for one in await self._sources.newest(LOOKED_AT_AGAIN):
            try:
                source = await self._places(one.place_id, one.guild_id).fetch_message(one.source_id)
                is_true = (source.edited_at or source.created_at) <= one.written_at
            except discord.NotFound:
                is_true = False
            except TROUBLE as error:
                log.info("source not looked at", message=one.message_id, error=str(error))
                continue
            if not is_true:
                await self._take_out([one])
            await asyncio.sleep(BETWEEN_S)

    async def _follow(self, message: discord.Message, guild_id: int, cited: dict[int, int]) -> None:
        gone: list[Rests] = []
        for source_id, place_id in cited.items():
            person_id, written_at = 0, message.created_at
            try:
                source = await self._places(place_id, guild_id).fetch_message(source_id)
                person_id, written_at = source.author.id, source.edited_at or source.created_at
            except TROUBLE as error:
                log.info("source not found", message=message.id, error=str(error))
            one = Rests(
                message.id,
                source_id,
                guild_id,
                message.channel.id,
                place_id,
                person_id,
                written_at,
                message.created_at,
            )
            await self._sources.put([one])  # at once: it may be deleted while the others are looked at
            gone += [] if person_id else [one]
        await self._take_out(gone)

    async def _take_out(self, rests: Sequence[Rests]) -> None:
        """These sentences are not true any more."""
        by_message: defaultdict[tuple[int, int, int], list[Rests]] = defaultdict(list)
        for one in rests:
            by_message[one.message_id, one.channel_id, one.guild_id].append(one)
        for (message_id, channel_id, guild_id), some in by_message.items():
            async with self._one_at_a_time:
                try:
                    await self._change(message_id, channel_id, guild_id, {one.source_id for one in some})
                except discord.NotFound:
                    log.info("posted answer gone", message=message_id)
                except TROUBLE as error:
                    log.warning("posted answer not changed", message=message_id, error=str(error))
                    continue  # what it rests on stays known
                await self._sources.forget(some)

    async def _change(self, message_id: int, channel_id: int, guild_id: int, gone: Collection[int]) -> None:
        """Take out of one posted answer what rests on messages that are gone. Raises discord's errors."""
        posted = await self._places(channel_id, guild_id).fetch_message(message_id)
        left = without_citing(posted.content, gone)
        if left == posted.content:
            return
        locale = posted.guild.preferred_locale if posted.guild else None
        with speaking(speech_for(locale, locale)), aloud(self._language_in(guild_id, channel_id)):
            nothing = _(NOTHING_LEFT)
        await posted.edit(content=nothing if left is None else left, suppress=True)
