"""Work that nobody waits for ends with its owner, and its failures are seen."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from bot.errands import Errands


async def test_a_failure_is_logged_with_the_errands_name() -> None:
    async def fail() -> None:
        raise KeyError("x")

    errands = Errands()
    with capture_logs() as logs:
        errands.run(fail(), "a thing")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [(entry["event"], entry["errand"]) for entry in logs] == [("errand failed", "a thing")]
    await errands.close()


async def test_closing_ends_what_still_runs() -> None:
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    errands = Errands()
    errands.run(wait(), "waiting")
    await asyncio.sleep(0)
    await errands.close()
    assert ended.is_set()


async def test_what_an_errand_begins_while_it_ends_ends_too() -> None:
    errands, ended = Errands(), asyncio.Event()

    async def wait(*, is_last: bool) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            if is_last:
                ended.set()
            else:
                errands.run(wait(is_last=True), "the next")
                await asyncio.sleep(0)

    errands.run(wait(is_last=False), "waiting")
    await asyncio.sleep(0)
    await errands.close()
    assert ended.is_set()
