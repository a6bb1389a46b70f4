"""How the worker is kept alive: started again when it ends, killed when it does not even say that it is unwell."""

from __future__ import annotations

import aiohttp

from bot.processes import local_url, worker_command
from bot.supervisor import Supervisor
from llm.config import TaskModelSettings, WorkerSettings

WORKER_END_S = 10.0  # beyond its time to drain: for the step that runs, and for the process to end
ANSWER_S = 5.0


def worker_supervisor(settings: WorkerSettings, tasks: TaskModelSettings) -> Supervisor:
    """Keeps a worker alive: gives it the time to drain, and ends it when it does not even say that it is unwell."""
    health = f"{local_url(settings.host, settings.port)}/health"

    async def answers() -> bool:
        return await _answers(health)

    return Supervisor(
        "worker",
        worker_command(settings, tasks),
        grace_s=settings.drain_s + WORKER_END_S,
        answers=answers if settings.port else None,
    )


async def _answers(url: str) -> bool:
    """Whether anything at all is answered there: 503 is an answer."""
    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url):
            return True
    except (aiohttp.ClientError, TimeoutError):
        return False
