"""Another process measures when it is told to, and its end is noticed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks.apart import apart, in_a_thread


@contextmanager
def counting(first: int) -> Iterator[Callable[[int], tuple[int, int]]]:
    turns = [first]

    def measure(turn: int) -> tuple[int, int]:
        turns.append(turns[-1] + turn)
        return os.getpid(), turns[-1]

    yield measure


@contextmanager
def failing() -> Iterator[Callable[[int], int]]:
    yield lambda turn: 1 // turn


def test_turns_are_measured_in_one_other_process() -> None:
    with apart(counting, 10) as measure:
        (pid, eleven), (same, thirteen) = measure(1), measure(2)
    assert pid == same != os.getpid()
    assert (eleven, thirteen) == (11, 13)


def test_a_failure_there_is_one_here() -> None:
    with apart(failing) as measure:
        assert measure(1) == 1
        with pytest.raises(RuntimeError, match="ended"):
            measure(0)


def test_a_thread_gives_its_result_or_its_error() -> None:
    assert in_a_thread(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        in_a_thread(lambda: 1 // 0)
