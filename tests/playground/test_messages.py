"""Messages between people and a discord.py client, over real sockets."""

from __future__ import annotations

import io

import discord
import pytest

from tests.playground.conftest import Running, everything


async def test_discord_py_finds_its_server(running: Running) -> None:
    bot = await running.bot()
    guild = bot.guilds[0]
    assert guild.name == "Steward Playground"
    assert [one.name for one in guild.text_channels] == ["general", "ideas", "help-desk", "staff"]
    assert {one.display_name for one in guild.members} == {"Ada", "Grace", "Linus", "Steward"}
    assert guild.owner.display_name == "Ada"
    assert guild.self_role.name == "Steward"
    assert bot.application.owner.id == guild.owner_id


async def test_a_person_speaks_and_the_bot_replies_edits_and_reacts(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    said = await ada.say(running.channel_id(), f"Hello <@{bot.user.id}>", nonce="42")
    heard = await bot.message()
    assert heard.content == f"Hello <@{bot.user.id}>"
    assert heard.author.display_name == "Ada"
    assert bot.user in heard.mentions

    reply = await heard.reply("Hi", mention_author=False)
    await reply.edit(content="Hi, Ada")
    await heard.add_reaction("👍")

    assert (await ada.heard("MESSAGE_CREATE"))["nonce"] == "42"
    answer = await ada.heard("MESSAGE_CREATE", lambda one: one["author"]["id"] == str(bot.user.id))
    assert answer["message_reference"]["message_id"] == said["id"]
    assert answer["referenced_message"]["content"] == said["content"]
    assert answer["mentions"] == []
    edited = await ada.heard("MESSAGE_UPDATE")
    assert (edited["content"], edited["edited_timestamp"] is None) == ("Hi, Ada", False)
    assert (await ada.heard("MESSAGE_REACTION_ADD"))["emoji"]["name"] == "👍"


async def test_without_the_intent_content_is_empty_unless_it_is_for_the_bot(running: Running) -> None:
    intents = discord.Intents.default()
    bot, grace = await running.bot(intents), await running.person("Grace")
    await grace.say(running.channel_id(), "between us")
    assert (await bot.message()).content == ""
    await grace.say(running.channel_id(), f"<@{bot.user.id}> come")
    assert "come" in (await bot.message(lambda one: bool(one.mentions))).content
    dm = await grace.ok("POST", "/users/@me/channels", {"recipient_id": str(bot.user.id)})
    await grace.say(int(dm["id"]), "in private")
    assert (await bot.message(lambda one: one.guild is None)).content == "in private"


async def test_history_pages_like_discords(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    channel = bot.get_channel(running.channel_id("ideas"))
    ids = [(await ada.say(channel.id, f"idea {number}"))["id"] for number in range(7)]
    assert [one.content async for one in channel.history(limit=3)] == ["idea 6", "idea 5", "idea 4"]
    before = [one.content async for one in channel.history(limit=2, before=discord.Object(int(ids[3])))]
    assert before == ["idea 2", "idea 1"]
    after = [one.content async for one in channel.history(limit=2, after=discord.Object(int(ids[3])))]
    assert after == ["idea 4", "idea 5"]
    around = await ada.ok("GET", f"/channels/{channel.id}/messages?around={ids[3]}&limit=3")
    assert [one["content"] for one in around] == ["idea 4", "idea 3", "idea 2"]


async def test_allowed_mentions_are_obeyed(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    channel = bot.get_channel(running.channel_id())
    text = f"@everyone <@{ada.id}>"
    loud = await channel.send(text)
    assert (loud.mention_everyone, [one.id for one in loud.mentions]) == (True, [ada.id])
    quiet = await channel.send(text, allowed_mentions=discord.AllowedMentions.none())
    assert (quiet.mention_everyone, quiet.mentions) == (False, [])
    only = await channel.send(
        text, allowed_mentions=discord.AllowedMentions(everyone=False, users=[discord.Object(ada.id)])
    )
    assert (only.mention_everyone, [one.id for one in only.mentions]) == (False, [ada.id])


async def test_files_embeds_and_buttons_arrive(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    channel = bot.get_channel(running.channel_id())
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="Press", custom_id="press"))
    view.add_item(discord.ui.Button(label="Read", url="https://example.org/"))
    view.add_item(discord.ui.Select(custom_id="pick", options=[discord.SelectOption(label="One")]))
    body = bytes(range(256)) * 10
    embed = discord.Embed(title="T", description="D").add_field(name="n", value="v").set_footer(text="f")
    sent = await channel.send("all", file=discord.File(io.BytesIO(body), "a b.bin"), embed=embed, view=view)
    assert await sent.attachments[0].read() == body
    seen = await ada.heard("MESSAGE_CREATE")
    assert seen["embeds"][0]["title"] == "T"
    assert [one["type"] for one in seen["components"][0]["components"]] == [2, 2]
    changed = await sent.edit(content="fewer", attachments=[], embed=None, view=None)
    assert (changed.attachments, changed.embeds, changed.components) == ([], [], [])


async def test_a_thread_from_a_message_and_one_on_its_own(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    await ada.say(running.channel_id(), "a long story")
    thread = await (await bot.message()).create_thread(name="The story")
    await thread.send("go on")
    await ada.say(thread.id, "it began so")
    heard = await bot.message(lambda one: one.content == "it began so")
    assert isinstance(heard.channel, discord.Thread)
    assert heard.channel.parent_id == running.channel_id()
    own = await bot.get_channel(running.channel_id()).create_thread(name="Own", type=discord.ChannelType.public_thread)
    await own.edit(archived=True)
    active = await bot.guilds[0].active_threads()
    assert [one.name for one in active] == ["The story"]
    assert [one.name async for one in own.parent.archived_threads()] == ["Own"]
    await ada.say(own.id, "wake up")
    await ada.heard("THREAD_UPDATE", lambda one: one["id"] == str(own.id) and not one["thread_metadata"]["archived"])
    assert {one.id for one in await own.fetch_members()} == {bot.user.id, ada.id}
    await own.delete()
    assert (await ada.heard("THREAD_DELETE"))["id"] == str(own.id)


async def test_a_private_thread_is_for_its_members(running: Running) -> None:
    bot, grace, linus = await running.bot(), await running.person("Grace"), await running.person("Linus")
    thread = await bot.get_channel(running.channel_id()).create_thread(name="Quiet")
    await thread.add_user(discord.Object(grace.id))
    assert (await grace.heard("THREAD_CREATE"))["name"] == "Quiet"
    await thread.send("psst")
    await grace.heard("MESSAGE_CREATE", lambda one: one["content"] == "psst")
    assert (await linus.request("GET", f"/channels/{thread.id}"))[0] == 403
    await thread.remove_user(discord.Object(grace.id))
    assert (await grace.request("GET", f"/channels/{thread.id}"))[0] == 403
    assert "THREAD_CREATE" not in linus.names()


async def test_deleting_pinning_and_typing(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    channel = bot.get_channel(running.channel_id())
    async with channel.typing():
        sent = [await channel.send(f"number {index}") for index in range(4)]
    assert (await ada.heard("TYPING_START"))["user_id"] == str(bot.user.id)
    await sent[0].pin()
    assert [one.id async for one in channel.pins()] == [sent[0].id]
    await sent[0].unpin()
    await sent[0].delete()
    await ada.heard("MESSAGE_DELETE", lambda one: one["id"] == str(sent[0].id))
    await channel.delete_messages(sent[1:3])
    assert len((await ada.heard("MESSAGE_DELETE_BULK"))["ids"]) == 2
    with pytest.raises(discord.NotFound) as missing:
        await channel.fetch_message(sent[0].id)
    assert missing.value.code == 10008
    assert (await channel.fetch_message(sent[3].id)).content == "number 3"


async def test_who_reacted_and_taking_it_back(running: Running) -> None:
    bot, ada = await running.bot(), await running.person("Ada")
    sent = await bot.get_channel(running.channel_id()).send("vote")
    path = f"/channels/{sent.channel.id}/messages/{sent.id}/reactions/%F0%9F%91%8D/@me"
    await ada.ok("PUT", path)
    await sent.add_reaction("👍")
    fetched = await sent.channel.fetch_message(sent.id)
    assert (fetched.reactions[0].count, fetched.reactions[0].me) == (2, True)
    assert {one.id async for one in fetched.reactions[0].users()} == {ada.id, bot.user.id}
    await sent.remove_reaction("👍", bot.user)
    await ada.ok("DELETE", path)
    assert (await sent.channel.fetch_message(sent.id)).reactions == []


async def test_the_bot_finds_who_added_it_and_writes_to_them(running: Running) -> None:
    bot, ada = await running.bot(everything()), await running.person("Ada")
    entries = [one async for one in bot.guilds[0].audit_logs(action=discord.AuditLogAction.bot_add)]
    assert (entries[0].user.id, entries[0].target.id) == (ada.id, bot.user.id)
    await entries[0].user.send("Let us set up")
    assert (await ada.heard("MESSAGE_CREATE"))["content"] == "Let us set up"
    await ada.ok("PATCH", "/users/@me/settings", {"default_guilds_restricted": True})
    with pytest.raises(discord.Forbidden) as closed:
        await entries[0].user.send("Are you there?")
    assert closed.value.code == 50007
