"""The most telling messages, in any script, whatever nonsense stands between them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm.tasks.extract import READ_AT_MOST, candidates, choose, extract, words
from llm.tasks.summary import SourceMessage, SummaryItem
from tests.llm.tasks.conversation import RELEASE, channel


def texts(items: list[SummaryItem]) -> list[str]:
    return [item.text for item in items]


def ids(items: list[SummaryItem]) -> list[int]:
    return [item.message_ids[0] for item in items]


def test_the_topic_wins_over_small_talk_and_keeps_its_order() -> None:
    items = extract(RELEASE, 3)
    assert ids(items) == [101, 103, 107]
    assert [item.author for item in items] == ["Ada", "Grace", "Ada"]


def test_what_tells_nothing_is_never_chosen() -> None:
    assert set(ids(extract(RELEASE, 99))) == {101, 103, 105, 107, 110}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ok",
        "good morning",
        "!help me please now",
        "/ask what is this",
        "🎉🎉🎉",
        "?!",
        "はい",
        "https://a.b/c/d",
    ],
)
def test_a_message_that_tells_nothing(text: str) -> None:
    assert texts(extract(channel(f"Ada: {text}", "Grace: The picnic is on Sunday."), 5)) == ["The picnic is on Sunday."]


@pytest.mark.parametrize("text", ["/etc/fstab is broken again", ".bashrc, it needs a line", "...and then it rained"])
def test_what_only_looks_like_a_command(text: str) -> None:
    assert texts(extract(channel(f"Ada: {text}"), 5)) == [text]


def test_repetitions_are_said_once() -> None:
    spam = ["Bob: Buy my wonderful cheap watches today"] * 5 + ["Bob: BUY my wonderful, cheap watches: today!!!"]
    items = extract(channel(*spam, "Ada: The picnic is on Sunday, bring some cake."), 5)
    assert texts(items) == ["Buy my wonderful cheap watches today", "The picnic is on Sunday, bring some cake."]


def test_near_repetitions_are_said_once() -> None:
    items = extract(
        channel(
            "Ada: The picnic in the old park is on Sunday at noon, bring cake",
            "Bob: The picnic in the old park is on Sunday at noon, bring some cake",
            "Cy: Who has a blanket that we could sit on?",
            "Di: My train arrives late, somebody must save me a slice of it",
        ),
        4,
    )
    assert len(items) == 3


CHINESE = """王: 早上好
李: 服务器明天需要更新数据库
王: 哈哈哈哈
张: 更新数据库之前请先备份服务器
李: 我的猫在键盘上睡着了"""

THAI = """ก: สวัสดีครับทุกคน
ข: เซิร์ฟเวอร์จะอัปเดตฐานข้อมูลพรุ่งนี้
ง: แมวหลับอยู่บนเตียง
ค: ก่อนอัปเดตฐานข้อมูลต้องสำรองเซิร์ฟเวอร์"""

RUSSIAN = """А: доброе утро всем
Б: завтра обновляем базу данных на сервере
Г: мой кот спит на столе
В: базу данных на сервере надо сначала сохранить"""

HEBREW = """א: בוקר טוב לכולם כאן
ב: מחר מעדכנים את מסד הנתונים בשרת
ד: החתול שלי ישן עכשיו
ג: צריך לגבות את מסד הנתונים לפני"""


@pytest.mark.parametrize("script", [CHINESE, THAI, RUSSIAN, HEBREW])
def test_every_script(script: str) -> None:
    """The second and the fourth message speak of the database; the others greet, laugh and mention the cat."""
    assert ids(extract(channel(*script.splitlines()), 2)) == [101, 103]


def test_words_of_both_kinds() -> None:
    assert words("Don't update 数据库 NOW <@123> https://x.y") == ["don't", "update", "数据", "据库", "now"]


def test_only_the_newest_are_read() -> None:
    messages = channel(*[f"Ada: message number {number} of many" for number in range(READ_AT_MOST + 5)])
    assert min(ids(extract(messages, 3))) >= 105


def test_vectors_choose_where_there_are_any() -> None:
    """The second and the third sentence speak of the same, whatever words they use; the first is far from both."""
    found = candidates(channel("Ada: My cat is asleep", "Bob: The launch is on Friday", "Cy: We ship end of the week"))
    vectors = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.8, 0.0, 0.6]], dtype=np.float32)
    assert ids(choose(found, 2, vectors)) == [101, 102]
    assert ids(choose(found, 0, vectors)) == []


def test_a_long_message_is_taken_apart_into_sentences() -> None:
    text = f"The picnic is on Sunday. {'Something else entirely is told here at length, and nobody reads it. ' * 3}Yes."
    assert [one.text for one in candidates(channel(f"Ada: {text}"))] == [
        "The picnic is on Sunday.",
        "Something else entirely is told here at length, and nobody reads it.",
        "Something else entirely is told here at length, and nobody reads it. Yes.",
    ]


def test_a_long_message_is_cut_between_words() -> None:
    (item,) = extract(channel("Ada: " + "wonderful " * 100), 1)
    assert len(item.text) <= 240
    assert item.text.endswith("wonderful…")


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_to_say(count: int) -> None:
    assert extract([], count) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=12), st.integers(0, 5))
def test_any_text_is_survived_and_only_real_messages_come_out(contents: list[str], count: int) -> None:
    messages = [
        SourceMessage(number, "Ada", text, created_at=RELEASE[0].created_at) for number, text in enumerate(contents)
    ]
    items = extract(messages, count)
    assert len(items) <= count and ids(items) == sorted(set(ids(items)))
    assert all(" ".join(contents[item.message_ids[0]].split()) == item.text for item in items)


def test_a_real_channel(material: Path) -> None:
    log = sorted((material / "chat_logs" / "ubuntu_irc").iterdir())[0]
    lines = [
        line.split("> ", 1) for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if "> " in line
    ]
    messages = channel(*[f"{head.rpartition('<')[2]}: {text}" for head, text in lines if text])
    items = extract(messages, 8)
    assert len(items) == 8
    assert all(len(words(item.text)) >= 3 for item in items)


def test_importing_the_task_does_not_import_scikit_learn() -> None:
    """`import bot.cli` stays fast: only who extracts pays."""
    code = "import sys, llm.tasks.summarize; sys.exit('sklearn' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
