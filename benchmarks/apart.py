"""Ways of doing the same work, each in a process of its own, measured in turns and not in each other's way.

libgomp gives every Python thread that computes a team of its own; once the teams of one process have more threads than
the machine has cores, each waits by sleeping, and whatever shares that process gets slower. It knows no benchmark.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

Result = TypeVar("Result")
Turn = TypeVar("Turn")
END_S = 30.0  # how long a process may take to close what it opened


@contextmanager
def apart(
    prepare: Callable[..., AbstractContextManager[Callable[[Turn], Result]]], *arguments: object
) -> Iterator[Callable[[Turn], Result]]:
    """What `prepare(*arguments)` gives, in another process: called with a turn, it measures there.

    It begins to prepare at once and sleeps between its turns; all that travels is pickled. A failure there is a
    RuntimeError here, and its traceback is on the standard error."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit threads of torch that it has not
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, prepare, arguments), daemon=True)
    process.start()
    there.close()

    def measure(turn: Turn) -> Result:
        try:
            here.send(turn)
            result: Result = here.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise RuntimeError("the process that was to be measured has ended; its error is above") from None
        return result

    try:
        yield measure
    finally:
        here.close()
        process.join(END_S)
        process.kill()


def _serve(
    pipe: Connection,
    prepare: Callable[..., AbstractContextManager[Callable[[object], object]]],
    arguments: tuple[object, ...],
) -> None:
    with prepare(*arguments) as measure:
        while True:
            try:
                turn = pipe.recv()
            except EOFError:
                return
            pipe.send(measure(turn))


def in_a_thread(work: Callable[[], Result]) -> Result:
    """Do it in a thread that ends, and its team with it, as the worker does its loading. What it raises is raised."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
