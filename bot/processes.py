"""The command lines of Steward's own processes. The bot starts worker and playground; it never imports them."""

from __future__ import annotations

import ipaddress
import sys

from bot.config import PlaygroundSettings
from llm.config import TaskModelSettings, WorkerSettings


def worker_command(settings: WorkerSettings, tasks: TaskModelSettings) -> list[str]:
    """`python -m llm.worker` with one flag per setting, those of the task models included; a list repeats its flag."""
    values = settings.model_dump() | tasks.model_dump(include=set(TaskModelSettings.model_fields))
    flags = [
        part
        for name, value in values.items()
        if value is not None
        for item in (value if isinstance(value, list) else [value])
        for part in (f"--{name.replace('_', '-')}", str(item))
    ]
    return [sys.executable, "-m", "llm.worker", *flags]


def models_command(settings: WorkerSettings, *arguments: str) -> list[str]:
    """`python -m llm.worker.models`, with the models whose own code the owner trusts."""
    trusted = [part for name in settings.trust_remote_code for part in ("--trust-remote-code", name)]
    return [sys.executable, "-m", "llm.worker.models", *arguments, *trusted]


def playground_command(settings: PlaygroundSettings) -> list[str]:
    """`python -m playground` with its address and the file that keeps its state."""
    address = ["--host", settings.host, "--port", str(settings.port)]
    return [sys.executable, "-m", "playground", *address, "--state", str(settings.state)]


def worker_url(settings: WorkerSettings) -> str:
    """The address at which the bot reaches the worker on this machine, ending in /v1."""
    return f"{local_url(settings.host, settings.port)}/v1"


def playground_url(settings: PlaygroundSettings) -> str:
    """The address of the page."""
    return local_url(settings.host, settings.port)


def local_url(host: str, port: int) -> str:
    """The URL under which a server that listens on `host` is reached from this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:  # listening everywhere: loopback is part of that
        return f"http://{'[::1]' if address.version == 6 else '127.0.0.1'}:{port}"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"
