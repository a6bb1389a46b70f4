"""How a benchmark ends: one JSON line with its options, its figures and the machine. It knows no figure's meaning."""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any


def parser(doc: str | None) -> argparse.ArgumentParser:
    """A command line whose help is the benchmark's own explanation, defaults included."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def finish(bench: str, options: argparse.Namespace, **figures: object) -> None:
    """Print the last line."""
    print(json.dumps({"bench": bench, **vars(options), **rounded(figures), "machine": machine()}))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    libraries = {name: version(name) for name in ("torch", "transformers")}
    return {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version(), **libraries}


def rounded(value: Any) -> Any:  # noqa: ANN401 - what JSON can hold
    """Numbers with as many digits as a measurement has."""
    if isinstance(value, float):
        return round(value, 3 if abs(value) < 10 else 1)
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        names = [line.split(":", 1)[1].strip() for line in listing.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()
