"""In which language Steward speaks: sentences, plural forms, numbers and lists, and whom each task speaks to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sklearn.feature_extraction.text  # noqa: F401 - takes seconds on a busy machine: not inside a test

from bot import language
from bot.errors import Refusal
from bot.language import Speech, _, _n, aloud, hearing, language_of, listed, number, speaking, speech_for, spoken
from tests.bot.conftest import World
from tests.bot.test_commands import text_of
from tests.bot.test_controls import labels
from tests.fakes import ScriptedEngine, failure, reply
from tests.waiting import until


@pytest.mark.parametrize(
    ("locale", "code"),
    [("fr", "fr"), ("pt-BR", "pt"), ("es-419", "es"), ("es-ES", "es"), ("en-GB", "en"), ("ko", "en"), (None, "en")],
)
def test_discords_locales(locale: str | None, code: str) -> None:
    assert language_of(locale) == code


def test_what_no_catalogue_has_is_said_in_english() -> None:
    with speaking(Speech("fr", "fr")):
        assert _("This was never {done}.", done="translated") == "This was never translated."
        assert _n("{count} bee flies", "{count} bees fly", 1) == "1 bee flies"
        assert _n("{count} bee flies", "{count} bees fly", 1200).replace("\u202f", " ") == "1 200 bees fly"
    assert _n("{count} bee flies", "{count} bees fly", 1200) == "1,200 bees fly"


def test_numbers_and_lists_are_written_as_the_reader_does() -> None:
    with speaking(Speech("de", "de")):
        assert number(1234.5) == "1.234,5"
        assert listed(["a", "b", "c"]) == "a, b und c"
        assert listed(["a", "b"], "or") == "a oder b"
    assert number(1234.5) == "1,234.5"


def test_what_everybody_reads_is_in_the_places_language() -> None:
    with speaking(speech_for("fr", "de")):
        with aloud():
            assert spoken() == "de"
        with aloud("Japanese"):
            assert spoken() == "ja"
        with aloud("Klingon"):
            assert spoken() == "de"
        assert spoken() == "fr"
    with speaking(speech_for("fr", None)), aloud():
        assert spoken() == "fr"


async def test_each_interactions_tasks_speak_its_language_however_long_they_last() -> None:
    heard: dict[str, str] = {}
    tasks: list[asyncio.Task[None]] = []
    go = asyncio.Event()

    async def work(who: str) -> None:
        await go.wait()
        heard[who] = spoken()

    parse = hearing(lambda data: tasks.append(asyncio.create_task(work(data["who"]))))
    parse({"who": "Ada", "locale": "fr", "guild_locale": "de"})
    parse({"who": "Grace", "locale": "ja"})
    parse({"who": "Linus"})
    assert spoken() == "en"
    go.set()
    await asyncio.gather(*tasks)
    assert heard == {"Ada": "fr", "Grace": "ja", "Linus": "en"}


def test_a_refusal_is_put_into_words_where_it_is_read() -> None:
    error = Refusal("There is no {thing}, {user} {{sic}}.", thing="bee", user="Ada")
    assert str(error) == "There is no bee, Ada {sic}."
    assert str(Refusal("Nothing {here} is filled in.")) == "Nothing {here} is filled in."


def test_every_language_has_a_catalogue() -> None:
    for code in language.LANGUAGES:
        assert language.catalogue_file(code).is_file()


def locales(world: World, **by_name: str) -> None:
    """Give people a language, as their own clients have one; SimCord's all speak English."""
    ids = {
        str(person.id): by_name[person.name] for person in (world.ada.user, world.grace.user) if person.name in by_name
    }
    parsers = world.env.bot._connection.parsers
    heard = parsers["INTERACTION_CREATE"]

    def from_client(data: dict[str, Any]) -> None:
        person = data.get("user") or data["member"]["user"]
        heard({**data, "locale": ids.get(person["id"], "en-US"), "guild_locale": by_name.get("guild", "en-US")})

    parsers["INTERACTION_CREATE"] = from_client


