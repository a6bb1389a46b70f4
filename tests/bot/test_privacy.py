"""/privacy: what is shown, handed over and deleted, and that who opted out is not read anywhere."""

from __future__ import annotations

import json

import pytest
from simcord.actors import MemberActor
from simcord.results import InteractionResult, ResponseMessage
from sqlalchemy import text as sql

from bot.commands.holding import FAR_DATABASE, KEPT, NEAR_DATABASE, OWN_DATABASE, place_of
from bot.commands.privacy import ALREADY_OUT, FILE, IS_IN, LEFT_ALONE, NOTHING, STAYS, STILL_OUT, WAS_IN
from bot.errors import LeftOut, explain
from bot.whereabouts import OWN_MACHINE
from storage.choices import Choices, Consent
from storage.database import Database
from storage.errors import DatabaseUnavailable
from storage.history import History
from storage.privacy import OPT_OUT_STAYS, Privacy
from storage.settings import GuildSettings, Place, Scope
from tests.bot.conftest import Bot, World
from tests.bot.test_commands import text_of, was_deferred
from tests.fakes import ScriptedEngine, reply

DELETE, OPT_OUT, KEEP = "steward:mine:privacy-delete:{}", "steward:mine:privacy-opt-out:{}", "steward:mine:keep:"
HERE = "in this server"


async def talk(world: World, engine: ScriptedEngine, said: str = "my favourite colour is green") -> None:
    """Ada says something and is answered."""
    engine.enqueue(reply("A fine colour."))
    await world.ada.send(world.channel, f"{world.mention} {said}")


def shown(result: InteractionResult) -> ResponseMessage:
    assert result.response is not None
    return result.response


async def opt_out(world: World, who: MemberActor, where: str = "here") -> str:
    """Ask for it and confirm it; what is said in the end."""
    asked = shown(await who.slash(world.channel, "privacy opt-out", where=where))
    await who.click(asked, custom_id=OPT_OUT.format(where))
    return asked.content


class TestShow:
    async def test_it_says_what_is_held_where_and_how_long(self, world: World, engine: ScriptedEngine) -> None:
        await talk(world, engine)
        told = text_of(await world.ada.slash(world.channel, "privacy show"))
        assert was_deferred(world)
        assert "1 message of yours" in told and "entry on how I answered you" in told and "The oldest of it" in told
        assert "go after 30 days" in told and OWN_MACHINE in told and OWN_DATABASE in told and "`scripted`" in told
        assert "memory is off" in told and "nothing that moderates is switched on" in told
        assert len(told) <= 2000

    async def test_of_others_it_says_nothing(self, world: World, engine: ScriptedEngine) -> None:
        await talk(world, engine)
        assert "- nothing" in text_of(await world.grace.slash(world.channel, "privacy show"))

    async def test_what_the_managers_chose_is_said(self, world: World, database: Database) -> None:
        place, channel = Place(world.guild.id), Place(world.guild.id, Scope.CHANNEL, world.channel.id)
        await GuildSettings(database).put(place, "retention_days", 7, by=1)
        await GuildSettings(database).put(channel, "store", "everything", by=1)
        told = text_of(await world.ada.slash(world.channel, "privacy show"))
        assert KEPT["everything"] in told and "go after 7 days" in told
        assert "older than 7 days are deleted" in text_of(await world.ada.slash(world.channel, "usage"))

    async def test_an_engine_that_is_away_is_said(self, world: World, engine: ScriptedEngine) -> None:
        await engine.stop()
        assert "not reachable right now" in text_of(await world.ada.slash(world.channel, "privacy show"))

    async def test_in_private_it_works_even_where_talking_is_off(self, world: World, engine: ScriptedEngine) -> None:
        await talk(world, engine)
        told = text_of(await world.ada.user.slash("privacy show"))
        assert "**What I keep of you everywhere**" in told and "1 message of yours" in told

    @pytest.mark.parametrize(
        ("host", "said"),
        [(None, OWN_DATABASE), ("127.0.0.1", OWN_DATABASE), ("::1", OWN_DATABASE), ("db", NEAR_DATABASE)],
    )
    def test_where_the_database_is(self, host: str | None, said: str) -> None:
        assert place_of(host) == said
        assert place_of("db.example.com") == FAR_DATABASE.format(host="db.example.com")


