"""URLs that owners write."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import address
from storage.config import StorageSettings
from storage.errors import BadAddress


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
def test_sqlite_files(scheme: str, tmp_path: Path) -> None:
    found = address.parse(f"{scheme}:///{tmp_path}/a b.sqlite3")
    assert found.file == tmp_path / "a b.sqlite3"
    assert found.url.drivername == "sqlite+aiosqlite"


def test_relative_and_home_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert address.parse("sqlite:///steward.sqlite3").file == tmp_path / "steward.sqlite3"
    assert address.parse("sqlite:///~/x.sqlite3").file == tmp_path / "home" / "x.sqlite3"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_postgresql(scheme: str) -> None:
    found = address.parse(f"{scheme}://steward:p%40ss@db:5433/steward?sslmode=require")
    assert found.file is None
    assert found.url.render_as_string(hide_password=False) == (
        "postgresql+asyncpg://steward:p%40ss@db:5433/steward?ssl=require"
    )
    assert str(found) == "the database postgresql://steward@db:5433/steward"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "expected sqlite:///"),
        ("steward.sqlite3", "expected sqlite:///"),
        ("mysql://root:hunter2@host/db", "does not speak 'mysql'"),
        ("postgresql://me:hunter2@host:port/db", "not understood"),
        ("postgresql://me:hunter2@host/db?sslmod=require", "Unknown option 'sslmod'"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite://steward.sqlite3", "three slashes"),
    ],
)
def test_what_is_not_understood(url: str, said: str) -> None:
    with pytest.raises(BadAddress, match=said) as caught:
        address.parse(url)
    assert "hunter2" not in str(caught.value)


def test_settings_do_not_show_the_password() -> None:
    assert "hunter2" not in repr(StorageSettings(url="postgresql://me:hunter2@host/db"))
