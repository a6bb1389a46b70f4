"""Links into Discord servers go, however they are spelt; nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.invites import REMOVED, without_invites

SPELLINGS = [
    "discord.gg/abc",
    "https://DISCORD.gg/abc-1",
    "https://discord.gg/%61bc",
    "https://discord.gg:443/abc",
    "https://discord.gg./abc",
    "https://discord.gg\\abc",
    "discord\\.gg/abc",
    "https://discord.com/%69nvite/abc",
    "https://discord.com/./invite/abc",
    "https://discord.com/x/../invite/abc",
    "https://discord.com/x/%2e%2e/invite/abc",
    "https://discordapp.com//invite//abc",
    "https://someone@discord.gg/abc",
    "discord.gg/\u200babc",
    "https://dis\u00adcord.gg/abc",
    "https://\u2060dis\ufe0fcord.gg/abc",
    "https://ⅾiscord.gg/abc",
    "https://discord。gg/abc",
    "https://ｄｉｓｃｏｒｄ．ｇｇ/abc",
    "https://discord.com/template/abc",
    "https://discord.new/abc",
    "dsc.gg/a",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("frame", ["{}", "come to {} now", "({})", "**{}**", "<{}>", "[click]({})", "a\n{}.\nb"])
def test_every_spelling_goes_and_the_words_around_it_stay(spelling: str, frame: str) -> None:
    assert without_invites(frame.format(spelling)) == frame.format(REMOVED)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Discord has servers; an invite looks like discord.gg/…",
        "https://discord.com/developers/docs/topics/gateway",
        "https://discord.com/channels/1/2/3 and https://support.discord.com/hc/invite",
        "https://discord.com/invite?x",
        "https://discord.com/invite/../terms",
        "discord.gg is Discord's own address",
        "50% of discord.com/ /invite/ users \\o/",
        "https://example.org/a_(b)?c=d%20e",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert without_invites(text) == text


WORDS = st.sampled_from(["word", " ", "\n", ".", "/", "\\", "%2e", "discord", "discord.com", "https://", "(", "`", "é"])


@given(st.lists(WORDS | st.sampled_from(SPELLINGS), max_size=40).map("".join))
def test_nothing_is_left_to_remove(text: str) -> None:
    once = without_invites(text)
    assert without_invites(once) == once
    assert once.count("`") == text.count("`")
    assert once.count("\n") == text.count("\n")


def test_a_language_without_spaces_loses_only_the_address() -> None:
    assert without_invites("参加はdiscord.gg/abcまで") == f"参加は{REMOVED}まで"
