"""Ports for processes that must be told one, free until they are used.

A port that the system names and that is given back at once may be named again to another process meanwhile. These lie
below the ones that it names by itself, and each process of pytest-xdist has a range of its own.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import cache

FIRST, EACH, RANGES = 20_000, 1_000, 12  # Linux names ports from 32,768 on, others from 49,152


def free_port() -> int:
    """A port that nobody listens on, another one each time."""
    return next(port for port in _ports() if _is_free(port))


@cache
def _ports() -> Iterator[int]:
    """Where it begins follows from the process, so that two runs on one machine seldom ask for the same."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    first = FIRST + int(worker) % RANGES * EACH
    start = os.getpid() * 37 % EACH
    return (first + (start + number) % EACH for number in range(100 * EACH))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
