"""What is said in a mirrored channel is posted in the other one, translated; edits and deletions follow it.

Messages of programs are not carried: so nothing goes round in circles. Whether a pair may go on (who reads there, what
Steward may do) is looked at with every message. It does not know who sets up pairs, nor how a text is translated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

import discord
import structlog

from bot.conversation.pausing import Pauses
from bot.conversation.reading import WRITTEN
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands
from bot.language import N_, _
from bot.membership import Membership
from bot.metering import Payer
from bot.mirrors.catching_up import catch_up
from bot.mirrors.flags import Flags
from bot.mirrors.hooks import Hooks, NoWebhook
from bot.mirrors.lanes import Edited, Gone, Lanes, New
from bot.mirrors.latest import Latest
from bot.mirrors.pairs import Pairs
from bot.mirrors.quoting import Quoting
from bot.mirrors.resting import Rest, require_fit
from bot.mirrors.rewording import Rewording, Wish, spoken_in
from bot.mirrors.taking_back import FetchChannel, GetChannel, TakingBack
from bot.mirrors.wording import Face, Said, fitted
from bot.settings.resolving import Where
from storage.choices import Choices
from storage.errors import StorageError
from storage.mirrors import Copies, StoredCopy, StoredMirror

log = structlog.get_logger()

LEFT_OUT = N_("{count} messages of {channel} are not here: too many came at once.")


@dataclass(frozen=True, slots=True)
class _Way:
    """From a message to where it goes."""

    mirror: StoredMirror
    to: discord.TextChannel
    language: str


class Mirroring:
    """Carries messages. What is awaited raises StorageError."""

    def __init__(
        self,
        *,
        pairs: Pairs,
        copies: Copies,
        hooks: Hooks,
        taking_back: TakingBack,
        rewording: Rewording,
        quoting: Quoting,
        flags: Flags,
        choices: Choices,
        membership: Membership,
        pauses: Pauses,
        errands: Errands,
        my_id: Callable[[], int],
    ) -> None:
        self._pairs = pairs
        self._copies = copies
        self._hooks = hooks
        self._taking_back = taking_back
        self._rewording = rewording
        self._quoting = quoting
        self._flags = flags
        self._choices = choices
        self._membership = membership
        self._pauses = pauses
        self._errands = errands
        self._my_id = my_id
        self._lanes = Lanes(errands, said=self._said, changed=self._changed, full=self._full)
        self._gone, self._texts = Latest(), Latest()
        self._channel: GetChannel = lambda channel_id: None

    async def begin(self, channel: GetChannel, fetch: FetchChannel) -> None:
        """Take over the pairs of an earlier run; both find one of Discord's channels, as `TakingBack.begin` says."""
        self._channel = channel
        self._taking_back.begin(channel, fetch)
        await self._pairs.load()

    # what the gateway tells

    def hears(self, message: discord.Message) -> None:
        """Somebody said something somewhere."""
        is_program = message.author.bot or message.webhook_id is not None
        if message.guild is None or is_program or message.type not in WRITTEN:
            return
        if self._pairs.of(message.channel.id):
            self._texts.changed(message.id, _hash(message))
            self._lanes.enter(message.channel.id, New(message))

    def edited(self, message: discord.Message) -> None:
        """It was edited, perhaps: link previews and pins come as edits, too."""
        if message.guild is None or message.edited_at is None or message.author.id == self._my_id():
            return
        if self._texts.changed(message.id, _hash(message)):
            self._lanes.enter(message.channel.id, Edited(message))

    def deleted(self, channel_id: int, message_ids: Collection[int]) -> None:
        """They were deleted, perhaps before they were carried."""
        for message_id in message_ids:
            self._gone.changed(message_id)
        self._lanes.enter(channel_id, Gone(tuple(message_ids)))

    async def catch_up(self) -> None:
        """A session has begun: edits and deletions that nobody heard of follow now."""
        await catch_up(self._pairs, self._copies, self._channel, edited=self.edited, deleted=self.deleted)

    async def place_deleted(self, channel_id: int) -> None:
        """A channel is gone; what it had said elsewhere stays there."""
        await self._pairs.end_in(channel_id)

    async def looked_at_again(self, guild: discord.Guild, channel_id: int | None = None) -> None:
        """Somebody changed who may do what, there or (None) by a role."""
        for mirror in self._pairs.in_guild(guild.id):
            if not mirror.stopped and (channel_id is None or channel_id in mirror.channel_ids):
                await self._way(mirror, guild.get_channel(channel_id or mirror.one.channel_id))

    async def leaves(self, person_id: int, guild_id: int | None) -> None:
        """Somebody wants nothing of theirs kept: what was made of their words elsewhere is taken back."""
        found = await self._copies.of_person(person_id, guild_id)
        if found:
            self._errands.run(self._taking_back.these(found), "copies of somebody who leaves")

    # what stands in line

    async def _said(self, messages: Sequence[discord.Message]) -> None:
        """Translate together, post one after the other."""
        left_out = await self._choices.left_out([one.author.id for one in messages], _guild_id(messages[0]))
        wanted = [one for one in messages if one.author.id not in left_out]
        for mirror in self._pairs.of(messages[0].channel.id):
            way = await self._way(mirror, messages[0].channel)
            if way is None or not wanted or await self._is_silent(messages[0], way):
                continue
            ready = await asyncio.gather(*(self._texts_for(one, way) for one in wanted), return_exceptions=True)
            for message, shown in zip(wanted, ready, strict=True):
                if isinstance(shown, BaseException):
                    log.error("message not mirrored", message=message.id, exc_info=shown)
                elif not (await self._still_goes(message, way) and await self._post(message, way, shown)):
                    break

    async def _still_goes(self, message: discord.Message, way: _Way) -> bool:
        """Whether what was so before the translation, which takes a while, is so now."""
        mirror = self._pairs.get(way.mirror.id)
        now = await self._way(mirror, message.channel) if mirror else None
        return now is not None and now.language == way.language and not await self._is_silent(message, now)

    async def _post(self, message: discord.Message, way: _Way, shown: Sequence[str]) -> bool:
        """Whether the pair goes on."""
        face = Face.of(message.author)
        for number, text in enumerate(shown):
            if message.id in self._gone or await self._is_left_out(message):
                break
            try:
                posted = await self._hooks.post(way.to, text, face)
            except NoWebhook as error:
                await self._rest(way.mirror, way.to.guild, Rest("webhook", str(error)))
                return False
            except TROUBLE as error:
                log.warning("message not mirrored", message=message.id, error=str(error))
                break
            if not await self._keep(_copy(message, way, posted.id, number)):
                return False
        return True

    async def _keep(self, copy: StoredCopy) -> bool:
        """Remember what was posted, or take it back: its pair may have ended, or its writer left, meanwhile. Whether
        the pair goes on."""
        try:
            await self._copies.put([copy])
        except StorageError as error:
            log.warning("copy not remembered, so taken back", message=copy.source_id, error=str(error))
            await self._taking_back.these([copy])
            return False
        if await self._choices.left_out([copy.person_id], copy.guild_id):
            await self._taking_back.these([copy])
        return True

    async def _is_left_out(self, message: discord.Message) -> bool:
        return bool(await self._choices.left_out([message.author.id], _guild_id(message)))

    async def _texts_for(self, message: discord.Message, way: _Way) -> list[str]:
        with spoken_in(way.language):
            above = await self._quoting.above(message, way.mirror, way.to)
            usual = way.mirror.beyond(way.to.id).language
            return await self._rewording.or_original(message, Wish(way.language, self._payer(message), above, usual))

    async def _changed(self, event: Edited | Gone) -> None:
        if isinstance(event, Gone):
            await self._taking_back.these(await self._copies.of(event.message_ids))
            await self._copies.forget(event.message_ids)  # those that were copies themselves
            return
        message = event.message
        found = await self._copies.of([message.id])
        if not found or await self._is_left_out(message):
            return
        await self._flags.edited(message, [row for row in found if row.mirror_id is None])
        for mirror_id, some in groupby(sorted(found, key=_mirror_id), key=_mirror_id):
            mirror = self._pairs.get(mirror_id)
            way = await self._way(mirror, message.channel) if mirror else None
            if way is not None:
                await self._rewrite(list(some), await self._texts_for(message, way), Said.of(message).link)
                if message.edited_at is not None:
                    await self._copies.rewritten(message.id, mirror_id, message.edited_at)

    async def _rewrite(self, rows: Sequence[StoredCopy], shown: Sequence[str], link: str) -> None:
        """Other texts in the place of those that stand there; what is too much of them goes."""
        texts = fitted(shown, len(rows), link)
        for row, text in zip(rows, texts, strict=False):
            channel = self._channel(row.channel_id)
            try:
                if isinstance(channel, discord.TextChannel):
                    await self._hooks.edit(channel, row.message_id, text)
            except (*TROUBLE, NoWebhook) as error:
                log.warning("edit not mirrored", message=row.source_id, error=str(error))
        await self._taking_back.these(rows[len(texts) :])

    async def _full(self, left_out: Collection[discord.Message]) -> None:
        """The other channel is told what it does not see."""
        channel = next(iter(left_out)).channel
        for mirror in self._pairs.of(channel.id):
            way = await self._way(mirror, channel)
            if way is None:
                continue
            with spoken_in(way.language):
                text = _(LEFT_OUT, count=len(left_out), channel=f"<#{channel.id}>")
            try:
                await way.to.send(text)
            except TROUBLE as error:
                log.warning("nobody could be told", channel=way.to.id, error=str(error))

    # whether a pair may go on

    async def _way(self, mirror: StoredMirror, channel: object) -> _Way | None:
        """The way to the other side; None, and the pair rests, where it may not go on."""
        if not isinstance(channel, discord.TextChannel):
            return None
        side = mirror.beyond(channel.id)
        to = channel.guild.get_channel(side.channel_id)
        if not isinstance(to, discord.TextChannel):
            return None
        rest = require_fit(channel, to, mirror.confirmed)
        if rest is not None:
            await self._rest(mirror, channel.guild, rest)
            return None
        return _Way(mirror, to, side.language)

    async def _rest(self, mirror: StoredMirror, guild: discord.Guild, rest: Rest) -> None:
        """Let the pair rest, and say so once, in the first of its channels that takes it."""
        if not await self._pairs.rest(mirror, rest.why):
            return
        log.warning("mirror rests", guild=mirror.guild_id, mirror=mirror.id, why=rest.why)
        for side in (mirror.one, mirror.other):
            channel = guild.get_channel(side.channel_id)
            if not isinstance(channel, discord.TextChannel):
                continue
            with spoken_in(side.language):
                text = rest.sentence(f"<#{mirror.beyond(channel.id).channel_id}>")
            try:
                await channel.send(text)
                return
            except TROUBLE as error:
                log.warning("nobody could be told", channel=channel.id, error=str(error))

    async def _is_silent(self, message: discord.Message, way: _Way) -> bool:
        guild_id = _guild_id(message)
        is_paused = self._pauses.hold(message.channel.id, way.to.id, guild_id)
        return is_paused or not await self._membership.serves(guild_id)

    def _payer(self, message: discord.Message) -> Payer:
        """The server: who talks there did not ask for it."""
        return Payer(self._my_id(), Where(_guild_id(message), (message.channel.id,)))


def _copy(message: discord.Message, way: _Way, message_id: int, number: int) -> StoredCopy:
    return StoredCopy(
        message_id,
        _guild_id(message),
        way.to.id,
        message.id,
        message.author.id,
        way.mirror.id,
        way.language,
        number,
        created_at=discord.utils.snowflake_time(message_id),
    )


def _hash(message: discord.Message) -> int:
    """Of what a copy of it shows."""
    return hash((message.content, *(one.id for one in message.attachments)))


def _guild_id(message: discord.Message) -> int:
    return message.guild.id if message.guild else 0


def _mirror_id(copy: StoredCopy) -> int:
    return copy.mirror_id or 0
