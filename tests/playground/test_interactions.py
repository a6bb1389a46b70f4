"""Slash commands, buttons and forms: what people send, what discord.py gets, what everyone sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands

from playground.interactions import NO_ANSWER
from playground.parts import Timing
from tests.playground.conftest import Recorder, Running, Start, everything
from tests.playground.people import DEADLINE_S, Person
from tests.waiting import until

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
EPHEMERAL, LOADING = 64, 128


class Form(discord.ui.Modal, title="Tell me"):
    answer: discord.ui.TextInput[Any] = discord.ui.TextInput(label="What?", custom_id="what")

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message(f"You said {self.answer.value}", ephemeral=True)


class Buttons(discord.ui.View):
    @discord.ui.button(label="Count", custom_id="count")
    async def count(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        button.label = "Counted"
        await interaction.response.edit_message(content="pressed", view=self)

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @discord.ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Any]) -> None:
        await interaction.response.send_modal(Form())
        interaction.client.waiting_for.add("form")


async def now(interaction: discord.Interaction[Any]) -> None:
    await interaction.response.send_message("at once", ephemeral=True)
    await interaction.edit_original_response(content="at once, edited")
    await (await interaction.original_response()).delete()


async def ask(interaction: discord.Interaction[Any]) -> None:
    await interaction.response.defer(thinking=True)
    first = await interaction.followup.send("first", wait=True)
    second = await interaction.followup.send("second", wait=True, ephemeral=True)
    await second.edit(content="second, edited")
    await interaction.edit_original_response(content="first, edited")
    assert first.id == (await interaction.original_response()).id


async def twice(interaction: discord.Interaction[Any]) -> None:
    await interaction.response.send_message("one")
    interaction.response._response_type = None
    try:
        await interaction.response.send_message("two")
    except discord.HTTPException as error:
        interaction.client.errors.append(error)


async def never(interaction: discord.Interaction[Any]) -> None:
    """The bot is busy elsewhere."""


async def buttons(interaction: discord.Interaction[Any]) -> None:
    await interaction.response.send_message("press", view=Buttons(timeout=None))
    interaction.client.waiting_for.add("buttons")


async def complete(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=current.upper(), value=current)]


@app_commands.autocomplete(word=complete)
async def look(interaction: discord.Interaction[Any], word: str, who: discord.Member | None = None) -> None:
    await interaction.response.send_message(f"{word} {who.display_name if who else 'nobody'}")


async def weigh(interaction: discord.Interaction[Any], file: discord.Attachment) -> None:
    text = (await file.read()).decode()
    await interaction.response.send_message(f"{file.filename}: {text} ({interaction.locale})")


class Commands(Recorder):
    """A bot with one command for each way of answering."""

    def __init__(self) -> None:
        super().__init__(everything())
        self.errors: list[discord.HTTPException] = []
        self.waiting_for: set[str] = set()
        """Buttons and forms that discord.py has registered; until then it drops what people do with them."""
        for callback in (now, ask, twice, never, buttons, look, weigh):
            self.tree.command(description="For the test")(callback)

    async def setup_hook(self) -> None:
        await self.tree.sync()


async def use(
    person: Person, running: Running, name: str, options: list[Any] | None = None, kind: int = COMMAND
) -> int:
    """Picks the command in the index and sends it, as the page does."""
    index = await person.ok("GET", f"/guilds/{running.guild_id}/application-command-index")
    command = next(one for one in index["application_commands"] if one["name"] == name)
    data = {"id": command["id"], "name": name, "type": 1, "version": command["version"], "options": options or []}
    return await person.interact(kind, running.channel_id(), running.guild_id, data, nonce=name)


async def test_commands_are_registered_and_keep_their_ids(running: Running) -> None:
    bot = await running.bot(client=Commands())
    before = {one.name: one.id for one in await bot.tree.fetch_commands()}
    assert set(before) == {"now", "ask", "twice", "never", "buttons", "look", "weigh"}
    bot.tree.remove_command("twice")
    after = {one.name: one.id for one in await bot.tree.sync()}
    assert after == {name: identity for name, identity in before.items() if name != "twice"}
    guild = bot.guilds[0]
    bot.tree.copy_global_to(guild=guild)
    assert {one.name for one in await bot.tree.sync(guild=guild)} == set(after)
    fetched = await bot.tree.fetch_command(after["now"])
    assert (await fetched.edit(description="Answers now")).description == "Answers now"
    await fetched.delete()
    assert "now" not in {one.name for one in await bot.tree.fetch_commands()}


async def test_an_ephemeral_answer_is_seen_by_its_person_only(running: Running) -> None:
    await running.bot(client=Commands())
    ada, grace = await running.person("Ada"), await running.person("Grace")
    assert await use(ada, running, "now") == 204
    shown = await ada.heard("MESSAGE_CREATE")
    assert (shown["content"], shown["flags"] & EPHEMERAL) == ("at once", EPHEMERAL)
    assert shown["interaction_metadata"]["user"]["id"] == str(ada.id)
    assert (await ada.heard("INTERACTION_SUCCESS"))["nonce"] == "now"
    await ada.heard("MESSAGE_UPDATE", lambda one: one["content"] == "at once, edited")
    await ada.heard("MESSAGE_DELETE", lambda one: one["id"] == shown["id"])
    await ada.say(running.channel_id(), "and?")
    await grace.heard("MESSAGE_CREATE", lambda one: one["content"] == "and?")
    assert [one["content"] for name, one in grace.events if name == "MESSAGE_CREATE"] == ["and?"]
    history = await ada.ok("GET", f"/channels/{running.channel_id()}/messages")
    assert [one["content"] for one in history] == ["and?"]


async def test_a_deferred_answer_fills_the_thinking_message(running: Running) -> None:
    await running.bot(client=Commands())
    ada = await running.person("Ada")
    await use(ada, running, "ask")
    thinking = await ada.heard("MESSAGE_CREATE")
    assert (thinking["content"], thinking["flags"] & LOADING, thinking["type"]) == ("", LOADING, 20)
    await ada.heard("MESSAGE_CREATE", lambda one: one["content"] == "second" and one["flags"] & EPHEMERAL)
    done = await ada.heard("MESSAGE_UPDATE", lambda one: one["content"] == "first, edited")
    assert (done["id"], done["flags"] & LOADING) == (thinking["id"], 0)
    filled = await ada.heard("MESSAGE_UPDATE", lambda one: one["content"] == "first")
    assert filled["edited_timestamp"] is None
    assert done["edited_timestamp"] is not None


async def test_a_second_answer_is_refused(running: Running) -> None:
    bot = await running.bot(client=Commands())
    await use(await running.person("Ada"), running, "twice")
    await until(lambda: bool(bot.errors), DEADLINE_S)
    assert bot.errors[0].code == 40060


async def test_who_gets_no_answer_is_told_and_a_late_one_is_unknown(start: Start) -> None:
    async with start(timing=Timing(answer_within_s=0.2)) as running:
        bot = await running.bot(client=Commands())
        late: list[discord.Interaction[Any]] = []

        async def keep(interaction: discord.Interaction[Any]) -> None:
            late.append(interaction)

        bot.on_interaction = keep
        ada = await running.person("Ada")
        await use(ada, running, "never")
        assert (await ada.heard("INTERACTION_FAILURE"))["nonce"] == "never"
        with pytest.raises(discord.NotFound) as unknown:
            await late[0].response.send_message("sorry")
        assert unknown.value.code == 10062


async def test_the_token_ends_after_its_time(start: Start) -> None:
    async with start(timing=Timing(answer_within_s=DEADLINE_S, interaction_token_s=0.0)) as running:
        bot = await running.bot(client=Commands())
        kept: list[discord.Interaction[Any]] = []

        async def keep(interaction: discord.Interaction[Any]) -> None:
            kept.append(interaction)

        bot.on_interaction = keep
        await use(await running.person("Ada"), running, "never")
        await until(lambda: bool(kept), DEADLINE_S)
        await kept[0].response.defer()
        with pytest.raises(discord.HTTPException) as expired:
            await kept[0].followup.send("too late")
        assert expired.value.code == 50027


async def test_thinking_ends_with_the_token_or_with_the_playground(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"

    async def think(interaction: discord.Interaction[Any]) -> None:
        await interaction.response.defer(thinking=True)

    async with start(state=state, timing=Timing(answer_within_s=DEADLINE_S, interaction_token_s=1.0)) as running:
        bot, ada = await running.bot(client=Commands()), await running.person("Ada")
        bot.on_interaction = think
        await use(ada, running, "never")
        thinking = await ada.heard("MESSAGE_CREATE")
        ended = await ada.heard("MESSAGE_UPDATE")
        assert (ended["id"], ended["flags"], ended["content"]) == (thinking["id"], 0, NO_ANSWER)
    async with start(state=state) as running:
        bot, ada = await running.bot(client=Commands()), await running.person("Ada")
        bot.on_interaction = think
        await use(ada, running, "never")
        thinking = await ada.heard("MESSAGE_CREATE")
    async with start(state=state) as running:
        ada = await running.person("Ada", listening=False)
        ended = await ada.ok("GET", f"/channels/{running.channel_id()}/messages/{thinking['id']}")
        assert (ended["flags"], ended["content"]) == (0, NO_ANSWER)


async def test_options_are_resolved_completed_and_required(running: Running) -> None:
    await running.bot(client=Commands())
    ada, grace = await running.person("Ada"), await running.person("Grace", listening=False)
    word = {"name": "word", "type": 3, "value": "find"}
    await use(ada, running, "look", [word, {"name": "who", "type": 6, "value": str(grace.id)}])
    assert (await ada.heard("MESSAGE_CREATE"))["content"] == "find Grace"
    await use(ada, running, "look", [{**word, "focused": True}], AUTOCOMPLETE)
    offered = await ada.heard("APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE")
    assert offered["choices"] == [{"name": "FIND", "value": "find"}]
    assert await use(ada, running, "look") == 400


async def press(person: Person, message: dict[str, Any], custom_id: str) -> int:
    data = {"component_type": 2, "custom_id": custom_id}
    about = {"message_id": message["id"], "message_flags": message["flags"], "nonce": custom_id}
    guild = message.get("guild_id")
    return await person.interact(COMPONENT, message["channel_id"], guild, data, **about)


async def test_buttons_change_their_message(running: Running) -> None:
    bot = await running.bot(client=Commands())
    ada, grace = await running.person("Ada"), await running.person("Grace")
    await use(ada, running, "buttons")
    shown = await grace.heard("MESSAGE_CREATE")
    await until(lambda: "buttons" in bot.waiting_for, DEADLINE_S)
    await press(grace, shown, "count")
    changed = await ada.heard("MESSAGE_UPDATE", lambda one: one["content"] == "pressed")
    assert changed["components"][0]["components"][0]["label"] == "Counted"
    await press(grace, shown, "later")
    await ada.heard("MESSAGE_UPDATE", lambda one: one["content"] == "later")
    assert await press(grace, shown, "absent") == 400


async def test_a_form_opens_and_is_answered(running: Running) -> None:
    bot = await running.bot(client=Commands())
    ada = await running.person("Ada")
    await use(ada, running, "buttons")
    shown = await ada.heard("MESSAGE_CREATE")
    await until(lambda: "buttons" in bot.waiting_for, DEADLINE_S)
    await press(ada, shown, "form")
    form = await ada.heard("INTERACTION_MODAL_CREATE")
    await until(lambda: "form" in bot.waiting_for, DEADLINE_S)
    assert (form["title"], form["nonce"]) == ("Tell me", "form")
    filled = [{"type": 1, "components": [{"type": 4, "custom_id": "what", "value": "hello"}]}]
    data = {"id": form["id"], "custom_id": form["custom_id"], "components": filled}
    assert await ada.interact(MODAL_SUBMIT, shown["channel_id"], running.guild_id, data) == 204
    await ada.heard("MESSAGE_CREATE", lambda one: one["content"] == "You said hello")
    assert await ada.interact(MODAL_SUBMIT, shown["channel_id"], running.guild_id, data) == 404


async def test_commands_in_a_direct_message(running: Running) -> None:
    bot = await running.bot(client=Commands())
    ada = await running.person("Ada")
    channel = await ada.ok("POST", "/users/@me/channels", {"recipient_id": str(bot.user.id)})
    index = await ada.ok("GET", f"/channels/{channel['id']}/application-command-index")
    command = next(one for one in index["application_commands"] if one["name"] == "look")
    data = {**command, "options": [{"name": "word", "type": 3, "value": "alone"}]}
    assert await ada.interact(COMMAND, int(channel["id"]), None, data) == 204
    assert (await ada.heard("MESSAGE_CREATE"))["content"] == "alone nobody"


async def test_a_command_for_staff_only(running: Running) -> None:
    bot = await running.bot(client=Commands())
    staff = app_commands.Command(name="staff", description="For staff", callback=never)
    staff.default_permissions = discord.Permissions(manage_messages=True)
    bot.tree.add_command(staff)
    await bot.tree.sync()
    ada, grace = await running.person("Ada"), await running.person("Grace", listening=False)
    assert await use(ada, running, "staff") == 204
    index = await grace.ok("GET", f"/guilds/{running.guild_id}/application-command-index")
    assert "staff" not in {one["name"] for one in index["application_commands"]}
    (command,) = [one for one in await bot.tree.fetch_commands() if one.name == "staff"]
    data = {"id": str(command.id), "name": "staff", "type": 1}
    assert await grace.interact(COMMAND, running.channel_id(), running.guild_id, data) == 403


def form_with(running: Running, command: dict[str, Any], *files: bytes) -> aiohttp.FormData:
    """The use of a command with one option that names the first of these files."""
    options = [{"type": 11, "name": "file", "value": "0"}]
    data = {"id": command["id"], "name": command["name"], "type": 1, "options": options}
    data["attachments"] = [{"id": "0", "filename": "note.txt"}]
    body = {"type": COMMAND, "channel_id": str(running.channel_id()), "guild_id": str(running.guild_id), "data": data}
    form = aiohttp.FormData()
    form.add_field("payload_json", json.dumps(body), content_type="application/json")
    for index, content in enumerate(files):
        form.add_field(f"files[{index}]", content, filename="note.txt", content_type="text/plain")
    return form


async def test_a_file_as_an_option_and_the_language_of_its_person(running: Running) -> None:
    await running.bot(client=Commands())
    ada = await running.person("Ada")
    ada.locale = "fr"
    index = await ada.ok("GET", f"/guilds/{running.guild_id}/application-command-index")
    command = next(one for one in index["application_commands"] if one["name"] == "weigh")
    await ada.ok("POST", "/interactions", data=form_with(running, command, "très bien".encode()))
    await ada.heard("MESSAGE_CREATE", lambda one: one["content"] == "note.txt: très bien (fr)")
    status, refusal = await ada.request("POST", "/interactions", data=form_with(running, command))
    assert (status, refusal["code"]) == (400, 50035)


async def test_a_language_that_no_client_has_is_english(running: Running) -> None:
    await running.bot(client=Commands())
    ada = await running.person("Ada")
    ada.locale = "tlh"
    index = await ada.ok("GET", f"/guilds/{running.guild_id}/application-command-index")
    command = next(one for one in index["application_commands"] if one["name"] == "weigh")
    await ada.ok("POST", "/interactions", data=form_with(running, command, b"Qapla'"))
    await ada.heard("MESSAGE_CREATE", lambda one: one["content"] == "note.txt: Qapla' (en-US)")
