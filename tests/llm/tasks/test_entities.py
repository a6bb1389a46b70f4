"""Names found by a task model or by the chat model; what the chat model made up is no name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from llm.client import LLMClient
from llm.config import CHAT, LLMSettings, TaskModelSettings
from llm.errors import EngineUnavailable, NotServed
from llm.tasks.asking import Asking, Excerpt, numbered, portions
from llm.tasks.entities import NameFinder, kind_of, spots_in
from llm.tasks_client import TasksClient
from llm.worker.tasks import wanted
from tests.fakes import ScriptedEngine, failure, reply


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine(max_model_len=600) as running:
        yield running


@pytest.fixture
async def by_chat(engine: ScriptedEngine) -> AsyncIterator[NameFinder]:
    async with LLMClient(LLMSettings(first_token_timeout_s=2.0), engine.base_url) as client:
        yield NameFinder(None, Asking(client))


def places(text: str, line: str) -> list[tuple[int, int]]:
    return [(spot.start, spot.end) for spot in spots_in(Excerpt(0, 0, text), line)]


async def test_the_chat_models_lines_become_places(engine: ScriptedEngine, by_chat: NameFinder) -> None:
    engine.enqueue(
        reply("Here they are:\n[1] PERSON: Ada\n- [2] PLACE: “Paris”\n[2] OTHER: the Louvre\n[9] PERSON: Bob")
    )
    texts = ["Ada met ada 👩🏽‍💻 and Adam", "to Paris with the moon"]
    found = await by_chat.find(texts, user="1/2")
    assert [[(spot.kind, spot.text) for spot in spots] for spots in found.spots] == [
        [("PER", "Ada")],
        [("LOC", "Paris")],
    ]
    assert all(
        text[spot.start : spot.end] == spot.text
        for text, spots in zip(texts, found.spots, strict=True)
        for spot in spots
    )
    assert found.usage is not None and engine.requests[0].body["user"] == "1/2"


async def test_many_texts_are_read_in_portions(engine: ScriptedEngine, by_chat: NameFinder) -> None:
    engine.enqueue(*[reply("[1] PERSON: Ada")] * 20)
    seen: list[tuple[int, int]] = []
    found = await by_chat.find(["Ada " + "x" * 200] * 8, progress=lambda done, total: seen.append((done, total)))
    assert len(engine.requests) > 1 and seen[-1] == (8, 8)
    assert sum(map(bool, found.spots)) == len(engine.requests)


async def test_of_a_long_text_every_part_is_read(engine: ScriptedEngine, by_chat: NameFinder) -> None:
    engine.enqueue(*[reply("[1] PERSON: Ada")] * 40)
    text = "so it goes " * 100 + "Ada"
    (spots,) = (await by_chat.find([text])).spots
    assert [(spot.start, spot.text) for spot in spots] == [(len(text) - 3, "Ada")]


async def test_the_built_in_chat_model_is_not_asked(engine: ScriptedEngine, by_chat: NameFinder) -> None:
    engine.model = "embedded/chat"
    with pytest.raises(NotServed):
        await by_chat.find(["Ada"])


async def test_a_failure_ends_it(engine: ScriptedEngine, by_chat: NameFinder) -> None:
    engine.enqueue(failure(503, "loading"))
    with pytest.raises(EngineUnavailable):
        await by_chat.find(["Ada"])


async def test_no_such_route_is_no_model(engine: ScriptedEngine) -> None:
    async with TasksClient(LLMSettings(), engine.base_url) as tasks:
        with pytest.raises(NotServed):
            await NameFinder(tasks).find(["Ada"])
    with pytest.raises(NotServed):
        await NameFinder(None).find(["Ada"])


async def test_a_sign_alone_is_no_name(engine: ScriptedEngine) -> None:
    engine.names = {"@": "PER", "ada": "PER"}
    async with TasksClient(LLMSettings(), engine.base_url) as tasks:
        found = await NameFinder(tasks).find(["hi @ ada"])
    assert [spot.text for spot in found.spots[0]] == ["ada"]


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("Ada and Ada", "PERSON: Ada", [(0, 3), (8, 11)]),
        ("Adam", "PERSON: Ada", []),
        ("ADA", "PERSON: Ada", [(0, 3)]),
        ("New\nYork", "PLACE: New York", [(0, 8)]),
        ("明日東京に行く", "PLACE: 東京", [(2, 4)]),
        ("e\u0301 Zoë", "PERSON: Zoë", [(3, 6)]),
        ("on Friday", "DATE: Friday", []),
        ("Ada", "Ada is a person", []),
        ("Ada", "PERSON: ", []),
    ],
)
def test_names_are_found_again_in_the_text(text: str, line: str, expected: list[tuple[int, int]]) -> None:
    assert places(text, line) == expected


def test_kinds_of_other_models() -> None:
    assert [kind_of(name) for name in ("B", "gpe", "PERSON", "NORP", "WORK_OF_ART", "DATE")] == [
        "MISC", "LOC", "PER", "ORG", "MISC", None,
    ]  # fmt: skip


def test_portions_hold_everything_once_in_order() -> None:
    texts = ["short", "", "word " * 500, "東" * 700, "last"]
    found = [excerpt for portion in portions(texts, 200) for excerpt in portion]
    assert all(texts[one.index][one.start : one.start + len(one.text)] == one.text for one in found)
    assert [one.index for one in found] == sorted(one.index for one in found)
    for index, text in enumerate(texts):
        assert "".join(one.text for one in found if one.index == index).strip() == text.strip()


def test_numbers_that_nobody_gave_are_dropped() -> None:
    assert numbered("[1] a\n2. b\n(3) c\n[0] d\n[9] e\nno", 3) == [(1, "a"), (2, "b")]


def test_the_worker_loads_nothing_for_what_the_chat_model_does() -> None:
    assert "entities" not in wanted(TaskModelSettings(entities=CHAT))
