"""The README is a map; a map that misses a street misleads."""

from __future__ import annotations

import re

from bot import invite
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text()
ROOMS = ("bot", "llm", "storage", "playground", "benchmarks")


def test_every_file_has_its_line_in_the_tree() -> None:
    files = [
        path.relative_to(REPOSITORY).as_posix()
        for room in ROOMS
        for path in (REPOSITORY / room).rglob("*.py")
        if path.name != "__init__.py" and "versions" not in path.parts
    ]
    assert files
    missing = [name for name in sorted(files) if not re.search(rf"^{re.escape(name)} +\S", README, re.MULTILINE)]
    assert not missing


def test_the_tree_names_no_file_that_is_gone() -> None:
    named = re.findall(rf"^((?:{'|'.join(ROOMS)})/\S+\.py) ", README, re.MULTILINE)
    assert not [name for name in named if not (REPOSITORY / name).is_file()]


def test_the_invitations_ask_for_exactly_what_the_code_names() -> None:
    asked = [int(number) for number in re.findall(r"permissions=(\d+)", README)]
    assert asked == [invite.permissions().value, invite.permissions(moderation=True).value]
    for name, why in (invite.ASSISTANT | invite.MODERATION | invite.WHERE_USED).items():
        assert f"| {name.replace('_', ' ').title()} | {why} |" in README
