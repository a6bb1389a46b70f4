"""`python -m playground`: a Discord on this machine until Ctrl+C."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sqlite3
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from playground.app import create_app
from playground.guard import OWN_NAMES
from playground.parts import build
from playground.store import Store

GRACE_S = 2
"""How long open sockets get at the end; clients resume or identify anew by themselves."""


def main(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8080,
    state: Annotated[Path | None, typer.Option(help="SQLite file that keeps everything (none: memory).")] = None,
) -> None:
    """Starts the playground; exits with 2 and one line when the port is taken or the state file cannot be used."""
    if host not in OWN_NAMES:
        raise _stop(f"everyone's tokens are open here, so it listens on {' or '.join(OWN_NAMES)} only, not on {host}")
    try:
        listener = listen(host, port)
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port"
        raise _stop(message) from error
    store = _open(state)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(listener, store))


async def serve(listener: socket.socket, store: Store) -> None:
    """Serves on a bound socket until the process is told to stop; then closes the store."""
    port = listener.getsockname()[1]
    async with store:
        app = create_app(build(store, base_url=f"http://127.0.0.1:{port}"))
        config = uvicorn.Config(app, log_level=logging.WARNING, timeout_graceful_shutdown=GRACE_S)
        typer.echo(f"playground: http://127.0.0.1:{port}")
        await uvicorn.Server(config).serve(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError. Only with its protocol named does asyncio turn off Nagle's 40 ms."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _open(state: Path | None) -> Store:
    try:
        if state is not None:
            state.parent.mkdir(parents=True, exist_ok=True)
        return Store(state)
    except (OSError, sqlite3.Error) as error:
        raise _stop(f"cannot use the state file {state}: {error}") from error


def _stop(message: str) -> typer.Exit:
    typer.echo(f"playground: {message}", err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    typer.run(main)
