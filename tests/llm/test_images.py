"""Images in a prompt: as content parts where the model sees, counted, and left out where it does not."""

from __future__ import annotations

import pytest

from llm.client import LLMClient
from llm.config import Images, LLMSettings
from llm.errors import RequestRefused
from llm.failures import is_about_images
from llm.listing import choose
from llm.prompt import illustrated, prepare
from llm.types import ChatImage, ChatMessage, Sampling
from tests.fakes import ScriptedEngine, failure, raw, reply

IMAGE = ChatImage(b"jpeg", 1024, 1024)
ASKED = [ChatMessage("user", "look", "Ada", (IMAGE,)), ChatMessage("user", "well?", "Grace")]


def test_they_stand_after_the_text_of_their_turn() -> None:
    assert prepare(ASKED) == [{"role": "user", "content": "Ada: look\nGrace: well?"}]
    (turn,) = illustrated(ASKED)
    assert turn["content"] == [
        {"type": "text", "text": "Ada: look\nGrace: well?"},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,anBlZw=="}},
    ]
    assert illustrated(ASKED[1:]) == prepare(ASKED[1:])


def test_each_counts_by_its_size() -> None:
    assert (IMAGE.tokens, ChatImage(b"", 30, 20).tokens) == (37 * 37, 768)


@pytest.mark.parametrize(
    ("entry", "images", "sees"),
    [
        ({}, "auto", None),
        ({}, "on", True),
        ({"input_modalities": ["text", "image"]}, "auto", True),
        ({"input_modalities": ["text", "image"]}, "off", False),
        ({"architecture": {"input_modalities": ["text"]}}, "auto", False),
        ({"architecture": "llama"}, "auto", None),
    ],
)
def test_who_sees(entry: dict[str, object], images: Images, sees: bool | None) -> None:
    assert choose([{"id": "m", **entry}], LLMSettings(images=images)).sees is sees
    if not entry:
        assert choose([], LLMSettings(images=images, model="m")).sees is sees


@pytest.mark.parametrize(
    ("sentence", "about"),
    [
        ("image input is not supported - hint: you may need to provide the mmproj", True),
        ("m is not a multimodal model", True),
        ("messages[0].content: this engine reads text only; other parts are not supported", True),
        ("temperature must be at most 2", False),
    ],
)
def test_refusals_that_are_about_images(sentence: str, about: bool) -> None:
    assert is_about_images(RequestRefused(sentence)) is about


@pytest.mark.parametrize(
    "refusal",
    [
        failure(400, "this engine reads text only; other parts are not supported", kind="invalid_request_error"),
        failure(500, "image input is not supported"),
        raw({"detail": [{"loc": ["body", "messages", 0, "content"], "msg": "Input must be a string"}]}, 422),
    ],
)
async def test_an_engine_that_does_not_say_is_tried_once(engine: ScriptedEngine, refusal: object) -> None:
    engine.owned_by = "other"
    engine.enqueue(refusal, reply("A."), reply("B."))  # type: ignore[arg-type]
    async with LLMClient(LLMSettings(), engine.base_url) as client:
        before = await client.count_tokens(ASKED)
        assert [(await client.chat(ASKED, Sampling())).text for _ in range(2)] == ["A.", "B."]
        after = await client.count_tokens(ASKED)
        assert (await client.model()).sees is False
    assert [type(request.body["messages"][0]["content"]) for request in engine.requests] == [list, str, str]
    assert (before.count - after.count, before.exact, after.exact) == (IMAGE.tokens, False, True)


async def test_a_model_that_should_see_and_refuses_is_an_error(engine: ScriptedEngine) -> None:
    engine.sees = True
    engine.enqueue(failure(400, "the image is broken", kind="invalid_request_error"))
    async with LLMClient(LLMSettings(), engine.base_url) as client:
        with pytest.raises(RequestRefused, match="broken"):
            await client.chat(ASKED, Sampling())
