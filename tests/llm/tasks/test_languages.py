"""Languages: their codes in models, and telling them apart."""

from __future__ import annotations

import pytest

from llm.tasks.languages import LANGUAGES, Detection, english_name, model_code, reduced


@pytest.mark.parametrize(
    ("language", "codes", "code"),
    [
        ("fr", ["eng_Latn", "fra_Latn"], "fra_Latn"),
        ("fr", ["en_XX", "fr_XX"], "fr_XX"),
        ("fr", ["en", "fr"], "fr"),
        ("fr", ["deu", "fra"], "fra"),
        ("zh", ["zho_Hant", "zho_Hans"], "zho_Hans"),
        ("zh", ["zh_CN"], "zh_CN"),
        ("ar", ["arb_Latn", "arb_Arab"], "arb_Arab"),
        ("no", ["nno_Latn", "nob_Latn"], "nob_Latn"),
        ("pt", ["pt_br", "por", "pt"], "pt"),
        ("ja", ["deu", "fra"], None),
    ],
)
def test_what_models_call_a_language(language: str, codes: list[str], code: str | None) -> None:
    assert model_code(language, codes) == code


def test_codes_are_reduced() -> None:
    assert [reduced(code) for code in ("pt-BR", "en_US", "nb", "zh-TW", "FR", "tlh", "")] == [
        "pt", "en", "no", "zh", "fr", None, None,
    ]  # fmt: skip
    assert english_name("pt") == "Portuguese" and len(LANGUAGES) == 31


async def test_languages_are_told_apart() -> None:
    texts = {
        "de": "Wir treffen uns morgen um neun Uhr vor dem Bahnhof.",
        "en": "Thanks a lot, this works fine for all of us now.",
        "fr": "On se retrouve demain matin devant la gare.",
        "ja": "明日の朝、駅の前で会いましょう。",
        "ru": "Встретимся завтра утром перед вокзалом.",
        "th": "พบกันพรุ่งนี้",
        "no": "Vi møtes i morgen klokka ni foran stasjonen.",
    }
    found = await Detection().of([*texts.values(), "ok", "lol", "danke", "", "42"])
    assert [one and one.language for one in found[: len(texts)]] == list(texts)
    assert all(one is not None and one.is_sure for one in found[: len(texts)])
    assert not any(one is not None and one.is_sure for one in found[len(texts) :]), "one short word tells nothing"
