"""Which choice holds, which values can be chosen, and that what is in memory is never old."""

from __future__ import annotations

import pytest

from bot.config import BotSettings, Settings
from bot.settings import catalogue
from bot.settings.defaults import defaults
from bot.settings.resolving import Held, Where, default, held, rules
from bot.settings.rulebook import Rulebook
from bot.settings.rules import Rules
from bot.settings.values import BadValue, Kind, Spec
from llm.config import LLMSettings
from storage.config import StorageSettings
from storage.database import Database
from storage.retention import Retention
from storage.settings import GuildSettings, Place, Scope

SERVER = Place(7)
CHANNEL, THREAD = Place(7, Scope.CHANNEL, 70), Place(7, Scope.CHANNEL, 71)
HIGH, LOW = Place(7, Scope.ROLE, 2), Place(7, Scope.ROLE, 1)
HERE = Where(7, channels=(71, 70), roles=(2, 1, 7))
FILE = Rules(persona="of the file")
BY_STRENGTH = (THREAD, CHANNEL, HIGH, LOW, SERVER)


@pytest.mark.parametrize("count", range(6))
def test_channel_over_role_over_server_over_file(count: int) -> None:
    """Whatever the stronger places leave open is decided by the next one."""
    chosen = {(place, "persona"): f"of {place.scope.value} {place.target_id}" for place in BY_STRENGTH[count:]}
    found = held(catalogue.PERSONA, HERE, chosen, FILE)
    expected = (
        Held(chosen[BY_STRENGTH[count], "persona"], BY_STRENGTH[count]) if count < 5 else Held(FILE.persona, None)
    )
    assert found == expected
    assert rules(HERE, chosen, FILE).persona == expected.value


def test_other_places_and_things_do_not_count() -> None:
    chosen = {(Place(7, Scope.CHANNEL, 99), "persona"): "elsewhere", (SERVER, "language"): "German"}
    assert rules(HERE, chosen, FILE) == Rules(persona="of the file", language="German")


def test_what_cannot_be_counts_as_not_chosen() -> None:
    chosen = {(CHANNEL, "max_tokens"): "many", (SERVER, "max_tokens"): 64, (ROLE_ONLY, "answer_when"): "everything"}
    assert rules(HERE, chosen, FILE) == Rules(persona="of the file", max_tokens=64)


ROLE_ONLY = HIGH
"""A place for which `answer_when` cannot be chosen."""


def test_lists_come_back_as_tuples() -> None:
    chosen = {(CHANNEL, "allowed_roles"): [5, 6]}
    assert rules(HERE, chosen, Rules()).allowed_roles == (5, 6)
    assert held(catalogue.WHO, HERE, {}, Rules()).value == []


@pytest.mark.parametrize("spec", catalogue.EVERYTHING, ids=lambda spec: spec.name)
def test_everything_that_can_be_chosen_makes_sense(spec: Spec) -> None:
    assert default(spec, defaults(Settings(), in_playground=False)) == default(spec, Rules())
    assert spec.checked(default(spec, Rules())) == default(spec, Rules())
    for option in spec.options:
        assert spec.checked(option.value) == option.value
        assert len(option.label) <= 100 and len(option.hint) <= 100
    assert len(spec.says) <= 250 and len(spec.title) <= 45
    assert len(spec.options) <= 24


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("max_tokens", " 700 ", 700),
        ("tokens_per_day", "1,000", 1000),
        ("tokens_per_day", "1.000.000", 1_000_000),
        ("requests_per_day", "0", 0),
        ("persona", " Be kind. ", "Be kind."),
        ("language", "Klingon", "Klingon"),
    ],
)
def test_what_is_typed(name: str, text: str, value: object) -> None:
    assert catalogue.BY_NAME[name].typed(text) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("max_tokens", "many", "“many” is no whole number. Please give a whole number from 16 to 32,768."),
        ("max_tokens", "1.5", "no whole number"),
        ("max_tokens", "٣٠", "no whole number"),
        ("max_tokens", "", "no whole number"),
        ("max_tokens", "9" * 400, "no whole number"),
        ("max_tokens", "-3", "from 16 to 32,768"),
        ("retention_days", "0", "from 1 to 3,650"),
        ("persona", "x" * 1001, "1,001 characters long; at most 1,000 fit"),
    ],
)
def test_what_cannot_be_typed_gets_a_sentence(name: str, text: str, said: str) -> None:
    with pytest.raises(BadValue, match=said):
        catalogue.BY_NAME[name].typed(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [("filter_own_text", 1), ("answer_when", "always"), ("max_tokens", True), ("allowed_roles", ["a"]), ("persona", 5)],
)
def test_what_is_of_another_kind_is_refused(name: str, value: object) -> None:
    with pytest.raises(BadValue):
        catalogue.BY_NAME[name].checked(value)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("answer_when", "everything", "Every message"),
        ("max_tokens", 1234, "1,234 tokens"),
        ("requests_per_day", 0, "No limit"),
        ("persona", "Be\nkind.", "“Be kind.”"),
        ("persona", "x" * 500, "“" + "x" * 59 + "…”"),
        ("allowed_roles", [], "everybody"),
    ],
)
def test_how_values_read(name: str, value: str, shown: str) -> None:
    assert catalogue.BY_NAME[name].shown(value) == shown


def test_the_file_is_what_holds_first() -> None:
    bot = BotSettings(persona="Terse.", store="addressed")
    own = Settings(bot=bot, llm=LLMSettings(max_tokens=99), storage=StorageSettings(retention_days=3))
    made = defaults(own, in_playground=True)
    assert (made.persona, made.max_tokens, made.retention_days, made.store) == ("Terse.", 99, 3, "addressed")
    assert defaults(Settings(), in_playground=True).store == "everything"


def test_every_rule_can_be_chosen() -> None:
    assert set(Rules.__dataclass_fields__) == set(catalogue.BY_NAME)
    assert {spec.kind for spec in catalogue.EVERYTHING} == set(Kind)


class TestRulebook:
    @pytest.fixture
    def stored(self, database: Database) -> GuildSettings:
        return GuildSettings(database)

    async def test_a_change_holds_at_once_whoever_makes_it(self, database: Database, stored: GuildSettings) -> None:
        book = Rulebook(stored, FILE)
        assert (await book.at(Where(7))).persona == "of the file"
        assert await book.put(SERVER, catalogue.PERSONA, "terse", by=700)
        assert (await book.at(Where(7))).persona == "terse"
        await GuildSettings(database).put(SERVER, "persona", "kind", by=1)
        assert (await book.at(Where(7))).persona == "kind"
        assert book.at_once(Where(7)).persona == "kind"
        await Retention(database).delete_guild(7)
        assert (await book.at(Where(7))).persona == "of the file"

    async def test_one_query_and_then_memory(self, stored: GuildSettings) -> None:
        book = Rulebook(stored, FILE)
        assert await book.chosen(7) is await book.chosen(7)
        assert (await book.at(None)) == FILE

    async def test_what_cannot_be_is_never_stored(self, stored: GuildSettings) -> None:
        book = Rulebook(stored, FILE)
        with pytest.raises(BadValue):
            await book.put(SERVER, catalogue.MAX_TOKENS, "many", by=700)
        assert await stored.chosen(7) == {}
