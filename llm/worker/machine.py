"""How much memory this machine has left: its GPUs, or RAM within the limit of a container. It knows no model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that are free, and bytes in all; `where` names the place in words."""

    free: int
    total: int
    where: str


def free_memory(device: str) -> Memory:
    """What a worker on `device` ("cuda" or "cpu") can take now; on CUDA the sum over all GPUs that it sees."""
    return _on_gpus() if device == "cuda" else ram()


def ram(cgroups: Path = CGROUPS, own: Path = OWN_CGROUP) -> Memory:
    """RAM that can be had without swapping, and no more than the container of this process still allows."""
    machine = psutil.virtual_memory()
    limits = _cgroup_limits(cgroups, own)
    free = min([machine.available, *(left for left, _ in limits)])
    total = min([machine.total, *(limit for _, limit in limits)])
    return Memory(max(0, free), total, "RAM")


def _on_gpus() -> Memory:
    import torch  # here, because a worker that serves no model has no use for it

    figures = [torch.cuda.mem_get_info(index) for index in range(torch.cuda.device_count())]
    where = torch.cuda.get_device_name(0) if len(figures) == 1 else f"{len(figures)} GPUs"
    return Memory(sum(free for free, _ in figures), sum(total for _, total in figures), where)


def _cgroup_limits(root: Path, own: Path) -> list[tuple[int, int]]:
    """(bytes left, limit) of every cgroup above this process that has a limit; version 2, then version 1.

    File pages that nobody uses count as left: the kernel gives them back before it kills anything."""
    limits = []
    for folder in _cgroup_folders(root, own):
        for names in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            limit, used = (_number(folder / name) for name in names)
            if limit is not None and used is not None:
                limits.append((limit - used + _idle_file_pages(folder), limit))
    return limits


def _cgroup_folders(root: Path, own: Path) -> list[Path]:
    """The process's own cgroup and all above it, in both hierarchies; inside a container often the root alone."""
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return []
    folders = []
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if controllers not in ("", "memory"):
            continue
        base = root / controllers if controllers else root
        place = base / path.lstrip("/")
        folders += [place, *(parent for parent in place.parents if parent.is_relative_to(base))]
    return list(dict.fromkeys(folders))


def _idle_file_pages(folder: Path) -> int:
    try:
        lines = (folder / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    figures = dict(line.split()[:2] for line in lines if " " in line)
    return int(figures.get("total_inactive_file", figures.get("inactive_file", 0)))


def _number(file: Path) -> int | None:
    """The file's number; None where there is none, or the word "max"."""
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
