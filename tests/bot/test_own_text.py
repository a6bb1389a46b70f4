"""Steward's own filter: what it does not say is never shown, not even in part, and innocent words pass."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.own_text import INSTEAD, Checked, OwnText, WordList, own_list, without_beginnings

WORDS = WordList(["# a comment", "", "gribble", "foozle*", "plain bad phrase", "norg", "!norg in the box", "zzap"])


@pytest.mark.parametrize(
    "text",
    [
        "a gribble",
        "Gribbles!",
        "GRIBBLE.",
        "grıbblé",
        "gr1bbl3",
        "gribbbbble",
        "g r i b b l e",
        "g.r.i.b.b.l.e",
        "g_r_i_b_b_l_e",
        "gri\u200bbble",
        "gr\u00adibble",
        "ｇｒｉｂｂｌｅ",
        "grіbblе",  # two Cyrillic letters
        "foozled",
        "unfoozle foozle",
        "a plain, bad\nphrase",
        "norg in a box",
        "`gribble`",
        "**gribble**",
    ],
)
def test_hits(text: str) -> None:
    assert WORDS.is_in(text)


@pytest.mark.parametrize(
    "text",
    ["gribler", "grible", "a gribbled", "unfoozle", "plain phrase", "a norg in the box", "", "g. Rib ble", "zap"],
)
def test_innocent(text: str) -> None:
    assert not WORDS.is_in(text)


def test_the_list_that_comes_with_steward() -> None:
    words = own_list()
    assert words.is_in(codecs.decode("lbh xvxr", "rot13"))
    assert words.is_in(codecs.decode("FAVTTREF naq AVTTREF", "rot13"))
    for text in (
        "Niger and Nigeria; he sniggered niggardly at the raccoon.",
        "Pakistan's spice trade, spic and span, with kaffir lime.",
        "A chink in the armour; fire retardant; a Maine coon; Dagobah; Montenegro.",
        "If you want to kill yourself, please call someone now.",
        "assess the classic bass, cockpit, Scunthorpe, Essex, analysis, shiitake, therapist",
    ):
        assert not words.is_in(text), text


def test_a_whole_answer_is_shown_or_replaced() -> None:
    assert OwnText(WORDS).checked("All is well.", is_whole=True) == Checked("All is well.")
    assert OwnText(WORDS).checked("You gribble", is_whole=True) == Checked(INSTEAD, is_hit=True)


def test_an_answer_stays_taken_back_unless_it_begins_anew() -> None:
    own = OwnText(WORDS)
    own.checked("You gribble and more words after it", is_whole=False)
    assert own.checked("You gribble and more words after it, many words", is_whole=False).is_hit
    assert own.checked("Something else", is_whole=True) == Checked("Something else")


def test_words_are_held_back_while_they_may_become_one_of_the_list() -> None:
    assert without_beginnings("All is well, you gri", WORDS) == "All is well, you"
    assert without_beginnings("you g r i", WORDS) == "you"
    assert without_beginnings("you GRR11b", WORDS) == "you"
    assert without_beginnings("All is well.", WORDS) == "All is well."


def test_an_idiom_is_waited_for() -> None:
    own = OwnText(WORDS)
    text = "It is a norg in the box that nobody of us has ever seen before."
    assert not any(own.checked(text[:at], is_whole=False).is_hit for at in range(len(text)))
    assert own.checked(text, is_whole=True) == Checked(text)


@given(
    st.lists(st.sampled_from(["fine", "words", "of", "a", "text.", "it", "日本語"]), max_size=40),
    st.sampled_from(["gribble", "g r i b b l e", "foozled", "plain bad phrase", "GR1BBLES", "norg in box"]),
    st.lists(st.sampled_from(["fine", "words", "of", "a", "text.", "it", "日本語"]), max_size=40),
    st.integers(1, 9),
)
def test_no_hit_ever_shows(before: list[str], hit: str, after: list[str], step: int) -> None:
    text = " ".join([*before, hit, *after])
    begin = len(" ".join(before))
    own = OwnText(WORDS)
    for at in range(0, len(text), step):
        checked = own.checked(text[:at], is_whole=False)
        assert checked.is_hit or (text.startswith(checked.shown) and len(checked.shown) <= begin)
    assert own.checked(text, is_whole=True) == Checked(INSTEAD, is_hit=True)


@given(st.lists(st.sampled_from(["some", "fine", "words", "here.", "x", "\n", "longerwordsaswell"]), max_size=300))
def test_a_harmless_answer_is_shown_whole(words: list[str]) -> None:
    own, text = OwnText(WORDS), " ".join(words)
    shown = [own.checked(text[:at], is_whole=False).shown for at in range(0, len(text), 37)]
    assert all(text.startswith(part) for part in shown)
    assert own.checked(text, is_whole=True) == Checked(text)
