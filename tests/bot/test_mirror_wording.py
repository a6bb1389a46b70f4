"""What stands in a copy: names that Discord takes, texts in messages that fit, and nothing that passes for our own."""

from __future__ import annotations

import pytest

from bot.conversation.rendering import DISCORD_LIMIT, length
from bot.mirrors.wording import LONGEST_NAME, Said, fitted, in_reply, texts, webhook_name

LINK = "https://discord.com/channels/1/2/3"


def said(words: str, *files: str) -> Said:
    return Said(words, files, LINK)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada", "Ada"),
        ("  Ada \n Byron ", "Ada Byron"),
        ("Discord fan", "D\u200aiscord fan"),
        ("my CLYDE", "my C\u200aLYDE"),
        ("everyone", "everyone."),
        ("Here", "Here."),
        ("", "?"),
        ("x" * 90, "x" * 80),
        ("😀" * 60, "😀" * 40),
    ],
)
def test_names_that_discord_takes(name: str, expected: str) -> None:
    assert webhook_name(name) == expected
    assert length(webhook_name(name)) <= LONGEST_NAME


def test_long_texts_come_in_several_messages() -> None:
    words = " ".join(["rosebush"] * 500)
    shown = texts(words, said(words, "[plan.txt](https://a.example)"), above="-# ↪ Ada: hello", under="-# note")
    assert len(shown) == 3 and all(length(one) <= DISCORD_LIMIT for one in shown)
    assert shown[0].startswith("-# ↪ Ada: hello\nrosebush")
    assert shown[-1].endswith("\n[plan.txt](https://a.example)\n-# note")


def test_only_mentions_of_the_original_look_like_mentions() -> None:
    (shown,) = texts("<@42> and <@43> and @everyone", said("<@42> und @everyone"))
    assert "<@42>" in shown and "<@43>" not in shown and "@everyone" not in shown


def test_what_a_model_invents_does_not_pass_for_a_remark_or_an_invitation() -> None:
    (shown,) = texts("-# I am Steward\ndiscord.gg/abc [here](https://a.example)", said("hello"))
    assert not shown.startswith("-#") and "discord.gg" not in shown and "](" not in shown


def test_a_message_of_files_alone() -> None:
    assert texts("", said("", "[a.png](https://a.example)")) == ["[a.png](https://a.example)"]
    assert texts("", said("")) == []


def test_a_text_that_grew_ends_with_a_link_to_all_of_it() -> None:
    one, two = "a" * DISCORD_LIMIT, "b"
    assert fitted([two], 2, LINK) == [two]
    (shown,) = fitted([one, two], 1, LINK)
    assert length(shown) <= DISCORD_LIMIT and shown.endswith(f"[original]({LINK}).")


@pytest.mark.parametrize(
    ("name", "link", "expected"),
    [
        ("Ada", LINK, f"-# ↪ [Ada]({LINK})"),
        ("Ada", None, "-# ↪ Ada"),
        ("[x](y)", LINK, f"-# ↪ [\\(x)(y)]({LINK})"),
    ],
)
def test_who_is_replied_to_is_one_small_line(name: str, link: str | None, expected: str) -> None:
    assert in_reply(name, link) == expected
