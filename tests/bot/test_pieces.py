"""A long conversation is made into pieces without holding up everybody else."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import discord
import pytest

from bot.conversation.context import Row, exchanges
from bot.conversation.naming import names_in
from bot.conversation.pieces import LONG, pieces_of

ME = cast(discord.ClientUser, SimpleNamespace(id=1, display_name="Steward"))


def rows(length: int) -> list[Row]:
    return [Row(7, "Ada", False, "one: two <@1> " * (length // 14 + 1)), Row(8, "Steward", True, "Yes.", 7)]


@pytest.mark.parametrize(("length", "is_aside"), [(100, False), (LONG, True)])
async def test_others_go_on_while_it_is_long(length: int, is_aside: bool) -> None:
    said = rows(length)
    making = asyncio.create_task(pieces_of(said, None, ME))
    await asyncio.sleep(0)
    assert making.done() != is_aside
    assert await making == exchanges(said, names_in(None, ME, {}))
