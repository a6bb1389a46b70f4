"""What happened while nobody listened: messages edited, deleted or said while Steward was offline reach storage.

From the first event of a channel on everything there arrives by itself; what was said before it is compared with
Discord once per connection, when it is used, by a few requests. A connection that was resumed has missed nothing. It
does not know conversations: it is told which messages of a channel are about to be read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import discord
import structlog

from bot.conversation.intake import ORDINARY, Intake
from bot.conversation.rendering import without_remarks
from bot.conversation.streaming import TROUBLE
from storage.history import History, Version

log = structlog.get_logger()

PAGE = 100
"""Messages that Discord gives at once."""
MOST_PAGES = 3
"""Requests per use of a channel; what is further back is looked at when it is used again."""

_Span = tuple[int, int]
"""All messages with ids above the first number, up to and with the second."""


class Reconciling:
    """Compares what is stored with Discord. Raises StorageError; what Discord does not give stays as it is stored."""

    def __init__(self, history: History, intake: Intake, my_id: Callable[[], int]) -> None:
        self._history = history
        self._intake = intake
        self._my_id = my_id
        self._followed: dict[int, int] = {}
        self._compared: defaultdict[int, list[_Span]] = defaultdict(list)

    def heard(self, message: discord.Message) -> None:
        """An event came: from this message on nothing in its channel is missed."""
        self._followed.setdefault(message.channel.id, message.id)

    def fetched(self, message: discord.Message) -> None:
        """Discord has just said what this message is."""
        self._compared[message.channel.id].append((message.id - 1, message.id))

    def reconnected(self) -> None:
        """A connection began that is no continuation of the one before: anything may have happened in between."""
        self._followed.clear()
        self._compared.clear()

    def is_current(self, channel_id: int, message_id: int) -> bool:
        """Whether what is stored of this message is what Discord has, as far as events tell."""
        followed = self._followed.get(channel_id)
        if followed is not None and message_id >= followed:
            return True
        return any(after < message_id <= upto for after, upto in self._compared[channel_id])

    async def compare(self, channel: discord.abc.Messageable, channel_id: int, message_ids: Collection[int]) -> bool:
        """Bring these stored messages, and all others that come with the same requests, up to date, the newest first;
        whether any request was needed."""
        waiting = sorted(number for number in message_ids if not self.is_current(channel_id, number))
        has_asked = bool(waiting)
        for _ in range(MOST_PAGES):
            if not waiting or not await self._page(channel, channel_id, waiting[-1], stores_all=False):
                break
            waiting = [number for number in waiting if not self.is_current(channel_id, number)]
        return has_asked

    async def catch_up(self, channel: discord.abc.Messageable, channel_id: int, before: int, longest: int) -> None:
        """Store what was said before the message `before`, as it is now: at most `longest` messages, once."""
        upto = self._followed.get(channel_id, before) - 1
        for _ in range(min(MOST_PAGES, -(-longest // PAGE))):
            if upto <= 0 or self.is_current(channel_id, upto):
                break
            if not await self._page(channel, channel_id, upto, stores_all=True):
                break
            upto = self._compared[channel_id][-1][0]

    async def _page(self, channel: discord.abc.Messageable, channel_id: int, upto: int, *, stores_all: bool) -> bool:
        """Compare the newest PAGE messages up to `upto`; False where Discord does not give them."""
        if not may_read_history(channel):
            return False
        try:
            before = discord.Object(upto + 1)
            page = [message async for message in channel.history(limit=PAGE, before=before)]
        except TROUBLE as error:
            log.info("channel not compared", channel=channel_id, error=str(error))
            return False
        after = page[-1].id - 1 if len(page) == PAGE else 0
        known = await self._history.versions([message.id for message in page])
        await self._intake.record(self._changed(page, known, stores_all=stores_all))
        mine = self._my_id()
        gone = await self._history.reconcile(
            channel_id,
            {message.id for message in page},
            after,
            upto,
            mine=mine,
            unprompted=[one.id for one in page if one.author.id == mine and one.reference is None],
        )
        self._compared[channel_id].append((after, upto))
        if gone:
            log.info("deleted while away", channel=channel_id, messages=gone)
        return True

    def _changed(
        self, page: Sequence[discord.Message], known: Mapping[int, Version], *, stores_all: bool
    ) -> list[discord.Message]:
        """Those of which something else is stored; where everything is, those that are not stored, too."""
        found = []
        for message in page:
            stored = known.get(message.id)
            is_new = stored is None and stores_all and message.type in ORDINARY
            if is_new or (stored is not None and self._differs(message, stored)):
                found.append(message)
        return found

    def _differs(self, message: discord.Message, stored: Version) -> bool:
        """Whether somebody edited it. Steward's own are edited all the time, and stored when they are complete: of one
        that a sudden end of the process broke off, Discord has more."""
        if message.author.id != self._my_id():
            return (message.edited_at or message.created_at) > stored.written_at
        shown = without_remarks(message.content)
        return shown != stored.content and shown.startswith(stored.content)


def may_read_history(channel: discord.abc.Messageable) -> bool:
    """Whether Discord shows Steward what was said in a channel: where not, it gives empty pages, and no error."""
    if isinstance(channel, discord.Thread) and channel.parent is None:
        return False
    if isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return channel.permissions_for(channel.guild.me).read_message_history
    return True
