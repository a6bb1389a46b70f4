"""/settings on the simulated Discord: who may open it, what it shows, that a click holds at once."""

from __future__ import annotations

import asyncio

import pytest
from simcord.builders import ChannelHandle

from bot.commands.settings import IN_A_SERVER
from bot.panel.session import DONE, LIFETIME_S, NOT_ALLOWED, PUT_AWAY
from storage.database import Database
from storage.settings import GuildSettings, Place, Scope
from tests.bot.conftest import World
from tests.bot.panels import Manager, manager
from tests.fakes import ScriptedEngine, raw, reply


@pytest.fixture
def mira(world: World) -> Manager:
    return manager(world)


async def test_one_setting_from_the_panel_to_the_prompt(world: World, engine: ScriptedEngine, mira: Manager) -> None:
    shown = await mira.open()
    assert "Settings of Garden" in shown and "**How I behave:** As I am · *as installed*" in shown
    shown = await mira.change("persona", "A patient teacher")
    assert "✅ How I behave: changed." in shown and "**How I behave:** A patient teacher · *chosen here*" in shown
    engine.enqueue(reply("Hello."), reply("Hello."))
    await world.ada.send(world.channel, f"{world.mention} hello")
    assert "as a patient teacher does" in engine.requests[0].texts[0]
    await mira.pick("what", "persona")
    assert "*as installed*" in await mira.press("Take my choice back")
    await world.ada.send(world.channel, f"{world.mention} hello")
    assert "teacher" not in engine.requests[1].texts[0]


class TestWhoMayOpenIt:
    async def test_without_manage_server_discord_does_not_offer_it(self, world: World) -> None:
        assert "settings" not in world.ada.available_commands(world.channel)

    async def test_whom_the_server_lets_give_it_still_needs_the_permission(self, world: World, mira: Manager) -> None:
        """Server Settings → Integrations can open a command to anybody."""
        commands = await world.env.bot.tree.fetch_commands()
        settings = next(command for command in commands if command.name == "settings")
        world.guild.set_command_permissions(settings, {world.ada: True})
        told = await world.ada.slash(world.channel, "settings")
        assert told.ephemeral and told.response is not None and told.response.content == NOT_ALLOWED

    async def test_in_private_a_sentence(self, world: World) -> None:
        result = await world.ada.user.slash("settings")
        assert result.response is not None and result.response.content == IN_A_SERVER

    async def test_a_permission_that_was_lost_counts_at_the_next_click(
        self, world: World, mira: Manager, database: Database
    ) -> None:
        await mira.open()
        role = next(
            role for role in world.env.backend.get_guild(world.guild.id).roles.values() if role.name == "Managers"
        )
        world.env.backend.edit_role(world.guild.id, role.id, {"permissions": 0})
        result = await mira.person.select(mira.shown, ["persona"], custom_id="panel:what")
        assert [one.content for one in (result.response, *result.followups) if one][-1] == NOT_ALLOWED
        assert await GuildSettings(database).chosen(world.guild.id) == {}

    async def test_a_form_that_was_open_meanwhile_neither_changes_nor_shows_anything(
        self, world: World, mira: Manager, database: Database
    ) -> None:
        await mira.open()
        form = await mira.form("max_tokens")
        role = next(
            role for role in world.env.backend.get_guild(world.guild.id).roles.values() if role.name == "Managers"
        )
        world.env.backend.edit_role(world.guild.id, role.id, {"permissions": 0})
        result = await mira.person.submit_modal(form, {"value": "lots"})
        assert [one.content for one in result.followups] == [NOT_ALLOWED]
        assert await GuildSettings(database).chosen(world.guild.id) == {}


