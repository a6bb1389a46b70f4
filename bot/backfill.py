"""Messages that were written before a channel was opted into storage are fetched politely: its own, then its threads'.

One page of a hundred messages after the other, the newest first, with a pause between pages: people come first, and
discord.py waits where Discord's rate-limit headers say so. Where it was is remembered after each page, so that it goes
on after a restart. It does not know who decides about storage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import discord
import structlog

from bot.conversation.intake import ORDINARY, Intake
from bot.conversation.pace import Pace
from bot.conversation.streaming import TROUBLE
from bot.errands import Errands
from bot.estimate import PAGE
from bot.public_threads import Channel, public_threads
from storage.errors import StorageError
from storage.settings import GuildSettings, Place, Scope

log = structlog.get_logger()

NAME = "backfill"
"""Under which name the state of a fetch is remembered."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A fetch on its way, or how it ended. `since`: an ISO moment. `at`: the thread that is being fetched, 0 for the
    channel itself, and `cursor` the oldest message of it that was; `left`: threads that come after it, None before they
    were looked up."""

    since: str
    expected: int
    done: int = 0
    cursor: int | None = None
    problem: str = ""
    is_over: bool = False
    at: int = 0
    left: list[int] | None = None


class Backfills:
    """All fetches. Nothing that goes wrong with one leaves it."""

    def __init__(
        self, intake: Intake, stored: GuildSettings, errands: Errands, pace: Pace, my_id: Callable[[], int]
    ) -> None:
        self._intake = intake
        self._stored = stored
        self._errands = errands
        self._pace = pace
        self._my_id = my_id
        self._fetches: dict[int, Fetch] = {}

    def of(self, channel_id: int) -> Fetch | None:
        """The fetch of a channel: on its way, or how the last one of this run ended."""
        return self._fetches.get(channel_id)

    async def begin(self, channel: Channel, days: int, expected: int) -> None:
        """Fetch the messages of the last `days` days, in the background; a fetch on its way gives way to this one."""
        since = self._pace.clock.utc() - timedelta(days=days)
        fetch = Fetch(since.isoformat(), expected)
        await self._remember(channel, fetch)
        self._start(channel, fetch)

    async def stop(self, channel: Channel) -> None:
        """Fetch no further; what was fetched stays."""
        fetch = self._fetches.get(channel.id)
        if fetch is not None and not fetch.is_over:
            self._fetches[channel.id] = replace(fetch, is_over=True, problem="somebody stopped it")
        await self._remember(channel, None)

    async def resume(self, find: Callable[[int], object]) -> None:
        """After a restart: go on with what was not finished. `find` gives a channel by its id, or None."""
        for place, state in (await self._stored.remembered(NAME)).items():
            channel, fetch = find(place.target_id), _parsed(state)
            if isinstance(channel, Channel) and fetch is not None and self.of(channel.id) is None:
                self._start(channel, fetch)

    def _start(self, channel: Channel, fetch: Fetch) -> None:
        self._fetches[channel.id] = fetch
        self._errands.run(self._run(channel, fetch), "backfill")

    async def _run(self, channel: Channel, fetch: Fetch) -> None:
        try:
            while not fetch.is_over:
                after = await self._step(channel, fetch)
                if not self._is_wanted(channel, fetch):
                    return
                fetch = self._fetches[channel.id] = after
                await self._remember(channel, None if fetch.is_over else fetch)
                if not fetch.is_over:
                    await self._pace.clock.sleep(self._pace.fetch_pause_s)
        except discord.Forbidden:
            await self._fail(channel, fetch, "I may not read the history of this channel")
        except TROUBLE as error:
            await self._fail(channel, fetch, "Discord did not let me go on")
            log.warning("backfill ended", channel=channel.id, error=str(error))
        except StorageError as error:
            self._fetches[channel.id] = replace(fetch, is_over=True, problem="my memory (the database) is away")
            log.error("backfill ended", channel=channel.id, error=str(error))

    def _is_wanted(self, channel: Channel, fetch: Fetch) -> bool:
        """Whether it was neither stopped nor begun anew."""
        return self._fetches.get(channel.id) is fetch

    async def _step(self, channel: Channel, fetch: Fetch) -> Fetch:
        """Fetch and store one page; the fetch after it."""
        page = await (_page(channel, fetch) if not fetch.at else _thread_page(channel, fetch))
        if not self._is_wanted(channel, fetch):
            return fetch
        after, is_last = await self._stored_page(page, fetch)
        if not is_last:
            return after
        left = after.left
        if left is None:
            left = [one.id for one in await public_threads(channel, datetime.fromisoformat(fetch.since))]
        if not left:
            return replace(after, left=[], is_over=True)
        return replace(after, at=left[0], left=left[1:], cursor=None)

    async def _stored_page(self, page: Sequence[discord.Message], fetch: Fetch) -> tuple[Fetch, bool]:
        """Store those of a page that are young enough; the fetch after it, and whether that was the last one there."""
        since = datetime.fromisoformat(fetch.since)
        young = [message for message in page if message.created_at >= since]
        wanted = [one for one in young if one.type in ORDINARY and one.author.id != self._my_id()]
        await self._intake.record_texts(wanted)
        cursor = page[-1].id if page else fetch.cursor
        is_last = len(page) < PAGE or len(young) < len(page)
        return replace(fetch, done=fetch.done + len(young), cursor=cursor), is_last

    async def _fail(self, channel: Channel, fetch: Fetch, problem: str) -> None:
        self._fetches[channel.id] = replace(fetch, is_over=True, problem=problem)
        await self._remember(channel, None)

    async def _remember(self, channel: Channel, fetch: Fetch | None) -> None:
        place = Place(channel.guild.id, Scope.CHANNEL, channel.id)
        await self._stored.remember(place, NAME, None if fetch is None else asdict(fetch))


async def _page(place: discord.abc.Messageable, fetch: Fetch) -> list[discord.Message]:
    before = discord.Object(fetch.cursor) if fetch.cursor is not None else None
    return [message async for message in place.history(limit=PAGE, before=before)]


async def _thread_page(channel: Channel, fetch: Fetch) -> list[discord.Message]:
    """The same of the thread whose turn it is; none of one that is gone or may not be read."""
    try:
        thread = channel.guild.get_thread(fetch.at) or await channel.guild.fetch_channel(fetch.at)
        return await _page(thread, fetch) if isinstance(thread, discord.Thread) else []
    except (discord.Forbidden, discord.NotFound):
        return []


def _parsed(state: Any) -> Fetch | None:  # noqa: ANN401 - any JSON
    """A remembered fetch; None where it cannot be one."""
    try:
        return Fetch(**state)
    except TypeError:
        return None
