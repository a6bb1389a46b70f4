"""The `steward` command; the only place that sees everything.

Libraries are imported inside the commands, so that `steward --help` and `steward worker` do not wait for discord.py.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from dotenv import load_dotenv
from rich.console import Console
from rich.table import Table

from bot import config
from bot.processes import models_command, playground_command, worker_command
from llm.config import Device, Quantization

app = typer.Typer(
    name="steward",
    help="A Discord assistant on your own open model.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database.", no_args_is_help=True)
models = typer.Typer(help="The models on this machine.", no_args_is_help=True)
app.add_typer(db, name="db")
app.add_typer(models, name="models")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file. Default: steward.toml here.")]
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def main() -> None:
    """Entry point of the `steward` command."""
    load_dotenv(Path(".env"))
    app()


@app.command()
def run(path: ConfigOption = None) -> None:
    """Starts everything: worker and bot; without DISCORD_TOKEN the playground, too."""
    from bot.app import run_everything

    settings, secrets = _load(path)
    _serve(run_everything(settings, secrets))


@app.command()
def bot(
    path: ConfigOption = None,
    playground: Annotated[str | None, typer.Option(help="Address of a playground to use in place of Discord.")] = None,
) -> None:
    """Starts the bot alone; its engine ([llm] base_url, or `steward worker` on this machine) runs already."""
    from bot.app import run_bot_alone

    settings, secrets = _load(path)
    _serve(run_bot_alone(settings, secrets, playground))


@app.command()
def worker(
    path: ConfigOption = None,
    model: Annotated[str | None, typer.Option(help="Hub id, local folder, `embedded`, or `none`.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
    quantization: Annotated[Quantization | None, typer.Option(help="How to load the weights.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where to run.")] = None,
) -> None:
    """Starts the worker alone: the process that holds the model."""
    settings, _ = _load(path)
    given = {"model": model, "host": host, "port": port, "quantization": quantization, "device": device}
    chosen = settings.worker.model_copy(update={name: value for name, value in given.items() if value is not None})
    _become(worker_command(chosen, settings.tasks))


@app.command()
def playground(
    path: ConfigOption = None,
    port: Annotated[int | None, typer.Option(help="Port of the page.", min=0, max=65535)] = None,
) -> None:
    """Starts the playground alone: a Discord on this machine."""
    settings, _ = _load(path)
    _become(playground_command(settings.playground.model_copy(update={} if port is None else {"port": port})))


@app.command()
def chat(path: ConfigOption = None) -> None:
    """Talks with the model in this terminal, without Discord."""
    from bot.chat import chat_in_terminal

    settings, secrets = _load(path)
    _serve(chat_in_terminal(settings, secrets))


@app.command()
def doctor(path: ConfigOption = None) -> None:
    """Checks token, intents, permissions, worker, database and ports; every finding says how to mend it."""
    from bot.doctor import examine, print_findings

    settings, secrets = _load(path)
    findings = asyncio.run(examine(settings, secrets))
    raise typer.Exit(print_findings(findings, Console()))


@db.command("upgrade")
def db_upgrade(path: ConfigOption = None) -> None:
    """Brings the database to the revision of this version."""
    from bot.app import database_for

    async def upgrade() -> str:
        async with database_for(*_load(path)) as database:
            return f"The database is at revision {(await database.upgrade()).current}."

    Console().print(_run(upgrade()))


@db.command("check")
def db_check(path: ConfigOption = None) -> None:
    """Says whether the database is sound and what it holds."""
    from bot.app import database_for
    from bot.doctor import database_findings, print_findings

    async def check() -> list[Any]:
        async with database_for(*_load(path)) as database:
            return await database_findings(database)

    raise typer.Exit(print_findings(_run(check()), Console()))


@db.command("purge")
def db_purge(
    days: Annotated[int, typer.Option(help="Messages and replies older than this many days are deleted.", min=0)],
    path: ConfigOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Deletes what is older than a number of days, for good."""
    from bot.app import database_for
    from storage.retention import Retention

    if not yes:
        typer.confirm(f"Delete everything older than {days} days for good?", abort=True)

    async def purge() -> dict[str, int]:
        async with database_for(*_load(path)) as database:
            return await Retention(database).purge(datetime.now(UTC) - timedelta(days=days))

    for table, count in _run(purge()).items():
        Console().print(f"{table}: {count} deleted")


