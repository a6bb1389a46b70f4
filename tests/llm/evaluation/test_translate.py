"""The evaluation of translations: its scorer on known answers, and the whole path with a tiny random model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm.evaluation.translate import check_scorer, evaluate, score, surviving, tatoeba
from llm.evaluation.translate_cases import KINDS, cases
from llm.tasks.languages import Detection
from llm.tasks.placeholders import kept_in
from llm.tasks.translate import Translation
from tests.llm.tasks.test_translate import BREAKERS, Scripted
from tests.llm.worker.tiny_seq2seq import make_nllb


def test_known_answers() -> None:
    check_scorer()
    found = score(["guten Tag ihr da"], ["good day you"], ["guten Tag ihr da"], "de")
    assert found.bleu == pytest.approx(100) and found.chrf == pytest.approx(100) and found.chrf_untouched < 30
    assert score(["我爱你们所有人"], ["x"], ["我爱你们所有人"], "zh").bleu == pytest.approx(100)


def test_every_kind_is_in_the_cases() -> None:
    found = cases()
    assert {kind for _, _, stays in found for kind in stays} == set(KINDS) and len(found) > 400
    for _, text, stays in found:
        marked = kept_in(text)
        missing = [one for kind, some in stays.items() for one in some if kind != "name" and one not in marked]
        assert not missing, text


async def test_all_placeholders_survive_any_engine() -> None:
    for say in BREAKERS:
        for kept, there in (await surviving(Translation([Scripted(say)], Detection()), cases())).values():
            assert kept == there > 0


def test_the_whole_path_with_a_tiny_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "translation" / "tatoeba"
    folder.mkdir(parents=True)
    (folder / "tatoeba.deu-eng.deu").write_text("Guten Morgen!\nWo ist Tom?\n")
    (folder / "tatoeba.deu-eng.eng").write_text("Good morning!\nWhere is Tom?\n")
    assert tatoeba(folder, "fr", 5) == ([], [])
    evaluate(model=str(make_nllb(tmp_path / "nllb")), data=tmp_path, languages="de,fr", texts=2, every=80)
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["placeholders"] == 1.0 and set(result["directions"]) == {"de-en", "en-de"}
    assert result["directions"]["de-en"]["bleu_untouched"] < 50 and result["languages_told"]["right"] > 0