class TestForms:
    async def test_two_open_forms_of_one_setting_keep_to_their_own_places(
        self, world: World, mira: Manager, database: Database
    ) -> None:
        """Both forms are open at once; what is typed into one must not land where the other panel is."""
        stored, nils = GuildSettings(database), manager(world, "Nils")
        await mira.open()
        await nils.open()
        await nils.pick("channel", world.channel)
        forms = [await one.form("persona") for one in (mira, nils)]
        await mira.person.submit_modal(forms[0], {"value": "for the whole server"})
        assert await stored.chosen(world.guild.id) == {(Place(world.guild.id), "persona"): "for the whole server"}
        await nils.person.submit_modal(forms[1], {"value": "for one channel"})
        here = Place(world.guild.id, Scope.CHANNEL, world.channel.id)
        assert (await stored.chosen(world.guild.id))[here, "persona"] == "for one channel"

    async def test_a_form_that_breaks_says_so(self, world: World, mira: Manager, database: Database) -> None:
        await mira.open()
        form = await mira.form("persona")
        world.env.inject_error("PATCH", "/webhooks/*/*/messages/@original", status=400, code=50035, times=1)
        told = await mira.person.submit_modal(form, {"value": "x"})
        assert [one.content for one in told.followups] == ["Discord did not accept what I sent. Please try again."]
        assert len(world.env.errors) == 1


class TestItsPages:
    async def test_a_channel_and_a_role_have_pages_of_their_own(self, world: World, mira: Manager) -> None:
        club = world.guild.create_role("Club")
        await mira.open()
        await mira.change("language", "Deutsch")
        shown = await mira.pick("channel", world.channel)
        assert "Settings of #general" in shown and "**Language:** Deutsch · *chosen for the server*" in shown
        assert "Requests a day" not in shown and "What I keep" in shown
        await mira.change("language", "Français")
        shown = await mira.pick("role", club)
        assert "Settings for @Club" in shown and "Requests a day" in shown and "When I answer" not in shown
        assert "**Language:** Deutsch" in shown
        shown = await mira.press("Whole server")
        assert "**Language:** Deutsch · *chosen here*" in shown and "With choices of their own: \\#general (1)" in shown
        assert mira.button("Whole server")["disabled"]
        assert await mira.press("Done") == DONE
        assert not mira.shown.components and not mira.shown.embeds

    async def test_numbers_and_texts_are_typed_and_bad_ones_get_a_sentence(self, world: World, mira: Manager) -> None:
        await mira.open()
        shown = await mira.type("max_tokens", "lots")
        assert "⚠️ “lots” is no whole number. Please give a whole number from 16 to 32,768." in shown
        assert "**Now:** 512 tokens · *as installed*" in shown
        await mira.press("Back")
        shown = await mira.type("max_tokens", "1,500")
        assert "**Longest answer:** 1,500 tokens · *chosen here*" in shown
        shown = await mira.type("persona", "Speak like a pirate, *always*.")
        assert "“Speak like a pirate, \\*always\\*.”" in shown
        await mira.pick("what", "persona")
        assert mira.menu("value")["options"][-1]["label"] == "Something else: “Speak like a pirate, *always*.”"
        assert mira.menu("value")["options"][-1].get("default") is not True

    async def test_who_changed_what(self, world: World, mira: Manager) -> None:
        await mira.open()
        assert "Nobody has changed anything yet." in await mira.press("Who changed what")
        await mira.press("Back")
        for number in range(1, 13):
            await mira.type("requests_per_day", str(number))
        shown = await mira.press("Who changed what")
        assert f"<@{mira.person.id}>: **Requests a day**: 11 requests → 12 requests" in shown
        assert shown.count("Requests a day") == 10 and mira.button("Newer")["disabled"]
        shown = await mira.press("Older")
        assert "not chosen → 1 request" in shown and mira.button("Older")["disabled"]
        assert "→ 12 requests" in await mira.press("Newer")

    async def test_a_name_is_no_link(self, world: World, mira: Manager) -> None:
        role = world.guild.create_role("[Staff](https://evil.example)")
        await mira.open()
        await mira.pick("role", role)
        await mira.change("language", "Deutsch")
        shown = (await mira.press("Who changed what")).partition("\n")[2]
        assert "@\\[Staff](https" in shown and "@[Staff](https" not in shown

    async def test_the_models_that_the_engine_serves(self, world: World, engine: ScriptedEngine, mira: Manager) -> None:
        engine.owned_by = "vllm"
        engine.listing = raw(
            {"data": [{"id": "scripted", "max_model_len": 2048}, {"id": "other", "max_model_len": 999}]}
        )
        await mira.open()
        shown = await mira.change("model", "other")
        assert "**Language model:** “other” · *chosen here*" in shown
        engine.enqueue(reply("Hello."))
        await world.ada.send(world.channel, f"{world.mention} hello")
        assert engine.requests[0].body["model"] == "other"
        assert engine.tokenized[-1]["model"] == "other"
        await engine.stop()
        assert "I cannot see which models there are" in await mira.pick("what", "model")

    async def test_after_a_while_it_is_put_away(self, world: World, mira: Manager) -> None:
        await mira.open()
        await world.env.advance_time(LIFETIME_S + 1)
        assert mira.text == PUT_AWAY and not mira.shown.components


