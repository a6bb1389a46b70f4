"""What must not change in a translation: found, put aside and put back, whatever an engine makes of the rest."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.tasks.placeholders import MARK, has_words, invents, kept_in, marks_of, protect
from llm.tasks.segments import segments, undressed

KINDS = [
    "`make run`",
    "``a ` b``",
    "```py\nprint('Hallo Welt')\n```",
    "https://example.org/a_(b)?q=1#x",
    "<https://example.org>",
    "www.example.org",
    "discord.gg/abc",
    "ada@example.org",
    "<@123456789012345678>",
    "<@!1>",
    "<@&22>",
    "<#333>",
    "</translate:444>",
    "<id:customize>",
    "<t:1700000000:R>",
    "<:wave:555>",
    "<a:party:666>",
    ":tada:",
    "@grace.hopper",
    "@everyone",
    "#general",
    "/translate",
    "🎉",
    "👩🏽‍🚀",
    "🇫🇷",
    "1️⃣",
    "❤️",
    "||",
    "[7]",
    "【3】",
]


@pytest.mark.parametrize("kept", KINDS)
def test_each_kind_is_put_aside_and_comes_back(kept: str) -> None:
    text = f"Hallo {kept} Welt"
    protected = protect(text)
    assert (protected.text, protected.kept) == ("Hallo [1] Welt", (kept,))
    assert protected.restored("World [1] hello") == f"World {kept} hello"
    assert protected.restored("World【 1 】hello").replace(" ", "") == f"World{kept}hello".replace(" ", "")
    assert kept_in(text) == Counter([kept])
    assert has_words(text) and not has_words(kept) and invents(kept)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Siehe https://a.example/x. Danke", ("https://a.example/x",)),
        ("(https://a.example/x)", ("https://a.example/x",)),
        ("[hier](https://a.example)", ("https://a.example",)),
        ("und/oder, 3/4, C# und 5 * 3, ein ` allein", ()),
        ("10:30:15 Uhr", ()),
    ],
)
def test_where_it_ends(text: str, kept: tuple[str, ...]) -> None:
    assert protect(text).kept == kept


def test_names() -> None:
    text = "Ada Lovelace und ada und Adam und Al und 田中さん"
    protected = protect(text, ["Ada Lovelace", "ada", "田中", "Al", " "], [(0, 3), (25, 29)])
    assert protected.kept == ("Ada", "Adam", "田中"), "the model's spans win over the list, a word is no name"
    assert protect("Ada Lovelace kommt", ["Ada Lovelace"]).kept == ("Ada Lovelace",)
    assert protect("Øyvindを確認、:tada:です", ["Øyvind"]).kept == ("Øyvind", ":tada:")
    assert protect("`Ada` kommt", ["Ada"], [(1, 4)]).kept == ("`Ada`",)


def test_nothing_grows_onto_a_link() -> None:
    protected = protect("Sieh https://a.example an, @ada")
    assert protected.restored("看[1]吧, [2]さん") == "看 https://a.example 吧, @ada さん"
    assert protected.restored("[1], [2]!") == "https://a.example, @ada!"


@given(st.text(max_size=200) | st.lists(st.sampled_from([*KINDS, "Wort", " ", "\n", "[", "]", "`"])).map("".join))
def test_what_is_put_aside_and_back_is_the_text(text: str) -> None:
    protected = protect(text, ["Wort"])
    assert marks_of(protected.text) == Counter(range(1, len(protected.kept) + 1))
    assert MARK.sub(lambda match: protected.kept[int(match[1]) - 1], protected.text) == text


@given(
    st.lists(st.sampled_from(["Ein Satz. ", "wort", "\n", "\n\n", "> ", "- ", "[12]", "長い文。", "1. "])).map("".join),
    st.integers(1, 60),
    st.booleans(),
)
def test_segments_joined_are_the_text(text: str, longest: int, by_line: bool) -> None:
    parts = segments(text, longest, by_line=by_line)
    assert "".join(parts) == text
    assert all(len(part) <= max(longest, 4) for part in parts)
    assert sum((marks_of(part) for part in parts), Counter()) == marks_of(text), "no mark is cut"
    for part in parts:
        assert "".join(undressed(part)) == part
        assert not by_line or "\n" not in part[:-1]


def test_segments_end_where_sentences_do() -> None:
    assert segments("Eins zwei. Drei vier. Fünf", 12, by_line=False) == ["Eins zwei. ", "Drei vier. ", "Fünf"]
    assert undressed("> - Hallo Welt  \n") == ("> - ", "Hallo Welt", "  \n")
