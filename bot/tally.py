"""What counts against limits beside what is stored of people's use: what is being worked on for them just now, and what
they used today before they had everything deleted. In memory only, and gone with the day, or the process.

Work belongs to the task that does it: it counts from the gate until its use is counted, or the task ends. Pure but for
the tasks and the clock it is given; it does not know the limits (`gate`), nor what is stored (`storage.usage`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from weakref import WeakValueDictionary

from storage.usage import Used, total


@dataclass(frozen=True, slots=True)
class Work:
    """One request that is being worked on: whose, where (None: outside of servers), and with which roles."""

    person_id: int
    guild_id: int | None
    roles: frozenset[int]
    used: Used


class Tally:
    """Keeps it."""

    def __init__(self, utc: Callable[[], datetime]) -> None:
        self._utc = utc
        self._work: dict[asyncio.Task[object], Work] = {}
        self._deleted: defaultdict[tuple[int, int], Used] = defaultdict(Used)
        self._deleted_on: date | None = None
        self._figures: WeakValueDictionary[int | None, asyncio.Lock] = WeakValueDictionary()

    def figures(self, guild_id: int | None) -> AbstractAsyncContextManager[None]:
        """Held by whoever compares a server's figures with limits, and by whoever changes them."""
        lock = self._figures.get(guild_id)
        if lock is None:
            lock = self._figures[guild_id] = asyncio.Lock()
        return lock

    def begin(self, person_id: int, guild_id: int | None, roles: Collection[int], tokens: int) -> None:
        """The current task works on a request from now on, for which at most so many `tokens` are written."""
        task = asyncio.current_task()
        if task is not None:
            if task not in self._work:
                task.add_done_callback(self._end)
            self._work[task] = Work(person_id, guild_id, frozenset(roles), Used(1, 0, tokens))

    def counted(self) -> None:
        """What the current task works on stands in the stored figures now."""
        task = asyncio.current_task()
        if task is not None:
            self._end(task)

    def in_work(self, person_id: int, guild_id: int | None) -> Used:
        """What other tasks work on for a person, in one server or (None) everywhere."""
        return total(
            one.used for one in self._others() if one.person_id == person_id and guild_id in (None, one.guild_id)
        )

    def in_work_for(self, guild_id: int, role_id: int) -> Used:
        """What other tasks work on for all people of a server with this role."""
        return total(one.used for one in self._others() if one.guild_id == guild_id and role_id in one.roles)

    def deleted(self, person_id: int, used: Mapping[int, Used]) -> None:
        """What somebody used today, by server, is no longer stored, since they wanted that."""
        self._forget_yesterday()
        for guild_id, theirs in used.items():
            self._deleted[person_id, guild_id] = total([self._deleted[person_id, guild_id], theirs])

    def used_before(self, person_id: int, guild_id: int | None) -> Used:
        """What somebody used today before they had it deleted, in one server or (None) everywhere."""
        self._forget_yesterday()
        return total(
            used for (person, place), used in self._deleted.items() if person == person_id and guild_id in (None, place)
        )

    def _others(self) -> list[Work]:
        return [work for task, work in self._work.items() if task is not asyncio.current_task()]

    def _end(self, task: asyncio.Task[object]) -> None:
        self._work.pop(task, None)

    def _forget_yesterday(self) -> None:
        if self._deleted_on != self._utc().date():
            self._deleted.clear()
            self._deleted_on = self._utc().date()
