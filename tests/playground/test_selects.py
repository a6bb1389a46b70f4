"""Select menus: what a person chooses is checked, and named to the bot in full; selects in forms too."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from playground.interaction_payloads import full_name
from tests.playground.conftest import Recorder, Running, everything
from tests.playground.openapi import Json
from tests.playground.people import DEADLINE_S, Person
from tests.waiting import until

COMPONENT, MODAL_SUBMIT = 3, 5
KINDS = {"text": 3, "user": 5, "role": 6, "any": 7, "channel": 8}


class Menus(discord.ui.View):
    """One of each kind; a choice is answered with what discord.py made of it."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        options = [discord.SelectOption(label=word, value=word) for word in ("one", "two", "three")]
        self._add(discord.ui.Select(custom_id="text", options=options, min_values=1, max_values=2))
        self._add(discord.ui.UserSelect(custom_id="user"))
        self._add(discord.ui.RoleSelect(custom_id="role"))
        self._add(discord.ui.MentionableSelect(custom_id="any"))
        self._add(discord.ui.ChannelSelect(custom_id="channel", channel_types=[discord.ChannelType.text]))

    def _add(self, select: discord.ui.Item[Any]) -> None:
        async def chosen(interaction: discord.Interaction[Any]) -> None:
            names = [getattr(one, "name", one) for one in getattr(select, "values", [])]
            await interaction.response.send_message(f"{[str(one) for one in names]}", ephemeral=True)

        select.callback = chosen  # type: ignore[method-assign]
        self.add_item(select)


async def choose(person: Person, message: dict[str, Any], name: str, values: list[Json]) -> int:
    data = {"component_type": KINDS[name], "custom_id": name, "values": [str(one) for one in values]}
    about = {"message_id": message["id"], "message_flags": 0}
    return await person.interact(COMPONENT, int(message["channel_id"]), int(message["guild_id"]), data, **about)


async def offered(running: Running, person: Person) -> dict[str, Any]:
    bot = await running.bot()
    await bot.get_channel(running.channel_id()).send("choose", view=Menus())
    message: dict[str, Any] = await person.heard("MESSAGE_CREATE")
    return message


async def test_choices_are_resolved(running: Running) -> None:
    ada = await running.person("Ada")
    message = await offered(running, ada)
    staff = next(one for one in (await ada.ok("GET", f"/guilds/{running.guild_id}/roles")) if one["name"] == "Staff")
    chosen: list[tuple[str, list[Json], str]] = [
        ("text", ["one", "three"], "['one', 'three']"),
        ("user", [ada.id], "['ada']"),
        ("role", [staff["id"]], "['Staff']"),
        ("any", [ada.id], "['ada']"),
        ("channel", [running.channel_id("ideas")], "['ideas']"),
    ]
    for name, values, text in chosen:
        assert await choose(ada, message, name, values) == 204
        await ada.heard("MESSAGE_CREATE", lambda one, text=text: one["content"] == text)


@pytest.mark.parametrize(
    ("name", "values"),
    [("text", ["four"]), ("text", []), ("text", ["one", "two", "three"]), ("role", ["4242"]), ("user", ["ada"])],
)
async def test_choices_that_were_not_offered(running: Running, name: str, values: list[Json]) -> None:
    ada = await running.person("Ada")
    message = await offered(running, ada)
    assert await choose(ada, message, name, values) == 400


class Panel(discord.ui.Modal, title="Settings"):
    who = discord.ui.Label(text="Who may use it?", component=discord.ui.RoleSelect(custom_id="who", required=False))
    where = discord.ui.Label(text="Where?", component=discord.ui.ChannelSelect(custom_id="where", max_values=2))

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        select = self.where.component
        names = [one.name for one in select.values] if isinstance(select, discord.ui.ChannelSelect) else []
        await interaction.response.send_message(f"in {names}", ephemeral=True)


class Opener(discord.ui.View):
    @discord.ui.button(label="Settings", custom_id="open")
    async def open(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        await interaction.response.send_modal(Panel())
        interaction.client.opened = True


class Settings(Recorder):
    opened = False


async def test_selects_in_a_form(running: Running) -> None:
    bot: Settings = await running.bot(client=Settings(everything()))
    ada = await running.person("Ada")
    await bot.get_channel(running.channel_id()).send("panel", view=Opener(timeout=None))
    message = await ada.heard("MESSAGE_CREATE")
    press = {"component_type": 2, "custom_id": "open"}
    channel, guild = int(message["channel_id"]), running.guild_id
    await ada.interact(COMPONENT, channel, guild, press, message_id=message["id"], message_flags=0)
    form = await ada.heard("INTERACTION_MODAL_CREATE")
    await until(lambda: bot.opened, DEADLINE_S)
    ids = [str(running.channel_id(name)) for name in ("ideas", "help-desk")]
    given = {"who": (6, []), "where": (8, ids)}
    filled = [
        {"type": 18, "component": {"type": kind, "custom_id": name, "values": values}}
        for name, (kind, values) in given.items()
    ]
    data = {"id": form["id"], "custom_id": form["custom_id"], "components": filled}
    assert await ada.interact(MODAL_SUBMIT, channel, guild, data) == 204
    await ada.heard("MESSAGE_CREATE", lambda one: one["content"] == "in ['ideas', 'help-desk']")


def test_a_subcommand_is_called_by_its_full_name() -> None:
    option = {"type": 3, "name": "fact", "value": "x"}
    assert full_name({"name": "ask", "options": [option]}) == "ask"
    assert full_name({"name": "memory", "options": [{"type": 1, "name": "add", "options": [option]}]}) == "memory add"
    nested = [{"type": 2, "name": "people", "options": [{"type": 1, "name": "show"}]}]
    assert full_name({"name": "privacy", "options": nested}) == "privacy people show"