@models.command("list")
def models_list() -> None:
    """Lists the models that lie on this machine, with their sizes."""
    from llm.catalog import local_models

    table = Table("model", "where", "size")
    for model in local_models():
        where = model.source if model.complete else f"{model.source}, incomplete: pull it again"
        table.add_row(model.name, where, f"{model.size_bytes / 1e6:,.1f} MB")
    Console().print(table)
    Console().print("Any other: [bold]\\[worker] model[/bold] in steward.toml takes a hub id (owner/name) or a folder.")


@models.command("fit")
def models_fit(
    name: Annotated[str, typer.Argument(help="Hub id, local folder, or `embedded`.")],
    path: ConfigOption = None,
    device: Annotated[Device, typer.Option(help="Where it would run.")] = "auto",
) -> None:
    """Says what a model needs for each quantization, before any download, and whether this machine has it."""
    _become(models_command(_load(path)[0].worker, "fit", name, "--device", device))


@models.command("pull")
def models_pull(
    name: Annotated[str, typer.Argument(help="Hub id: owner/name, owner/name@revision or owner/name/file.gguf.")],
    path: ConfigOption = None,
    adapter: Annotated[bool, typer.Option("--adapter", help="It is a LoRA adapter.")] = False,
) -> None:
    """Downloads a model; goes on where an earlier pull was interrupted."""
    _become(models_command(_load(path)[0].worker, "pull", name, *(["--adapter"] if adapter else [])))


@models.command("remove")
def models_remove(
    name: Annotated[str, typer.Argument(help="Hub id, as `steward models list` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Deletes a downloaded model, all its revisions, from the hub's cache."""
    from llm.catalog import cached_folder, remove, size_on_disk

    folder = cached_folder(name)
    if folder is None:
        _fail(f"The hub's cache holds no model {name}; `steward models list` shows what is there.")
    size = f"{size_on_disk(folder) / 1e6:,.1f} MB"
    if not yes:
        typer.confirm(f"Delete {name} ({size}) from {folder}?", abort=True)
    remove(folder)
    Console(soft_wrap=True).print(f"{name} is gone; {size} are free again.", highlight=False, markup=False)


@app.command("eval", context_settings=PASS_THROUGH)
def evaluate(context: typer.Context, task: str) -> None:
    """Measures the quality of a task; prints a table and one JSON line."""
    package = "benchmarks.evaluation" if task in _modules("benchmarks.evaluation") else "llm.evaluation"
    _run_module(package, task, context.args)


@app.command("train", context_settings=PASS_THROUGH)
def train(context: typer.Context, name: str) -> None:
    """Trains a built-in model again, from the text that the project writes."""
    _run_module("llm.training", name, context.args)


@app.command("bench", context_settings=PASS_THROUGH)
def bench(context: typer.Context, name: str) -> None:
    """Runs a benchmark (`all`: every one); each prints a table and one JSON line. Needs a checkout."""
    if name == "all":
        _become([sys.executable, "-m", "benchmarks", *context.args])
    _run_module("benchmarks", name, context.args)


def _modules(package: str) -> list[str]:
    folder = Path(__file__).resolve().parent.parent.joinpath(*package.split("."))
    files = [path.stem for path in folder.glob("*.py") if '__name__ == "__main__"' in path.read_text()]
    packages = [path.parent.name for path in folder.glob("*/__main__.py")]
    return sorted(files + packages)


def _run_module(package: str, name: str, arguments: list[str]) -> NoReturn:
    known = _modules(package)
    if name not in known:
        _fail(f"{name!r} is not known here. Known: {', '.join(known) or 'none'}.")
    _become([sys.executable, "-m", f"{package}.{name}", *arguments])


def _load(path: Path | None) -> tuple[config.Settings, config.Secrets]:
    try:
        return config.load(path), config.Secrets.from_environment(os.environ)
    except config.ConfigError as error:
        _fail(str(error))


def _serve(work: Coroutine[Any, Any, None]) -> None:
    """Runs until the work ends, Ctrl-C or SIGTERM; both end it in order."""
    try:
        _run(work)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped.")


def _run(work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the work returns
    from bot.app import StartError
    from storage.errors import StorageError

    try:
        return asyncio.run(work)
    except (StartError, StorageError) as error:
        _fail(str(error))


def _become(command: list[str]) -> NoReturn:
    """Replaces this process, so that signals reach the real one."""
    os.execv(command[0], command)


def _fail(message: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True, highlight=False).print(message, markup=False)
    raise typer.Exit(2)
