"""Whose turn it is among those who share one thing: whoever has had the least of it goes next.

This is deficit round robin with rounds of one token each: instead of handing out credit round by round, every party's
account counts what was spent on it, and the smallest account is the one that credit would have reached first. What an
answer costs is known only when it has been said, so accounts are charged while it is being said: the virtual token
counters of "Fairness in Serving Large Language Models" (Sheng and others, OSDI 2024). Who was away begins at the level
that those present have reached: absence earns nothing.

Pure, and in whole tokens, so that sums are exact. It does not know what an entry is, nor whether there is room for it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar


class Costly(Protocol):
    """What can wait in a share: something with a price in tokens."""

    @property
    def cost(self) -> int: ...


T = TypeVar("T", bound=Costly)


class Share(Generic[T]):
    """One party. Either it is divided among parts (a queue's guilds, a guild's people), or it has a queue of entries.

    A path names a part by its keys from here downwards; the empty path is this party itself. All entries of one tree
    have paths of the same length."""

    def __init__(self, spent: int = 0) -> None:
        """`spent`: the account to begin with, in tokens on the scale that this party's siblings share."""
        self.spent = spent
        self.waiting = 0
        self._present = 0  # entries that wait or run
        self._turn = 0  # of the parent's turns, the one in which this party was last served or began to wait
        self._queue: deque[T] = deque()
        self._parts: dict[str, Share[T]] = {}
        self._level = 0  # what one who was neither idle nor greedy has spent by now: where newcomers begin
        self._rest = 0  # tokens spent since the level was last raised; below zero after more was given back
        self._here = 0  # parts that have entries
        self._turns = 0

    def add(self, path: Sequence[str], entry: T) -> None:
        """Put an entry at the end of a queue."""
        self.waiting += 1
        self._present += 1
        if path:
            self._joined(path[0]).add(path[1:], entry)
        else:
            self._queue.append(entry)

    def remove(self, path: Sequence[str], entry: T) -> None:
        """Forget an entry that waits."""
        self.waiting -= 1
        if path:
            self._parts[path[0]].remove(path[1:], entry)
        else:
            self._queue.remove(entry)
        self._gone(path)

    def take(self, path: Sequence[str]) -> None:
        """The first entry of this queue gets its turn: it no longer waits, it runs until `end`."""
        self.waiting -= 1
        if not path:
            self._queue.popleft()
            return
        self._level = max(self._level, min(part.spent for part in self._parts.values() if part.waiting))
        self._parts = {key: part for key, part in self._parts.items() if part._counts(self._level)}
        part = self._parts[path[0]]
        part._turn = self._next_turn()
        part.take(path[1:])

    def spend(self, path: Sequence[str], tokens: int, cost: int, running: int = 0) -> None:
        """Charge what a running entry of that `cost` has used since the last time; less than nothing is given back.

        `running`: the tokens that all running entries cost. Nobody comes to owe more than one entry, or an even part of
        these: who had everything while nobody else was there is not shut out until the others have had as much."""
        if not path:
            return
        self._rest += tokens
        if self._rest >= self._here:
            each, self._rest = divmod(self._rest, self._here)
            self._level += each
        part = self._parts[path[0]]
        most = self._level + max(cost, running // self._here)
        part.spent = min(part.spent + tokens, max(part.spent, most))
        part.spend(path[1:], tokens, cost, running)

    def end(self, path: Sequence[str]) -> None:
        """A running entry is over."""
        if path:
            self._parts[path[0]].end(path[1:])
        self._gone(path)

    def heads(self) -> Iterator[T]:
        """The first entry of every queue, in the order of their turns; taking the first one costs O(parts)."""
        if not self._parts:
            yield from list(self._queue)[:1]
            return
        heap = self._line()
        while heap:
            yield from heapq.heappop(heap)[2].heads()

    def order(self) -> Iterator[T]:
        """All entries in the order of their turns, were nobody else to come and each to use up its cost."""
        if not self._parts:
            yield from self._queue
            return
        heap = [(spent, turn, part.order()) for spent, turn, part in self._line()]
        turns = self._turns
        while heap:
            spent, _, entries = heap[0]
            entry = next(entries, None)
            if entry is None:
                heapq.heappop(heap)
                continue
            yield entry
            turns += 1
            heapq.heapreplace(heap, (spent + entry.cost, turns, entries))

    def _line(self) -> list[tuple[int, int, Share[T]]]:
        """The parts that wait, as a heap: smallest account first, among equals the one whose turn is longest ago."""
        line = [(part.spent, part._turn, part) for part in self._parts.values() if part.waiting]
        heapq.heapify(line)
        return line

    def _joined(self, key: str) -> Share[T]:
        """The part of that name, about to wait. Unless it waits already, it has no claim to what was given before."""
        part = self._parts.setdefault(key, Share(self._level))
        self._here += not part._present
        if not part.waiting:
            part.spent = max(part.spent, self._level)
            part._turn = self._next_turn()
        return part

    def _next_turn(self) -> int:
        self._turns += 1
        return self._turns

    def _counts(self, level: int) -> bool:
        """Whether this account still says something: who left owes what was spent beyond the siblings' level."""
        return self._present > 0 or self.spent > level

    def _gone(self, path: Sequence[str]) -> None:
        """One entry less; with the last one, all debts are forgotten."""
        self._present -= 1
        if path:
            part = self._parts[path[0]]
            self._here -= not part._present
            if not part._counts(self._level):
                del self._parts[path[0]]
        if not self._present:
            self._parts.clear()
