"""How much memory is left: the machine's own, and what a container's limit leaves of it."""

from __future__ import annotations

from pathlib import Path

import psutil

from llm.worker.machine import free_memory, ram

MIB = 2**20


def cgroup(folder: Path, limit: int | str, used: int, idle: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {idle}\n")


def own(folder: Path, text: str) -> Path:
    (folder / "own").write_text(text)
    return folder / "own"


def test_without_a_container_it_is_the_machines() -> None:
    memory = ram(Path("/nowhere"), Path("/nowhere/own"))
    assert memory.total == psutil.virtual_memory().total
    assert 0 < memory.free <= memory.total
    assert free_memory("cpu").where == "RAM"


def test_a_containers_limit_counts_and_idle_file_pages_are_free(tmp_path: Path) -> None:
    cgroup(tmp_path / "groups/a/b", "max", 10 * MIB)
    cgroup(tmp_path / "groups/a", 100 * MIB, used=60 * MIB, idle=20 * MIB)
    memory = ram(tmp_path / "groups", own(tmp_path, "0::/a/b\n"))
    assert (memory.free, memory.total) == (60 * MIB, 100 * MIB)


def test_the_older_cgroups(tmp_path: Path) -> None:
    folder = tmp_path / "groups/memory/docker/x"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text(str(100 * MIB))
    (folder / "memory.usage_in_bytes").write_text(str(30 * MIB))
    memory = ram(tmp_path / "groups", own(tmp_path, "12:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n"))
    assert (memory.free, memory.total) == (70 * MIB, 100 * MIB)


def test_more_used_than_allowed_leaves_nothing(tmp_path: Path) -> None:
    cgroup(tmp_path / "groups", 10 * MIB, used=11 * MIB)
    assert ram(tmp_path / "groups", own(tmp_path, "0::/\n")).free == 0