async def test_a_french_reader_and_a_japanese_one(world: World, engine: ScriptedEngine) -> None:
    locales(world, Ada="fr", Grace="ja")
    engine.model = "embedded/chat"
    nothing = text_of(await world.ada.slash(world.channel, "summarize"))
    assert nothing == "Il n'y a rien à résumer : il n'y a aucun message dans cette plage."
    await world.ada.send(world.channel, "The release of the garden app moves to Thursday because the page is broken.")
    await world.grace.send(world.channel, "Linus will write the announcement for the release on Wednesday evening.")
    told = await world.ada.slash(world.channel, "summarize")
    assert "**Les messages les plus parlants**" in text_of(told) and "lus : 2 des 2 derniers messages" in text_of(told)
    assert labels(told.response.message) == ["Publier ici", "M'envoyer en MP"]  # type: ignore[union-attr]
    assert "直近 2 件のうち 2 件を読みました" in text_of(await world.grace.slash(world.channel, "summarize"))
    refused = text_of(await world.grace.slash(world.channel, "summarize", window="soon"))
    assert refused.startswith("その時間は分かりません。")
    assert "`/chercher question:" in text_of(await world.ada.slash(world.channel, "find", question=" "))


async def test_what_is_posted_speaks_the_servers_language(world: World, engine: ScriptedEngine) -> None:
    locales(world, Ada="fr", guild="de")
    engine.model = "embedded/chat"
    await world.ada.send(world.channel, "The release of the garden app moves to Thursday because the page is broken.")
    await world.grace.send(world.channel, "Linus will write the announcement for the release on Wednesday evening.")
    told = await world.ada.slash(world.channel, "summarize")
    await world.ada.click(told.response.message, label="Publier ici")  # type: ignore[union-attr]
    posted = world.said()[-1]
    assert posted.startswith("> **Ada** teilt:") and "gelesen: 2 der letzten 2 Nachrichten" in posted


async def test_a_long_command_keeps_its_language_to_its_end(world: World, engine: ScriptedEngine) -> None:
    """Also in what its own tasks show meanwhile, and whatever somebody else is told at the same time."""
    locales(world, Ada="pt-BR")
    held = asyncio.Event()
    engine.enqueue(reply(pieces=[held, "- The release moves to Thursday [1]"]))
    for line in range(3):
        await world.ada.send(world.channel, f"The release {line} of the garden app moves to Thursday, says Linus.")
    asked = asyncio.create_task(world.ada.slash(world.channel, "summarize"))
    await until(lambda: "Resumindo 3 mensagens …" in str([request.json for request in world.env.http_requests]))
    with speaking(Speech("ja", "ja")):
        held.set()
        told = text_of(await asked)
    assert "**O que foi dito**" in told and "lidas 3 das últimas 3 mensagens" in told


async def test_a_failure_is_explained_in_the_readers_language(world: World, engine: ScriptedEngine) -> None:
    locales(world, Grace="de")
    engine.enqueue(failure(400))
    told = await world.grace.slash(world.channel, "ask", question="how are you?")
    assert "Die Engine des Modells hat diese Anfrage abgelehnt" in text_of(told)


async def test_what_a_press_writes_into_the_channel_is_not_in_the_pressers_language(
    world: World, engine: ScriptedEngine
) -> None:
    engine.enqueue(reply("First."), failure(400))
    await world.ada.send(world.channel, f"{world.mention} hello")
    locales(world, Ada="ja", guild="de")
    answer = next(one for one in world.channel.history() if one.author.id == world.me)
    await world.ada.click(answer, label="Regenerate")
    assert "Die Engine des Modells hat diese Anfrage abgelehnt" in "\n".join(world.said())


async def test_help_is_in_the_readers_language(world: World) -> None:
    locales(world, Ada="fr")
    told = await world.ada.slash(world.channel, "help")
    assert "assistant de cette communauté" in text_of(told) and "`/demander`" in text_of(told)
