"""`python -m llm.worker.models fit|pull NAME`: what a model needs before it is there, and its files onto this machine.

A process of its own, because `bot.cli` imports no torch. It prints for people and serves nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from llm.config import Device
from llm.worker.checkpoint import obtain, obtain_adapter, obtain_config
from llm.worker.errors import LoadError

if TYPE_CHECKING:
    from llm.worker.fitting import Fit
    from llm.worker.machine import Memory

EXIT_REFUSED = 2
CPU_HINT = "On a CPU the worker takes 512 MiB of KV cache at most, unless [worker] cache_mib says otherwise."

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
Trusted = Annotated[list[str], typer.Option("--trust-remote-code", help="A model whose own code may run.")]


@app.command()
def fit(
    name: str,
    device: Annotated[Device, typer.Option(help="Where it would run.")] = "auto",
    trust_remote_code: Trusted = [],  # noqa: B006 - typer copies it
) -> None:
    """Prints what a model needs, for each quantization, from its config alone, and whether this machine has it."""
    try:
        fits, memory, notes = _measure(name, device, trust_remote_code)
    except LoadError as error:
        _refuse(str(error))
    console = Console()
    console.print(_table(name, fits))
    console.print(
        f"{memory.where}: {memory.free / 2**30:.1f} GiB free of {memory.total / 2**30:.1f}; "
        f"the worker uses {fits[0].allowed / 2**30:.1f} GiB of it at most.",
        highlight=False,
    )
    for note in notes:
        console.print(note, highlight=False, markup=False)


@app.command()
def pull(
    name: str,
    adapter: Annotated[bool, typer.Option("--adapter", help="It is a LoRA adapter.")] = False,
    trust_remote_code: Trusted = [],  # noqa: B006 - typer copies it
) -> None:
    """Downloads a model or an adapter into the hub's cache; goes on where an earlier pull was interrupted."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
            bar = progress.add_task(name, total=None)

            def on_bytes(here: int, total: int) -> None:
                progress.update(bar, completed=here, total=total)

            folder = obtain_adapter(name, on_bytes) if adapter else obtain(name, trust_remote_code, on_bytes).folder
    except LoadError as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        _refuse(f"interrupted; `steward models pull {name}` goes on where it stopped")
    Console(soft_wrap=True).print(f"{name} is complete: {folder}", highlight=False, markup=False)


def _measure(name: str, device: Device, trusted: list[str]) -> tuple[list[Fit], Memory, list[str]]:
    """Every way of loading the model, the memory there is, and what was assumed. Raises LoadError."""
    checkpoint = obtain_config(name, trusted)  # before the slow imports: a wrong name is said at once
    from llm.worker import fitting, footprint, loader
    from llm.worker.machine import free_memory

    with loader.explained(checkpoint):
        config = loader.read_config(checkpoint)
        target = loader.choose_device(device)
        shape = footprint.empty_model(config, checkpoint.trusted)
        memory = free_memory(target)
        context = loader.stated_context(config)
        fits = fitting.possible_fits(shape, context, target, memory, checkpoint.gguf)
    obstacle = footprint.why_not_batched(config)
    notes = [
        f"Not for Steward's worker: {obstacle}." if obstacle else "",
        footprint.key_values(config, fits[0].dtype).note,
        CPU_HINT if target == "cpu" else "",
    ]
    return fits, memory, [note[:1].upper() + note[1:] for note in notes if note]


def _table(name: str, fits: list[Fit]) -> Table:
    from llm.worker.fitting import ROOM_TOKENS, gib

    room = min(ROOM_TOKENS, fits[0].context)
    table = Table("quantization", "weights", "KV cache per 1 k tokens", "longest context here", "on this machine")
    table.title = f"{name}: made for {fits[0].context:,} tokens"
    for each in fits:
        verdict = "[green]fits[/green]" if each.fits else f"[red]does not fit[/red]: {_lacking(each, room)}"
        kind = (
            f"{each.quantization} ({str(each.dtype).removeprefix('torch.')})" if each is fits[0] else each.quantization
        )
        longest = f"{each.longest:,} tokens" if each.longest else "none"
        table.add_row(kind, gib(each.weights), gib(1000 * each.kv_per_token), longest, verdict)
    return table


def _lacking(each: Fit, room: int) -> str:
    from llm.worker.fitting import gib

    if each.obstacle:
        return each.obstacle
    return f"{gib(each.needed - each.allowed)} are missing, with room for {room:,} tokens"


def _refuse(reason: str) -> NoReturn:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"steward models: {reason}", markup=False)
    sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    app()
