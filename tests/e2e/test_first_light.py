"""What a stranger meets after one command: the real processes, the built-in model, real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.models import slow_model
from tests.e2e.stack import ANSWER_S, Person, Stack
from tests.llm.worker.tiny_seq2seq import make_nllb
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def query(database: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, values).fetchall()


async def stored_reply(stack: Stack, question: dict[str, Any]) -> tuple[str, str, str | None]:
    """Content, finish reason and error of the reply to `question`, once Steward has stored it."""
    sql = (
        "SELECT messages.content, replies.finish_reason, replies.error FROM replies JOIN messages "
        "ON messages.id = replies.message_id WHERE replies.prompt_message_id = ?"
    )
    found: list[tuple[Any, ...]] = []

    def look() -> bool:
        found[:] = query(stack.database, sql, int(question["id"]))
        return bool(found)

    await until(look, ANSWER_S)
    content, finish_reason, error = found[0]
    return content, finish_reason, error


async def ask(person: Person, channel: str, text: str, reply_to: str | None = None) -> dict[str, Any]:
    return await person.says(channel, f"<@{person.bot_id}> {text}", reply_to)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """With an encoder-decoder model beside the built-in ones: a tiny one, which speaks gibberish."""
    folder = tmp_path_factory.mktemp("steward")
    models = {"STEWARD_TASKS__SEQ2SEQ": str(make_nllb(folder / "nllb"))}
    async with Stack(folder, models).running() as running:
        yield running


@pytest.mark.asyncio(loop_scope="module")
class TestConversation:
    async def test_remembers_what_was_said_in_the_reply_chain(self, stack: Stack) -> None:
        seed = await stack.people()
        channel = seed["channels"][0]["id"]
        async with Person.enter(stack) as ada:
            first = await ask(ada, channel, "my favourite colour is green")
            answer = await ada.answer_to(first)
            assert answer["mentions"] == [] or all(m["id"] != ada.bot_id for m in answer["mentions"])
            content, finish_reason, error = await stored_reply(stack, first)
            assert (finish_reason, error) == ("stop", None)
            assert (await ada.message(channel, answer["id"]))["content"] == content

            second = await ask(ada, channel, "which colour do I like?", reply_to=answer["id"])
            await ada.answer_to(second)
            content, _, _ = await stored_reply(stack, second)
            assert "green" in content.lower()
        stored = query(stack.database, "SELECT content FROM messages WHERE id = ?", int(first["id"]))
        assert "my favourite colour is green" in stored[0][0]

    async def test_commands_answer_in_private(self, stack: Stack) -> None:
        seed = await stack.people()
        guild, channel = seed["guild"]["id"], seed["channels"][0]["id"]
        async with Person.enter(stack, 1) as grace:
            for line in (
                "The release of the garden app moves to Thursday because the payment page is broken.",
                "ok",
                "Linus will write the announcement for the release before Wednesday evening.",
            ):
                await grace.says(channel, line)
            looked_for = {"question": "who writes the announcement for the release?"}
            for name, options, expected in (
                ("help", {}, "Steward"),
                ("summarize", {}, "Thursday"),
                ("find", looked_for, "Linus will write the announcement"),
                ("entities", {}, "Linus · 1"),
            ):
                since = len(grace.seen)
                await grace.runs(guild, channel, name, **options)
                seen = await self._private_text(grace, since, expected)
                assert seen["flags"] & 64

    async def test_a_translation_by_an_encoder_decoder_model(self, stack: Stack) -> None:
        """From the menu of a message and as text; what stays is there, whatever the model makes of the words."""
        seed = await stack.people()
        guild, channel = seed["guild"]["id"], seed["channels"][0]["id"]
        async with Person.enter(stack, 2) as linus:
            said = await linus.says(channel, "Bitte sag es allen, bevor wir morgen anfangen: `make run` 🎉")
            since = len(linus.seen)
            await linus.picks(guild, channel, "Translate", said)
            shown = await self._private_text(linus, since, "from German into English")
            assert "`make run`" in shown["content"] and "🎉" in shown["content"] and shown["flags"] & 64
            since = len(linus.seen)
            await linus.runs(guild, channel, "translate", text=f"Wer hat <#{channel}> gelesen?", to="fr")
            shown = await self._private_text(linus, since, "into French")
            assert f"<#{channel}>" in shown["content"]

    @staticmethod
    async def _private_text(person: Person, since: int, expected: str) -> dict[str, Any]:
        """The private answer that shows `expected`: at once, or when the deferred answer is filled in."""

        def shows(data: dict[str, Any]) -> bool:
            return expected in data.get("content", "") or expected in str(data.get("embeds", ""))

        create = asyncio.create_task(person.sees("MESSAGE_CREATE", shows, since=since))
        update = asyncio.create_task(person.sees("MESSAGE_UPDATE", shows, since=since))
        done, pending = await asyncio.wait({create, update}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        return done.pop().result()


async def test_the_conversation_goes_on_after_a_restart_of_everything(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    async with stack.running():
        channel = (await stack.people())["channels"][0]["id"]
        async with Person.enter(stack) as ada:
            first = await ask(ada, channel, "my favourite colour is green")
            answer = await ada.answer_to(first)
            await stored_reply(stack, first)
    async with stack.running(), Person.enter(stack) as ada:
        second = await ask(ada, channel, "which colour do I like?", reply_to=answer["id"])
        content, _, _ = await stored_reply(stack, second)
        assert "green" in content.lower()


async def test_kill_9_on_the_worker_in_the_middle_of_a_reply(tmp_path: Path) -> None:
    stack = Stack(
        tmp_path, {"STEWARD_WORKER__MODEL": str(slow_model(tmp_path / "slow")), "STEWARD_LLM__TEMPERATURE": "0"}
    )
    async with stack.running():
        channel = (await stack.people())["channels"][0]["id"]
        async with Person.enter(stack) as ada:
            first = await ask(ada, channel, "tell me everything")
            answer = await ada.answer_to(first)
            await ada.sees("MESSAGE_UPDATE", lambda data: data["id"] == answer["id"])
            killed = stack.worker_pid()
            os.kill(killed, signal.SIGKILL)

            partial, finish_reason, error = await stored_reply(stack, first)
            shown = (await ada.message(channel, answer["id"]))["content"]
            assert partial
            assert finish_reason == "error"
            assert error
            assert len(shown) > len("The worker") and "stopped" in shown.lower()

            second = await ask(ada, channel, "and now?")
            await ada.answer_to(second)
            assert stack.worker_pid() != killed
        assert query(stack.database, "SELECT count(*) FROM messages WHERE id = ?", int(first["id"])) == [(1,)]
