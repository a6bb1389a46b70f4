"""A reply in the making is ended, or begun anew, at any moment: also while it is just being ended."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import discord

from bot.clock import Clock
from bot.conversation.lanes import Place
from bot.conversation.pausing import Pauses
from bot.conversation.running import Replies, Running, Why
from tests.waiting import until


def message(number: int, text: str = "hello") -> discord.Message:
    said = SimpleNamespace(id=number, content=text, channel=SimpleNamespace(id=1), guild=None)
    return cast(discord.Message, said)


class Engine:
    """Something that takes a while to let go of an answer."""

    def __init__(self) -> None:
        self.lets_go = asyncio.Event()
        self.is_letting_go = False

    async def answer(self, running: Running) -> None:
        async with running.attempt():
            try:
                await asyncio.Event().wait()
            finally:
                self.is_letting_go = True
                await self.lets_go.wait()


async def test_a_second_end_comes_while_the_first_is_under_way() -> None:
    """A pause and a deletion within a moment: whoever comes second must not fail, nor what it has to do besides."""
    replies, engine, running = Replies(Pauses(Clock())), Engine(), Running(message(1), 1, Place(), asker_id=7)
    with replies.opened(running):
        answering = asyncio.create_task(engine.answer(running))
        await asyncio.sleep(0)
        running.stop(Why.PRESSED)
        await until(lambda: engine.is_letting_go)
        replies.stop_in(1, Why.PAUSED)
        replies.deleted([1])
        engine.lets_go.set()
        await answering
    assert running.why_stopped is Why.PRESSED


async def test_another_edit_comes_while_the_answer_to_the_first_is_being_given_up() -> None:
    engine, running = Engine(), Running(message(1), 1, Place(), asker_id=7)
    answering = asyncio.create_task(engine.answer(running))
    await asyncio.sleep(0)
    running.edited(message(1, "one"))
    await until(lambda: engine.is_letting_go)
    running.edited(message(1, "two"))
    engine.lets_go.set()
    await answering
    assert running.begins_anew and running.question.content == "two"


async def test_a_pause_that_came_while_the_answer_was_being_prepared_ends_it() -> None:
    pauses = Pauses(Clock())
    running = Running(message(1), 1, Place(), asker_id=7)
    pauses.pause(1, timedelta(hours=1))
    with Replies(pauses).opened(running):
        assert running.why_stopped is Why.PAUSED


async def test_a_pause_in_the_thread_that_the_answer_goes_into_ends_it() -> None:
    thread = cast(discord.Thread, SimpleNamespace(id=5))
    replies, running = Replies(Pauses(Clock())), Running(message(1), 1, Place(), asker_id=7)
    running.room = thread
    with replies.opened(running):
        replies.stop_in(5, Why.PAUSED)
    assert running.why_stopped is Why.PAUSED


async def test_a_shutdown_waits_for_the_last_words_of_all_but_not_for_ever() -> None:
    replies, engine = Replies(Pauses(Clock())), Engine()
    running, late, stuck = (Running(message(number), 1, Place(), asker_id=7) for number in (1, 2, 3))

    async def turn(one: Running) -> None:
        with replies.opened(one):
            await engine.answer(one)

    turning = asyncio.create_task(turn(running))
    await asyncio.sleep(0)
    closing = asyncio.create_task(replies.close(60))
    await until(lambda: engine.is_letting_go)
    turning_late = asyncio.create_task(turn(late))
    await asyncio.sleep(0)
    assert not closing.done() and late.why_stopped is Why.CLOSING
    engine.lets_go.set()
    await asyncio.gather(turning, turning_late, closing)
    assert running.why_stopped is Why.CLOSING
    with replies.opened(stuck):
        await replies.close(0)
