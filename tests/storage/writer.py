"""A process that stores message after message and says the id of each one that is safely stored, until it is killed.

With the argument `collect` it says those that are collected only.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

from storage.database import Database
from storage.history import History
from tests.storage.samples import message


async def main(url: str, way: str = "record") -> None:
    async with Database(url) as database:
        history = History(database)
        take = history.collect if way == "collect" else history.record
        for number in itertools.count(1):
            await take([message(number, number - 1 or None)])
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            await asyncio.sleep(0)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
