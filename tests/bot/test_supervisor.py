from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bot.supervisor import Backoff, ChildGaveUp, Supervisor
from tests.waiting import until

FAST = Backoff(first_s=0.01, longest_s=0.05, healthy_s=60, attempts=3)
FOREVER = "import signal; signal.pause()"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def test_starts_the_child_again_after_kill_9() -> None:
    supervisor = Supervisor("worker", python(FOREVER), backoff=FAST)
    task = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor.pid is not None)
    first = supervisor.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: supervisor.pid not in (None, first))
    second = supervisor.pid
    task.cancel()
    await asyncio.wait([task])
    assert supervisor.restarts == 1
    assert second is not None
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


async def test_gives_up_after_several_short_runs() -> None:
    supervisor = Supervisor("worker", python("raise SystemExit(1)"), backoff=FAST)
    with pytest.raises(ChildGaveUp, match=r"worker ended 4 times in a row .*exit status 1"):
        await supervisor.run()
    assert supervisor.restarts == 3


async def test_a_misconfigured_child_is_not_started_again() -> None:
    supervisor = Supervisor("worker", python("raise SystemExit(2)"), backoff=FAST)
    with pytest.raises(ChildGaveUp, match="could not start"):
        await supervisor.run()
    assert supervisor.restarts == 0


async def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        f"import signal, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch()\n"
    )
    supervisor = Supervisor("worker", python(code + "while True: signal.pause()"), backoff=FAST, grace_s=0.1)
    task = asyncio.create_task(supervisor.run())
    await until(ready.exists)
    child = supervisor.pid
    task.cancel()
    await asyncio.wait([task])
    assert child is not None
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os, pathlib, signal; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); signal.pause()"
    parent = (
        "import asyncio\nfrom bot.supervisor import Supervisor\n"
        f"asyncio.run(Supervisor('child', [{sys.executable!r}, '-c', {child!r}]).run())"
    )
    process = await asyncio.create_subprocess_exec(*python(parent))
    await until(lambda: pid_file.exists() and pid_file.read_text() != "")
    child_pid = int(pid_file.read_text())
    process.kill()
    await process.wait()
    await until(lambda: not _alive(child_pid))


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_child_that_stands_still_is_killed_and_started_again() -> None:
    supervisor: Supervisor

    async def answers() -> bool:
        return supervisor.restarts > 0 or not stopped

    stopped: list[int] = []
    supervisor = Supervisor("worker", python(FOREVER), backoff=FAST, answers=answers, patience_s=0.2)
    task = asyncio.create_task(supervisor.run())
    await until(lambda: supervisor.pid is not None)
    first = supervisor.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    stopped.append(first)
    await until(lambda: supervisor.pid not in (None, first))
    assert not _alive(first)
    task.cancel()
    await asyncio.wait([task])
    assert supervisor.restarts == 1


def test_the_pause_doubles_up_to_its_limit() -> None:
    backoff = Backoff(first_s=0.5, longest_s=3)
    assert [backoff.pause_s(n) for n in (1, 2, 3, 4, 5)] == [0.5, 1, 2, 3, 3]
