"""A command that failed is given again by one press."""

from __future__ import annotations

import discord
import pytest
from discord import AppCommandOptionType
from simcord.actors import MemberActor
from simcord.results import InteractionResult
from sqlalchemy import text as sql

from bot.client import StewardClient
from bot.commands.retrying import GONE, KEPT_S
from bot.errors import UNEXPECTED, explain
from llm.errors import ContextTooLong, EngineTimeout, EngineUnavailable
from storage.database import Database
from storage.errors import DatabaseUnavailable
from tests.bot.conftest import Bot, World
from tests.bot.test_commands import text_of
from tests.bot.test_controls import labels, moderator
from tests.fakes import Failure, ScriptedEngine, failure, reply


def refused() -> Failure:
    return failure(400, "no", kind="invalid_request_error")


def answer(result: InteractionResult) -> discord.Message:
    """What the person sees, and nobody else."""
    assert result.response is not None and result.response.ephemeral
    return result.response.message


async def ask(world: World, by: MemberActor | None = None) -> InteractionResult:
    return await (by or world.ada).slash(world.channel, "ask", question="what do bees do?")


async def press(world: World, failed: InteractionResult) -> InteractionResult:
    return await world.ada.click(answer(failed), label="Retry")


async def test_it_is_asked_again_in_the_same_place_and_may_fail_again(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(refused(), refused(), reply("They dance."))
    failed = await ask(world)
    assert "refused" in text_of(failed) and labels(answer(failed)) == ["Retry"]
    await press(world, failed)
    assert "refused" in text_of(failed) and labels(answer(failed)) == ["Retry"]
    await press(world, failed)
    assert text_of(failed) == "They dance." and labels(answer(failed)) == ["Post here"]
    assert [request.texts[-1] for request in engine.requests] == ["Ada: what do bees do?"] * 3


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (failure(429, "queue full", headers={"Retry-After": "7"}), "in about 7 s"),
        (failure(504, "too slow"), explain(EngineTimeout()).sentence),
    ],
)
async def test_what_may_pass_has_the_button(world: World, engine: ScriptedEngine, trouble: Failure, told: str) -> None:
    engine.enqueue(trouble, reply("They dance."))
    failed = await ask(world)
    assert told in text_of(failed) and labels(answer(failed)) == ["Retry"]
    await press(world, failed)
    assert text_of(failed) == "They dance."


async def test_an_option_that_people_know_by_another_name(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(failure(504, "too slow"), reply("Nine o'clock"))
    failed = await world.ada.slash(world.channel, "translate", text="Neun Uhr", **{"from": "Deutsch"})
    assert labels(answer(failed)) == ["Retry"]
    await press(world, failed)
    assert "Nine o'clock" in text_of(failed)


async def test_an_engine_that_was_away(world: World, engine: ScriptedEngine) -> None:
    await engine.stop()
    failed = await ask(world)
    assert text_of(failed) == explain(EngineUnavailable()).sentence
    await engine.start()
    engine.enqueue(reply("They dance."))
    await press(world, failed)
    assert text_of(failed) == "They dance."


@pytest.mark.parametrize(
    ("command", "table"),
    [
        ("usage", "uses"),
        ("memory show", "memories"),
        ("privacy show", "messages"),
        ("typing", "choices"),
    ],
)
async def test_a_database_that_was_away(world: World, database: Database, command: str, table: str) -> None:
    async with database.write() as connection:
        await connection.execute(sql(f"ALTER TABLE {table} RENAME TO elsewhere"))
    failed = await world.ada.slash(world.channel, command)
    assert text_of(failed) == explain(DatabaseUnavailable()).sentence and labels(answer(failed)) == ["Retry"]
    async with database.engine.begin() as connection:
        await connection.execute(sql(f"ALTER TABLE elsewhere RENAME TO {table}"))
    await press(world, failed)
    assert text_of(failed) != explain(DatabaseUnavailable()).sentence and "Retry" not in labels(answer(failed))


@pytest.mark.settings(bot={"requests_per_minute": 1})
async def test_channels_among_the_options(world: World, engine: ScriptedEngine) -> None:
    other = world.guild.create_text_channel("elsewhere")
    engine.enqueue(reply("They dance."))
    await ask(world)
    failed = await world.ada.slash(world.channel, "catchup", channel=world.channel, channel2=other, window="6h")
    assert labels(answer(failed)) == ["Retry"]
    await world.env.advance_time(60)
    await press(world, failed)
    assert other.mention in text_of(failed) and "Retry" not in labels(answer(failed))


async def test_what_nobody_foresaw(world: World, engine: ScriptedEngine, bot: Bot) -> None:
    ask_command = bot.clients[0]._parts.ask
    prompts, ask_command._prompts = ask_command._prompts, None  # type: ignore[assignment]
    failed = await ask(world)
    assert text_of(failed) == UNEXPECTED and labels(answer(failed)) == ["Retry"]
    assert len(world.env.errors) == 1
    await press(world, failed)
    assert text_of(failed) == UNEXPECTED and labels(answer(failed)) == ["Retry"]
    ask_command._prompts = prompts
    engine.enqueue(reply("They dance."))
    await press(world, failed)
    assert text_of(failed) == "They dance."


@pytest.mark.settings(bot={"requests_per_minute": 1})
async def test_summarize_and_who_asked_too_often(world: World, engine: ScriptedEngine) -> None:
    await world.grace.send(world.channel, "The bees dance before the hive, and the garden listens to them.")
    engine.enqueue(reply("They dance."))
    await ask(world)
    failed = await world.ada.slash(world.channel, "summarize")
    assert "in the last minute" in text_of(failed) and labels(answer(failed)) == ["Retry"]
    await world.env.advance_time(61)
    await press(world, failed)
    assert "bees" in text_of(failed)


async def test_what_trying_again_would_not_mend_has_no_button(world: World, engine: ScriptedEngine) -> None:
    assert labels(answer(await moderator(world).slash(world.channel, "pause", length="soon"))) == []
    assert labels(answer(await world.ada.user.slash("ask", question="hello?"))) == []
    engine.max_model_len = 60
    too_long = await world.ada.slash(world.channel, "ask", question="word " * 100)
    assert text_of(too_long) == explain(ContextTooLong("")).sentence and labels(answer(too_long)) == []


async def test_a_pause_holds_for_it_too(world: World, engine: ScriptedEngine) -> None:
    engine.enqueue(refused())
    failed = await ask(world)
    await moderator(world).slash(world.channel, "pause")
    await press(world, failed)
    assert "paused" in text_of(failed) and labels(answer(failed)) == []


async def test_after_a_restart_or_a_while_it_must_be_given_again(
    world: World, engine: ScriptedEngine, bot: Bot
) -> None:
    engine.enqueue(refused(), refused())
    failed = await ask(world)
    await world.env.restart_bot(bot.client())
    assert text_of(await press(world, failed)) == GONE
    late = await ask(world)
    await world.env.advance_time(KEPT_S + 1)
    assert text_of(await press(world, late)) == GONE


async def test_options_are_plain_values_which_can_be_given_again_as_they_came(simcord_bot: StewardClient) -> None:
    kinds = AppCommandOptionType
    plain = {kinds.string, kinds.integer, kinds.boolean, kinds.attachment, kinds.channel}
    for command in simcord_bot.tree.walk_commands():
        if isinstance(command, discord.app_commands.Command):
            for option in command.parameters:
                assert option.type in plain
                assert not any(isinstance(value, discord.Enum) for value in option.choices)
