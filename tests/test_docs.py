"""What the documentation tells an owner to write is what Steward takes, and what it points at is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.config import Settings
from llm.dialect import Dialect
from llm.types import Sampling
from tests.conftest import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_of_settings_can_be_used(page: Path) -> None:
    for block in blocks(page, "toml"):
        Settings(**tomllib.loads(block))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_into_the_repository_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_named_setting_exists(page: Path) -> None:
    named = re.findall(r"`\[(bot|llm|worker|tasks|storage)\] ([a-z_]+)`", page.read_text())
    settings = Settings()
    assert [(section, key) for section, key in named if not hasattr(getattr(settings, section), key)] == []


def test_the_fields_that_are_said_to_be_sent_are_those() -> None:
    page = (REPOSITORY / "docs/engines.md").read_text()
    sent = page.split("## What is sent")[1].split("## ")[0]
    for name in Dialect().fields(Sampling(1, 0.5, 0.9, 40, ("END",))):
        assert f"`{name}`" in sent or f"`{name}." in sent, name
