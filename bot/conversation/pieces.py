"""A stored conversation → the pieces of a prompt. It knows Discord's names and storage's rows, no budgets."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import discord

from bot.conversation.context import Exchange, Row, Summary, exchanges
from bot.conversation.naming import names_in
from llm.types import ChatImage
from storage.history import StoredMessage

LONG = 100_000
"""Characters from which on a conversation is read in a thread: until then it takes a few milliseconds."""


def rows_of(
    stored: Sequence[StoredMessage],
    mine: int,
    without: Collection[int] = (),
    images: Mapping[int, tuple[ChatImage, ...]] | None = None,
) -> list[Row]:
    """What was said, as rows of a prompt; `mine` is Steward's id, `without` holds messages that do not count, `images`
    the pictures that go with messages."""
    people = people_in(stored)
    return [
        Row(
            row.id,
            row.author.name,
            row.author.id == mine,
            row.content,
            row.reply_to,
            row.tokens,
            Summary(row.digest.text, row.digest.messages) if row.digest else None,
            (images or {}).get(row.id, ()),
            people.get(row.id, {}),
        )
        for row in stored
        if row.id not in without
    ]


def people_in(stored: Sequence[StoredMessage]) -> dict[int, dict[int, str]]:
    """What those are called whom each message, by its id, may mention: as they were when it was written, or else when
    they themselves wrote something before it. What comes later changes no name, so a prompt's beginning stays."""
    wrote: dict[int, str] = {}
    found = {}
    for row in stored:
        wrote.setdefault(row.author.id, row.author.name)
        if "<@" in row.content:
            found[row.id] = wrote | dict(row.mentions)
    return found


async def pieces_of(
    rows: Sequence[Row],
    guild: discord.Guild | None,
    me: discord.ClientUser,
    beside: Mapping[int, Sequence[str]] | None = None,
) -> list[Exchange]:
    """The rows in pieces, with the names of the server's places, and with what is recalled `beside` them.

    Attached files make conversations of megabytes: meanwhile everybody else is served."""
    names = names_in(guild, me, {})
    if sum(len(row.content) for row in rows) < LONG:
        return exchanges(rows, names, beside)
    return await asyncio.to_thread(exchanges, rows, names, beside)
