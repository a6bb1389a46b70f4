"""People who are mentioned have their names in every prompt, the same ones, and Discord is not asked for them."""

from __future__ import annotations

from itertools import pairwise

import discord

from bot.conversation.pieces import people_in, rows_of
from storage.database import Database
from storage.history import StoredMessage, StoredPerson
from storage.privacy import Privacy
from tests.bot.conftest import Bot, World
from tests.bot.test_controls import newest
from tests.fakes import ScriptedEngine, reply
from tests.storage.samples import ADA, NOON, message

GRACE, STEWARD = StoredPerson(701, "Grace"), StoredPerson(900, "Steward", is_bot=True)


async def ask(world: World, text: str, answer: discord.Message | None = None) -> discord.Message:
    await world.ada.send(world.channel, f"{world.mention} {text}", reply_to=answer)
    return newest(world)


async def test_in_every_turn_and_after_a_restart(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    engine.enqueue(*(reply(f"{number}.") for number in range(4)))
    answer = await ask(world, f"{world.grace.mention} likes bees")
    assert engine.requests[0].texts[-1] == "Ada: Grace likes bees"
    answer = await ask(world, "what does she like?", answer)
    await world.env.restart_bot(bot.client())
    await world.grace.send(world.channel, "And honey.", reply_to=answer)
    requests = len(world.env.http_requests)
    await ask(world, f"and {world.mention} what do you say, <@!{world.grace.id}>?", world.channel.last_message)
    asked = [one.path for one in world.env.http_requests[requests:] if one.method == "GET"]
    assert not any("users" in path or "members" in path for path in asked)
    texts = [request.texts for request in engine.requests]
    assert texts[-1][1] == "Ada: Grace likes bees" and texts[-1][-1].endswith("what do you say, Grace?")
    assert all(later[: len(before)] == before for before, later in pairwise(texts))


async def test_an_edit_names_others(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("1."), reply("2."), reply("3."))
    question = await world.ada.send(world.channel, f"{world.mention} {world.grace.mention} likes bees")
    linus = world.guild.add_member(world.env.create_user("Linus"))
    await world.ada.edit(question, f"{world.mention} {linus.mention} likes bees")
    assert engine.requests[1].texts[-1] == "Ada: Linus likes bees"


async def test_who_wants_to_be_forgotten_is_somebody(world: World, engine: ScriptedEngine, database: Database) -> None:
    engine.enqueue(reply("1."), reply("2."), reply("3."))
    answer = await ask(world, f"{world.grace.mention} likes bees")
    await Privacy(database).opt_out(world.grace.id, world.guild.id)
    answer = await ask(world, "who does?", answer)
    await ask(world, f"does {world.grace.mention}?", answer)
    assert engine.requests[2].texts[1] == "Ada: someone likes bees"
    assert engine.requests[2].texts[-1] == "Ada: does someone?"


def test_what_comes_later_changes_no_name() -> None:
    """Where no name is stored with a text (of a forwarded message, of long ago), who wrote before it is known."""

    def said(number: int, author: StoredPerson, text: str, mentions: dict[int, str] | None = None) -> StoredMessage:
        return message(number, author=author, content=text, created_at=NOON, mentions=mentions or {})

    talk = [
        said(1, ADA, "> <@701> said so"),
        said(2, GRACE, "I did"),
        said(3, ADA, "<@701> and <@700>"),
        said(4, StoredPerson(701, "Amazing Grace"), "<@701>, me"),
        said(5, ADA, "<@701>", {701: "Gracie"}),
    ]
    assert people_in(talk) == {
        1: {700: "Ada"},
        3: {700: "Ada", 701: "Grace"},
        4: {700: "Ada", 701: "Grace"},
        5: {700: "Ada", 701: "Gracie"},
    }
    for end in range(1, 6):
        assert rows_of(talk[:end], STEWARD.id) == rows_of(talk, STEWARD.id)[:end]