class TestWhatItSteers:
    async def test_every_message_of_a_channel_is_one_conversation(
        self, world: World, engine: ScriptedEngine, mira: Manager
    ) -> None:
        await mira.open()
        await mira.pick("channel", world.channel)
        await mira.change("answer_when", "Every message")
        engine.enqueue(reply("Hello."), reply("Green."))
        await world.ada.send(world.channel, "I like green")
        await world.grace.send(world.channel, "what does Ada like?")
        assert world.said() == ["Hello.", "Green."]
        assert engine.requests[1].texts[1:] == ["Ada: I like green", "Hello.", "Grace: what does Ada like?"]
        other = world.guild.create_text_channel("other")
        await world.ada.send(other, "not for you")
        assert world.said(other) == []

    async def test_mentions_alone_and_never(self, world: World, engine: ScriptedEngine, mira: Manager) -> None:
        await mira.open()
        await mira.change("answer_when", "When mentioned")
        engine.enqueue(reply("One."), reply("Two."))
        await world.ada.send(world.channel, f"{world.mention} first")
        answer = world.channel.last_message
        await world.ada.send(world.channel, "and?", reply_to=answer)
        assert world.said() == ["One."]
        await world.ada.send(world.channel, f"{world.mention} second", reply_to=answer)
        assert world.said() == ["One.", "Two."]
        await mira.change("answer_when", "Never")
        await world.ada.send(world.channel, f"{world.mention} third")
        assert world.said() == ["One.", "Two."]

    async def test_only_some_roles_may_ask(self, world: World, engine: ScriptedEngine, mira: Manager) -> None:
        club = world.guild.create_role("Club")
        cleo = world.guild.add_member(world.env.create_user("Cleo"), roles=[club])
        await mira.open()
        await mira.pick("what", "allowed_roles")
        shown = await mira.pick("roles", club)
        assert "**Who may ask me:** @Club · *chosen here*" in shown
        engine.enqueue(reply("Hello Cleo."), reply("Hello Mira."))
        for person in (world.ada, cleo, mira.person):
            await person.send(world.channel, f"{world.mention} hello")
        assert world.said() == ["Here I answer people with the role *Club* only.", "Hello Cleo.", "Hello Mira."]
        told = (await world.ada.slash(world.channel, "ask", question="psst")).response
        assert told is not None and "people with the role *Club* only" in told.content
        assert len(engine.requests) == 2
        await mira.pick("what", "allowed_roles")
        assert "**Who may ask me:** everybody · *chosen here*" in await mira.pick("roles")

    async def test_a_choice_holds_at_once_for_an_answer_under_way(
        self, world: World, engine: ScriptedEngine, database: Database
    ) -> None:
        """Ada's question changes before there is an answer, and meanwhile the managers choose."""
        settings, server, backend = GuildSettings(database), Place(world.guild.id), world.env.backend
        engine.enqueue(*[reply(pieces=[asyncio.Event(), "Never."]) for _ in range(2)])
        asked = backend.create_message(world.channel.id, world.ada.id, f"{world.mention} hello")
        await engine.received(1)
        await settings.put(server, "persona", "Speak like a pirate.", by=1)
        backend.edit_message(world.channel.id, asked.id, {"content": f"{world.mention} hello there"})
        await engine.received(2)
        await settings.put(server, "allowed_roles", [world.guild.create_role("Club").id], by=1)
        backend.edit_message(world.channel.id, asked.id, {"content": f"{world.mention} hello you"})
        await world.env.settle()
        assert world.said() == ["Here I answer people with the role *Club* only."]
        assert ["pirate" in request.texts[0] for request in engine.requests] == [False, True]

    async def test_a_quota_says_when_it_is_free_again(
        self, world: World, engine: ScriptedEngine, mira: Manager
    ) -> None:
        vip = world.guild.create_role("VIP")
        vera = world.guild.add_member(world.env.create_user("Vera"), roles=[vip])
        await mira.open()
        await mira.type("requests_per_day", "1")
        await mira.pick("role", vip)
        await mira.change("requests_per_day", "No limit")
        engine.enqueue(*[reply(f"{number}.") for number in range(3)])
        for person in (world.ada, world.ada, vera, vera):
            await person.send(world.channel, f"{world.mention} hello")
        assert [said for said in world.said() if said.endswith(".") and len(said) == 2] == ["0.", "1.", "2."]
        refused = world.said()[1]
        assert refused.startswith("You have used your 1 request for today. I am free for you again at <t:")
        told = (await world.ada.slash(world.channel, "summarize")).response
        assert told is not None and "for today" in told.content

    async def test_how_long_an_answer_is_and_how_far_back_is_read(
        self, world: World, engine: ScriptedEngine, mira: Manager
    ) -> None:
        await mira.open()
        await mira.type("max_tokens", "33")
        await mira.type("context_messages", "2")
        engine.enqueue(reply("One."), reply("Two."))
        await world.ada.send(world.channel, f"{world.mention} first")
        await world.ada.send(world.channel, "second", reply_to=world.channel.last_message)
        assert [request.body["max_tokens"] for request in engine.requests] == [33, 33]
        assert engine.requests[1].texts[1:] == ["Ada: second"]
        assert "read 1 of more than 2 messages" in world.said()[1]


