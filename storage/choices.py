"""What people said yes to: being remembered, being left out, being spared live typing. Knows no message.

A choice holds until it is taken back: no retention ends it. What follows from one is done by `storage.privacy`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.models import Choice
from storage.records import utc_now
from storage.upserts import merge

OUTSIDE = 0
"""Stands for "no server": private messages, or everywhere where a choice counts for all servers."""


class Consent(Enum):
    """What can be chosen, per person and server."""

    MEMORY = "memory"
    OPT_OUT = "opt_out"
    NO_TYPING = "no_typing"


class Choices:
    """Who chose what. `guild_id` None is outside of servers. Every method raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, person_id: int, guild_id: int | None) -> dict[Consent, datetime]:
        """What this person chose in this server, or for everywhere, and when.

        A yes to memory counts for one server, or for private messages, and never for everywhere.
        """
        here = Choice.guild_id == (guild_id or OUTSIDE)
        everywhere = (Choice.guild_id == OUTSIDE) & (Choice.name != Consent.MEMORY.value)
        mine = select(Choice.name, Choice.made_at).where(Choice.person_id == person_id, here | everywhere)
        async with self._database.session(settled=False) as session:
            return {Consent(row.name): row.made_at for row in (await session.execute(mine)).all()}

    async def has(self, person_id: int, guild_id: int | None, consent: Consent) -> bool:
        """Whether this person chose it, in this server or for everywhere."""
        return consent in await self.of(person_id, guild_id)

    async def left_out(self, people: Collection[int], guild_id: int | None) -> set[int]:
        """Which of these people opted out, in this server or everywhere: their messages are not read."""
        if not people:
            return set()
        places = (OUTSIDE, guild_id or OUTSIDE)
        chose = select(Choice.person_id).where(
            Choice.name == Consent.OPT_OUT.value, Choice.person_id.in_(set(people)), Choice.guild_id.in_(places)
        )
        async with self._database.session(settled=False) as session:
            return set(await session.scalars(chose))

    async def choose(self, person_id: int, guild_id: int | None, consent: Consent) -> None:
        """Remember a yes; again changes nothing. An opt-out has consequences: `Privacy.opt_out` is the way to it."""
        async with self._database.write(settled=False) as connection:
            await remember_choice(connection, person_id, guild_id, consent)

    async def withdraw(self, person_id: int, guild_id: int | None, consent: Consent) -> bool:
        """Take a yes back; whether there was one. What was remembered by it is `Memories.forget_all`'s business."""
        gone = delete(Choice).where(
            Choice.person_id == person_id, Choice.guild_id == (guild_id or OUTSIDE), Choice.name == consent.value
        )
        async with self._database.write(settled=False) as connection:
            return bool((await connection.execute(gone)).rowcount)


async def remember_choice(connection: AsyncConnection, person_id: int, guild_id: int | None, consent: Consent) -> None:
    """`Choices.choose`, inside a transaction."""
    row = {"person_id": person_id, "guild_id": guild_id or OUTSIDE, "name": consent.value, "made_at": utc_now()}
    await merge(connection, Choice, [row], None)


async def opted_out(connection: AsyncConnection, people: Collection[int]) -> set[tuple[int, int]]:
    """Which of these people want to be left out, as (person, server); the server OUTSIDE means everywhere."""
    some = select(Choice.person_id, Choice.guild_id).where(
        Choice.name == Consent.OPT_OUT.value, Choice.person_id.in_(people)
    )
    return {(row.person_id, row.guild_id) for row in (await connection.execute(some)).all()}