class TestExport:
    async def test_it_is_a_file_for_one_person(self, world: World, engine: ScriptedEngine) -> None:
        await talk(world, engine)
        response = shown(await world.ada.slash(world.channel, "privacy export"))
        assert response.ephemeral
        (file,) = response.attachments
        assert file.filename == FILE and file.description
        exported = json.loads(await file.read())
        assert exported["person_id"] == str(world.ada.id) and exported["server_id"] == str(world.guild.id)
        assert ["green" in message["content"] for message in exported["messages"]] == [True]
        assert [answer["content"] for answer in exported["answers"]] == ["A fine colour."]

    async def test_a_database_that_is_gone_is_said(self, world: World, database: Database) -> None:
        async with database.write() as connection:
            await connection.execute(sql("ALTER TABLE memories RENAME TO elsewhere"))
        for name in ("show", "export", "delete"):
            told = text_of(await world.ada.slash(world.channel, f"privacy {name}"))
            assert told == explain(DatabaseUnavailable()).sentence


class TestDelete:
    async def test_it_asks_and_then_leaves_a_receipt(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        await talk(world, engine)
        asked = shown(await world.ada.slash(world.channel, "privacy delete"))
        assert "Shall I delete everything" in asked.content and "1 message of yours" in asked.content
        assert (await Privacy(database).held(world.ada.id))["messages"] == 1
        await world.ada.click(asked, custom_id=DELETE.format("here"))
        assert asked.components == []
        assert "**Deleted in this server:**\n- 1 answer of mine to you" in asked.content
        assert "1 message of yours" in asked.content and all(sentence in asked.content for sentence in STAYS)
        assert not any((await Privacy(database).held(world.ada.id)).values())

    async def test_what_was_told_is_in_no_later_prompt(self, world: World, engine: ScriptedEngine) -> None:
        await talk(world, engine)
        answer = world.channel.last_message
        asked = shown(await world.ada.slash(world.channel, "privacy delete", where="everywhere"))
        await world.ada.click(asked, custom_id=DELETE.format("everywhere"))
        engine.enqueue(reply("I do not know."))
        await world.grace.send(world.channel, "what did she say?", reply_to=answer)
        assert not any("green" in text or "fine colour" in text for text in engine.requests[-1].texts)

    async def test_it_can_be_left(self, world: World, engine: ScriptedEngine, database: Database) -> None:
        await talk(world, engine)
        asked = shown(await world.ada.slash(world.channel, "privacy delete"))
        await world.ada.click(asked, custom_id=KEEP)
        assert asked.content == LEFT_ALONE and asked.components == []
        assert (await Privacy(database).held(world.ada.id))["messages"] == 1

    async def test_it_can_be_confirmed_after_a_restart(
        self, world: World, engine: ScriptedEngine, bot: Bot, database: Database
    ) -> None:
        await talk(world, engine)
        asked = shown(await world.ada.slash(world.channel, "privacy delete"))
        await world.env.restart_bot(bot.client())
        await world.ada.click(asked, custom_id=DELETE.format("here"))
        assert not any((await Privacy(database).held(world.ada.id)).values())

    async def test_where_there_is_nothing_it_does_not_ask(self, world: World) -> None:
        told = text_of(await world.ada.slash(world.channel, "privacy delete"))
        assert told == NOTHING.format(where=HERE)

    @pytest.mark.settings(bot={"requests_per_minute": 1})
    async def test_nobody_keeps_the_database_busy(self, world: World, engine: ScriptedEngine) -> None:
        await world.ada.slash(world.channel, "privacy export")
        assert "in the last minute" in text_of(await world.ada.slash(world.channel, "privacy export"))


class TestOptOut:
    async def test_their_messages_are_neither_read_nor_kept(
        self, world: World, engine: ScriptedEngine, database: Database, history: History
    ) -> None:
        await talk(world, engine)
        asked = shown(await world.ada.slash(world.channel, "privacy opt-out"))
        assert (await Privacy(database).held(world.ada.id))["messages"] == 1, "not before it is confirmed"
        await world.ada.click(asked, custom_id=OPT_OUT.format("here"))
        assert "I leave you out in this server" in asked.content and OPT_OUT_STAYS in asked.content
        assert (await Privacy(database).held(world.ada.id))["messages"] == 0

        said = await world.ada.send(world.channel, f"{world.mention} the vault is open")
        assert world.said()[-1] == explain(LeftOut()).sentence
        engine.enqueue(reply("I cannot read that."))
        await world.grace.send(world.channel, f"{world.mention} what does she say?", reply_to=said)
        assert engine.requests[-1].texts[1:] == ["Grace: what does she say?"]
        assert [row.content for row in (await history.chain(said.id)).messages] == [""]

    async def test_where_everything_is_for_steward_only_who_calls_it_is_told(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        await opt_out(world, world.ada)
        channel = Place(world.guild.id, Scope.CHANNEL, world.channel.id)
        await GuildSettings(database).put(channel, "answer_when", "everything", by=1)
        await world.ada.send(world.channel, "the vault is open")
        assert world.said() == [] and engine.requests == []
        await world.ada.send(world.channel, f"{world.mention} hello")
        assert world.said() == [explain(LeftOut()).sentence]

    async def test_summaries_are_made_without_them(self, world: World, engine: ScriptedEngine) -> None:
        await opt_out(world, world.ada)
        await world.ada.send(world.channel, "the vault is open")
        await world.grace.send(world.channel, "the garden is closed on Sunday")
        await world.grace.send(world.channel, "and it opens again on Monday")
        engine.enqueue(reply("- The garden is closed on Sunday. [1]"))
        told = text_of(await world.grace.slash(world.channel, "summarize"))
        assert not any("vault" in text for text in engine.requests[-1].texts)
        assert "bots, people who opted out and messages without text are left out" in told

    async def test_ask_still_works_and_nothing_of_it_is_kept(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        await opt_out(world, world.ada)
        engine.enqueue(reply("Green."))
        result = await world.ada.slash(world.channel, "ask", question="what colour are leaves?")
        assert text_of(result) == "Green."
        async with database.session() as session:
            assert (await session.execute(sql("SELECT count(*) FROM messages WHERE content != ''"))).scalar() == 0
        await world.ada.click(shown(result), custom_id="steward:post")
        assert world.channel.history(viewer=world.grace)[-1].content.endswith("\nGreen.")

    async def test_twice_and_back(self, world: World, engine: ScriptedEngine) -> None:
        await opt_out(world, world.ada)
        assert await opt_out_text(world) == ALREADY_OUT.format(where=HERE)
        assert text_of(await world.ada.slash(world.channel, "privacy opt-in")) == IS_IN.format(where=HERE)
        assert text_of(await world.ada.slash(world.channel, "privacy opt-in")) == WAS_IN.format(where=HERE)
        await talk(world, engine)
        assert world.said()[-1] == "A fine colour."

    async def test_of_all_servers_at_once(self, world: World, database: Database) -> None:
        await opt_out(world, world.ada, "everywhere")
        assert await Choices(database).has(world.ada.id, world.guild.id, Consent.OPT_OUT)
        told = text_of(await world.ada.slash(world.channel, "privacy opt-in"))
        assert told == WAS_IN.format(where=HERE) + STILL_OUT
        told = text_of(await world.ada.slash(world.channel, "privacy opt-in", where="everywhere"))
        assert told == IS_IN.format(where="everywhere")
        assert not await Choices(database).has(world.ada.id, world.guild.id, Consent.OPT_OUT)

    async def test_somebody_elses_press_changes_nothing_for_the_asker(self, world: World, database: Database) -> None:
        await opt_out(world, world.ada)
        assert not await Choices(database).has(world.grace.id, world.guild.id, Consent.OPT_OUT)


async def opt_out_text(world: World) -> str:
    return text_of(await world.ada.slash(world.channel, "privacy opt-out"))
