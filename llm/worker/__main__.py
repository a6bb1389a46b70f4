"""`python -m llm.worker`: serve one model until told to stop.

Exit codes: 0 asked to stop; 1 the engine died, 3 a step of it hung (start again); 2 it cannot work like this (one line
on stderr says why).
"""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import socket
import sys
from types import FrameType
from typing import Any, NoReturn

import structlog
import typer
import uvicorn
from pydantic import ValidationError

from llm.config import TaskModelSettings, WorkerSettings
from llm.worker.app import create_app
from llm.worker.errors import LoadError
from llm.worker.guards import is_loopback
from llm.worker.names import locate
from llm.worker.serving import Serving
from llm.worker.tasks import wanted

LAST_RESORT_S = 15  # after draining, for answers to end by themselves before their connections are cut
KEEP_ALIVE_S = 75  # longer than clients keep an idle connection, so that they are the ones who close it
EXIT_REFUSED = 2

log = structlog.get_logger()


class Server(uvicorn.Server):
    """uvicorn's server. The first signal drains what is served, and new requests are still answered: with a 503; then
    it ends. A second signal ends it at once."""

    def __init__(self, config: uvicorn.Config, serving: Serving) -> None:
        super().__init__(config)
        self._serving = serving
        self._draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining or not self.started:
            super().handle_exit(sig, frame)
        self._draining = True
        self._serving.drain(self._leave)

    def _leave(self) -> None:
        self.should_exit = True


def configure_logging() -> None:
    """Lines for people; tracebacks without local variables, because those hold what members wrote."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )


def serve(settings: WorkerSettings, token: str | None, tasks: TaskModelSettings) -> int:
    """Serve until SIGTERM or SIGINT, or until there is nothing left to serve; returns the exit code."""
    for name in (settings.model, *wanted(tasks).values()):
        _check_name(name)
    listener = _listen(settings, token)
    exit_code = 0

    def on_fatal(code: int, reason: str) -> None:
        nonlocal exit_code
        exit_code = code
        print(f"steward worker: {reason}", file=sys.stderr, flush=True)  # noqa: T201
        server.should_exit = True

    app = create_app(settings, token, on_fatal, tasks)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=LAST_RESORT_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = Server(config, app.state.serving)
    signal.signal(signal.SIGTERM, _quit)  # uvicorn raises the second signal again when it has ended
    signal.signal(signal.SIGINT, _quit)
    log.info("worker_listening", url=f"http://{settings.host}:{listener.getsockname()[1]}", model=settings.model)
    with contextlib.suppress(SystemExit):
        server.run(sockets=[listener])
    return exit_code


def _quit(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _check_name(model: str) -> None:
    """Say at once what needs no library to be seen: a folder that is not there, a name that is none."""
    try:
        if model != "none":
            locate(model)
    except LoadError as error:
        _refuse(str(error))


def _listen(settings: WorkerSettings, token: str | None) -> socket.socket:
    """A bound socket, before anything slow is done. Ends the process when address or port cannot be had."""
    if token is None and not is_loopback(settings.host):
        _refuse(f"{settings.host} is reachable by others: set STEWARD_WORKER_TOKEN, or listen on 127.0.0.1")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # with the protocol named, asyncio turns Nagle's algorithm off: without it every small answer waits 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()
    except OSError as error:
        _refuse(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; is another worker running?")
    return listener


def _refuse(reason: str) -> NoReturn:
    print(f"steward worker: {reason}", file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(EXIT_REFUSED)


def _command(**options: Any) -> None:  # noqa: ANN401
    """Serve a language model over the OpenAI HTTP API."""
    given = {name: value for name, value in options.items() if name in TaskModelSettings.model_fields}
    try:
        settings = WorkerSettings(**{name: value for name, value in options.items() if name not in given})
        tasks = TaskModelSettings(**given)
    except ValidationError as error:
        problem = error.errors()[0]
        _refuse(f"--{str(problem['loc'][0]).replace('_', '-')}: {problem['msg']}")
    configure_logging()
    code = serve(settings, os.environ.get("STEWARD_WORKER_TOKEN") or None, tasks)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread that hangs in the model must not keep the process alive


def build_command() -> typer.Typer:
    """The command line: one `--kebab-case` flag for each field of WorkerSettings and TaskModelSettings."""
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=typer.Option(
                field.get_default(call_default_factory=True), f"--{name.replace('_', '-')}", help=field.description
            ),
            annotation=field.annotation,
        )
        for name, field in (WorkerSettings.model_fields | TaskModelSettings.model_fields).items()
    ]
    _command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    _command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(_command)
    return command


if __name__ == "__main__":
    build_command()()