class TestThreads:
    async def test_each_new_question_opens_a_thread_in_which_it_goes_on(
        self, world: World, engine: ScriptedEngine, mira: Manager
    ) -> None:
        await mira.open()
        await mira.change("answer_in", "In a new thread")
        engine.enqueue(reply("They dance."), reply("To tell where flowers are."), reply("They do dance."))
        await world.ada.send(world.channel, f"{world.mention} what do bees do?")
        (made,) = [one for one in world.env.backend.channels.values() if one.owner_id == world.me and one.parent_id]
        thread = ChannelHandle(world.env, world.guild, made)
        assert (made.name, made.parent_id) == ("what do bees do?", world.channel.id)
        assert world.said(thread) == ["They dance."]
        answer = thread.last_message
        assert answer is not None
        await world.ada.click(answer, label="Regenerate")
        assert world.said(thread) == ["To tell where flowers are."]
        await world.ada.send(thread, "why?")
        assert engine.requests[-1].texts[1] == "Ada: what do bees do?"
        assert engine.requests[-1].texts[-1] == "Ada: why?"

    async def test_a_thread_is_not_named_after_an_invite(
        self, world: World, engine: ScriptedEngine, mira: Manager
    ) -> None:
        await mira.open()
        await mira.change("answer_in", "In a new thread")
        engine.enqueue(reply("No."))
        await world.ada.send(world.channel, f"{world.mention} join discord.gg/abcdef now")
        (made,) = [one for one in world.env.backend.channels.values() if one.owner_id == world.me and one.parent_id]
        assert made.name == "join (invite link removed) now"

    async def test_without_the_permission_it_answers_right_there(
        self, world: World, engine: ScriptedEngine, mira: Manager
    ) -> None:
        await mira.open()
        await mira.change("answer_in", "In a new thread")
        world.env.inject_error("POST", "/channels/*/messages/*/threads", status=403, code=50013)
        engine.enqueue(reply("Hello."))
        asked = world.env.backend.create_message(world.channel.id, world.ada.id, f"{world.mention} hello")
        assert asked
        await world.env.settle()
        assert world.said() == ["Hello."]
