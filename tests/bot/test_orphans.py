"""Controls whose view is gone: who uses one reads so; those that somebody still answers are left alone."""

from __future__ import annotations

import discord

from bot.orphans import FORM_GONE, GONE, PANEL_GONE
from tests.bot.conftest import Bot, World
from tests.bot.panels import manager
from tests.fakes import ScriptedEngine, reply


async def test_the_buttons_and_menus_of_a_panel_after_a_restart(world: World, bot: Bot) -> None:
    mira = manager(world)
    await mira.open()
    await world.env.restart_bot(bot.client())
    picked = await mira.person.select(mira.shown, ["persona"], custom_id="panel:what")
    assert picked.ephemeral and picked.response is not None and picked.response.content == PANEL_GONE
    await mira.open()
    await mira.pick("what", "persona")
    await world.env.restart_bot(bot.client())
    pressed = await mira.person.click(mira.shown, label="Back")
    assert pressed.ephemeral and pressed.response is not None and pressed.response.content == PANEL_GONE


async def test_a_form_after_a_restart(world: World, bot: Bot) -> None:
    mira = manager(world)
    await mira.open()
    form = await mira.form("persona")
    await world.env.restart_bot(bot.client())
    told = await mira.person.submit_modal(form, {"value": "kind"})
    assert told.ephemeral and told.response is not None and told.response.content == FORM_GONE


async def test_a_button_that_nobody_knows_any_more(world: World) -> None:
    """As those of a version of before are."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Old", custom_id="steward:older:1"))
    view.stop()
    channel = world.env.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.send("from long ago", view=view)
    told = await world.ada.click(world.channel.history()[-1], label="Old")
    assert told.ephemeral and told.response is not None and told.response.content == GONE


async def test_what_is_alive_answers_alone(world: World, engine: ScriptedEngine) -> None:
    mira = manager(world)
    await mira.open()
    await mira.change("persona", "A patient teacher")
    assert all(not click.followups for click in mira.clicks)
    engine.enqueue(reply("One."), reply("Two."))
    await world.ada.send(world.channel, f"{world.mention} count")
    answer = world.channel.history()[-1]
    again = await world.ada.click(answer, label="Regenerate")
    assert again.acknowledged and not again.followups and "Two." in world.said()[-1]
