"""Translations: by a chat model over HTTP, by an encoder-decoder model, and by engines that break everything."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm.client import LLMClient
from llm.config import LLMSettings
from llm.errors import EngineUnavailable, LLMError, SettingsRefused
from llm.tasks.languages import Detection
from llm.tasks.placeholders import MARK
from llm.tasks.translate import Translated, Translation
from llm.tasks.translate_engines import CannotTranslate, ChatEngine, Job, Seq2SeqEngine
from llm.tasks_client import FoundEntity, KnownLanguages, Rewritten
from tests.fakes import ReceivedRequest, ScriptedEngine, failure, reply
from tests.llm.tasks.test_placeholders import KINDS

GERMAN = "Wir treffen uns morgen um neun Uhr vor dem Bahnhof, {}."
ENGLISH = "We meet tomorrow at nine in front of the station, {}."


@pytest.fixture
async def client(engine: ScriptedEngine) -> AsyncIterator[LLMClient]:
    async with LLMClient(LLMSettings(), engine.base_url) as opened:
        yield opened


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine() as running:
        yield running


@pytest.fixture
def chat(client: LLMClient) -> Translation:
    return Translation([ChatEngine(client)], Detection())


class Scripted:
    """An engine of one process: `say` makes of a piece what it likes."""

    by_line = True

    def __init__(self, say: Callable[[str], str], longest: int = 300) -> None:
        self.say = say
        self.most = longest
        self.asked: list[list[str]] = []

    async def longest(self, job: Job) -> int:
        return self.most

    async def write(self, pieces: Sequence[str], job: Job, done: Callable[[int], None]) -> list[Rewritten]:
        self.asked.append(list(pieces))
        done(len(pieces))
        return [Rewritten(self.say(piece), False) for piece in pieces]


class Model:
    """An encoder-decoder model that says what it was asked."""

    def __init__(self, known: KnownLanguages | None, truncates: bool = False) -> None:
        self.known = known
        self.truncates = truncates
        self.asked: list[tuple[list[str], str | None, str | None]] = []

    async def languages(self) -> KnownLanguages | None:
        return self.known

    async def seq2seq(
        self, texts: Sequence[str], *, source_language: str | None = None, target_language: str | None = None
    ) -> list[Rewritten]:
        self.asked.append((list(texts), source_language, target_language))
        return [Rewritten(text.upper(), self.truncates) for text in texts]


NLLB = KnownLanguages(("deu_Latn", "fra_Latn"), ("deu_Latn", "fra_Latn"), must_be_told=True)


async def test_a_chat_model_is_asked_for_the_translation_alone(chat: Translation, engine: ScriptedEngine) -> None:
    engine.enqueue(reply("<text>\nWe meet tomorrow at nine in front of the station, [1].\n</text>"))
    (done,) = await chat.translate([GERMAN.format("<@42>")], "en", user="1/2")
    assert done == Translated(ENGLISH.format("<@42>"), "de", "en")
    asked = engine.requests[0].body
    assert asked["priority"] == "command" and asked["user"] == "1/2" and asked["temperature"] == 0
    assert "from German into English" in engine.requests[0].texts[0]
    assert engine.requests[0].texts[1] == f"<text>\n{GERMAN.format('[1]')}\n</text>"


async def test_what_is_in_that_language_already_is_not_asked_for(chat: Translation, engine: ScriptedEngine) -> None:
    text = ENGLISH.format("`x`")
    found = await chat.translate([text, "🎉 https://a.example `x`"], "en")
    assert found == [Translated(text, "en", "en", same=True), Translated("🎉 https://a.example `x`", None, "en")]
    engine.enqueue(reply("ok"))
    assert (await chat.translate(["ok"], "en"))[0].same, "a short word that comes back as it was"
    assert (await chat.translate(["irgendwas"], "fr", source="fr"))[0].same and await chat.translate([], "fr") == []
    assert len(engine.requests) == 1


async def test_what_a_model_loses_is_mended_piece_by_piece(chat: Translation, engine: ScriptedEngine) -> None:
    def about(words: str) -> Callable[[ReceivedRequest], bool]:
        return lambda request: request.texts[1] == f"<text>\n{words}\n</text>"

    whole = "Frag [1] oder [2] nach dem Schlüssel"
    engine.enqueue(reply("Ask [1] or [1] for the key"), when=about(whole))
    for words, answer in (("Frag", "Ask"), ("oder", "or"), ("nach dem Schlüssel", "for the key <@13>")):
        engine.enqueue(reply(answer), when=about(words))
    (done,) = await chat.translate(["Frag <@1> oder <@2> nach dem Schlüssel"], "en", source="de")
    assert done.text == "Ask <@1> or <@2> nach dem Schlüssel", "what invents a mention is not taken"


async def test_long_texts_go_in_pieces_side_by_side(chat: Translation, engine: ScriptedEngine) -> None:
    engine.max_model_len = 2048
    text = "\n\n".join([GERMAN.format("bitte")] * 12)
    engine.enqueue(reply("One.", finish_reason="length"), reply("Two."))
    seen: list[tuple[int, int]] = []
    used = []
    (done,) = await chat.translate(
        [text], "en", progress=lambda done, total: seen.append((done, total)), count=used.append
    )
    assert done.text.count("\n\n") == 1 and done.truncated
    assert seen == [(0, 2), (1, 2), (2, 2)] and len(used) == 2 and used[0] is not None


@pytest.mark.parametrize(("model", "why"), [("embedded/chat", "built-in model")])
async def test_the_built_in_model_cannot(chat: Translation, engine: ScriptedEngine, model: str, why: str) -> None:
    engine.model = model
    with pytest.raises(CannotTranslate) as refused:
        await chat.translate([GERMAN], "en")
    assert refused.value.why == why and not engine.requests


async def test_an_engine_that_fails_is_said(chat: Translation, engine: ScriptedEngine) -> None:
    engine.enqueue(failure(503, "loading"))
    with pytest.raises(EngineUnavailable):
        await chat.translate([GERMAN], "en")


async def test_an_encoder_decoder_gets_sentences_and_its_own_codes() -> None:
    model = Model(NLLB, truncates=True)
    translation = Translation([Seq2SeqEngine(model)], Detection())
    (done,) = await translation.translate([f"> {GERMAN.format('@ada')}\n\n- zwei `x`\n"], "fr", source="de")
    assert done.text == f"> {GERMAN.format('[1]').upper().replace('[1]', '@ada')}\n\n- ZWEI `x`\n"
    assert done.truncated
    assert model.asked == [([GERMAN.format("[1]"), "zwei [2]"], "deu_Latn", "fra_Latn")]


@pytest.mark.parametrize(
    ("known", "source", "target", "told"),
    [
        (NLLB, "de", "ja", "language"),
        (NLLB, "ja", "de", "language"),
        (None, "de", "fr", "no model"),
        (KnownLanguages((), ()), "de", "fr", (None, None)),
        (KnownLanguages(("en",), ("de",)), "fr", "de", "language"),
        (KnownLanguages(("en",), ("de",)), "en", "de", ("en", "de")),
        (KnownLanguages(("ROMANCE",), ("en", "de")), "fr", "de", (None, "de")),
    ],
)
async def test_what_a_model_does_not_know(
    known: KnownLanguages | None, source: str, target: str, told: str | tuple[str | None, str | None]
) -> None:
    model = Model(known)
    work = Translation([Seq2SeqEngine(model)], Detection()).translate(["Hallo"], target, source=source)
    if isinstance(told, str):
        with pytest.raises(CannotTranslate) as refused:
            await work
        assert refused.value.why == told
    else:
        assert (await work)[0].text == "HALLO" and model.asked[0][1:] == told


async def test_a_spoiler_stays_one_where_an_engine_drops_its_bars() -> None:
    translation = Translation([Scripted(lambda piece: MARK.sub("", piece).upper())], Detection())
    (done,) = await translation.translate(["Der Gärtner ||war es|| am Ende."], "fr", source="de")
    assert done.text == "DER GÄRTNER ||WAR ES|| AM ENDE."


async def test_where_nothing_tells_the_language_it_is_the_usual_one() -> None:
    model = Model(KnownLanguages(NLLB.sources, ("eng_Latn",), must_be_told=True))
    translation = Translation([Seq2SeqEngine(model)], Detection())
    sure = GERMAN.format("ja")
    await translation.translate(["ok", sure], "en", usual="fr")
    assert [(texts, source) for texts, source, _ in model.asked] == [(["ok"], "fra_Latn"), ([sure], "deu_Latn")]


async def test_the_chat_model_takes_what_the_other_cannot() -> None:
    model, chat = Model(NLLB), Scripted(str.title)
    translation = Translation([Seq2SeqEngine(model, needs_languages=True), chat], Detection())
    assert (await translation.translate(["hallo welt"], "fr", source="de"))[0].text == "HALLO WELT"
    assert (await translation.translate(["hallo welt"], "ja", source="de"))[0].text == "Hallo Welt"
    model.known = KnownLanguages((), ())
    assert (await translation.translate(["hallo welt"], "fr", source="de"))[0].text == "Hallo Welt"


async def test_of_several_texts_those_in_unknown_languages_stay() -> None:
    translation = Translation([Seq2SeqEngine(Model(NLLB))], Detection())
    texts = [GERMAN.format("ja"), "ok", "明日の朝、駅の前で会いましょう。"]
    found = await translation.translate(texts, "fr")
    assert [one.unknown for one in found] == [False, True, True] and found[2].text == texts[2]
    with pytest.raises(CannotTranslate) as refused:
        await translation.translate(texts[1:], "fr")
    assert refused.value.language == "ja"


class People:
    """Finds one name, or fails."""

    def __init__(self, error: LLMError | None = None) -> None:
        self.error = error

    async def entities(self, texts: Sequence[str]) -> list[list[FoundEntity]]:
        if self.error is not None:
            raise self.error
        return [[FoundEntity(0, 5, "PER", "Grete", 0.99), FoundEntity(6, 10, "PER", "mags", 0.5)] for _ in texts]


async def test_names_that_a_model_finds_are_kept() -> None:
    for people, said in ((People(), "Grete MAGS"), (People(SettingsRefused("no model")), "GRETE MAGS")):
        translation = Translation([Scripted(str.upper)], Detection(), people)
        assert (await translation.translate(["Grete mags"], "fr", source="de"))[0].text == said
    known = Translation([Scripted(str.upper)], Detection())
    assert (await known.translate(["Grete mags"], "fr", source="de", names=["Grete"]))[0].text == "Grete MAGS"


def _shuffled(piece: str) -> str:
    words = piece.split()
    random.Random(piece).shuffle(words)
    return " ".join(words)


BREAKERS: list[Callable[[str], str]] = [
    str,
    str.upper,
    _shuffled,
    lambda piece: "",
    lambda piece: piece.replace("[", ""),
    lambda piece: piece + " " + piece,
    lambda piece: "mot [1] [99] https://evil.example `x` 🎉 <@666>",
    lambda piece: piece.replace("[", "【").replace("]", "】"),
    lambda piece: "übersetzt",
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([*KINDS, "ein Wort", "Satz. Noch einer!", "\n", "Grete"]), max_size=12),
    st.sampled_from(BREAKERS),
    st.sampled_from([20, 300]),
)
async def test_nothing_kept_is_ever_lost_or_invented(parts: list[str], say: Callable[[str], str], longest: int) -> None:
    text = " ".join(parts)
    translation = Translation([Scripted(say, longest)], Detection())
    (done,) = await translation.translate([text], "fr", source="de", names=["Grete"])
    for kept in {part for part in parts if part in KINDS or part == "Grete"}:
        assert done.text.count(kept) >= parts.count(kept)
    assert "666" not in done.text.replace("<a:party:666>", "") and "evil" not in done.text
