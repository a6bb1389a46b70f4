"""Ids, pages and what the store gives back."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playground.intents import Intent, needed, without_content
from playground.models import Attachment, Message, Payload, Reaction
from playground.seed import plant
from playground.snowflake import Snowflakes, moment
from playground.state import World
from playground.store import Store


def test_ids_grow_when_the_clock_stands_still_or_goes_back() -> None:
    times = [1_800_000_000.0]
    ids = Snowflakes(clock=lambda: times[-1])
    given = [ids.next() for _ in range(5000)]
    times.append(1_700_000_000.0)
    given += [ids.next() for _ in range(10)]
    assert given == sorted(set(given))
    assert moment(given[0]) == datetime.fromtimestamp(times[0], UTC)
    assert Snowflakes(last=given[-1], clock=lambda: 0.0).next() == given[-1] + 1


def test_pages_of_a_channel() -> None:
    world = World(Store(None))
    plant(world)
    channel = world.guild_channels(next(iter(world.guilds)))[0]
    ids = [world.snowflakes.next() for _ in range(10)]
    for identity in reversed(ids):
        world.add_message(Message(identity, channel.id, world.bot.id, "", "now"))

    def page(**where: int) -> list[int]:
        chosen = {"before": None, "after": None, "around": None, **where}
        return [ids.index(one.id) for one in world.page(channel.id, 4, **chosen)]

    assert page() == [9, 8, 7, 6]
    assert page(before=ids[5]) == [4, 3, 2, 1]
    assert page(before=ids[2]) == [1, 0]
    assert page(after=ids[5]) == [9, 8, 7, 6]
    assert page(after=ids[8]) == [9]
    assert page(around=ids[5]) == [6, 5, 4, 3]
    assert page(around=ids[0]) == [3, 2, 1, 0]
    assert page(before=1) == page(after=2**63) == []


async def test_everything_comes_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    async with Store(path) as store:
        world = World(store)
        plant(world)
        channel = world.guild_channels(next(iter(world.guilds)))[0]
        message = Message(world.snowflakes.next(), channel.id, world.bot.id, "kept", "now")
        message.attachments.append(Attachment(1, "a.png", 3, "image/png"))
        message.reactions.append(Reaction("👍", None, [1]))
        world.add_message(message)
        gone = Message(world.snowflakes.next(), channel.id, world.bot.id, "gone", "now")
        world.add_message(gone)
        world.remove_message(gone)
        ephemeral = Message(world.snowflakes.next(), channel.id, world.bot.id, "", "now", only_for=1)
        world.add_message(ephemeral)
        store.put_file(1, b"png")
    async with Store(path) as store:
        again = World(store)
        plant(again)
        for kind in ("users", "guilds", "channels", "commands"):
            before, after = getattr(world, kind), getattr(again, kind)
            assert {one: asdict(before[one]) for one in before} == {one: asdict(after[one]) for one in after}
        assert {one: asdict(body) for one, body in again.messages.items()} == {message.id: asdict(message)}
        assert await store.file(1) == b"png"
        assert await store.file(2) is None
        assert again.snowflakes.next() > message.id


async def test_nothing_is_half_written(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    async with Store(path) as store:
        store.put("thing", 1, {"whole": True})
        await store.flush()
        store.put("thing", 2, {"never": object()})
        with pytest.raises(TypeError):
            await store.flush()
        assert [one["whole"] for one in store.load("thing")] == [True]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    path.write_text("not a database, but long enough to be looked at " * 30)
    with pytest.raises(sqlite3.DatabaseError):
        Store(path)


@pytest.mark.parametrize(
    ("event", "in_guild", "expected"),
    [
        ("MESSAGE_CREATE", True, Intent.GUILD_MESSAGES),
        ("MESSAGE_DELETE_BULK", True, Intent.GUILD_MESSAGES),
        ("MESSAGE_REACTION_ADD", True, Intent.GUILD_MESSAGE_REACTIONS),
        ("MESSAGE_REACTION_ADD", False, Intent.DIRECT_MESSAGE_REACTIONS),
        ("MESSAGE_CREATE", False, Intent.DIRECT_MESSAGES),
        ("TYPING_START", True, Intent.GUILD_MESSAGE_TYPING),
        ("TYPING_START", False, Intent.DIRECT_MESSAGE_TYPING),
        ("THREAD_MEMBERS_UPDATE", True, Intent.GUILDS),
        ("GUILD_MEMBER_REMOVE", True, Intent.GUILD_MEMBERS),
        ("PRESENCE_UPDATE", True, Intent.GUILD_PRESENCES),
        ("INTERACTION_CREATE", True, 0),
    ],
)
def test_which_intent_an_event_needs(event: str, in_guild: bool, expected: int) -> None:
    assert needed(event, in_guild=in_guild) == expected


def shape(author: str, content: str, **more: object) -> Payload:
    return {
        "author": {"id": author},
        "content": content,
        "mentions": [],
        "embeds": [1],
        "attachments": [1],
        "components": [1],
        **more,
    }


def test_content_is_emptied_down_to_the_answered_message() -> None:
    other, own = shape("2", "secret"), shape("1", "mine")
    shown = without_content(shape("2", "secret", guild_id="9", referenced_message=other), 1)
    assert (shown["content"], shown["embeds"], shown["attachments"], shown["components"]) == ("", [], [], [])
    assert shown["referenced_message"]["content"] == ""
    shown = without_content(shape("2", "for you", guild_id="9", mentions=[{"id": "1"}], referenced_message=own), 1)
    assert (shown["content"], shown["referenced_message"]["content"]) == ("for you", "mine")
    assert without_content(shape("2", "direct"), 1)["content"] == "direct"
