"""The page holds together: every file it names is there and served, nothing points to another host, its scripts' own
tests pass (where node is installed). How it looks is for eyes, not for this file.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from playground.site import PAGE
from tests.playground.conftest import Running

SCRIPTS = sorted(PAGE.glob("js/**/*.js"))
STYLES = sorted(PAGE.glob("styles/*.css"))
IMPORT = re.compile(r"""^\s*(?:import|export)\s(?:[^"';]*\sfrom\s)?["'](?P<path>[^"']+)["']""", re.MULTILINE)
ADDRESS = re.compile(r"(?:https?:)?//[\w-]+\.[\w.-]+")
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
MARKUP = re.compile(r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function)")
PAGE_TESTS = Path(__file__).parent / "page"


def named(path: Path) -> str:
    return str(path.relative_to(PAGE))


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/|^\s*//.*?$", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_every_imported_module_exists(script: Path) -> None:
    for match in IMPORT.finditer(script.read_text()):
        target = match["path"]
        assert target.startswith("."), f"{target}: modules are our own, named relatively"
        assert (script.parent / target).is_file(), target


@pytest.mark.parametrize("file", [*SCRIPTS, *STYLES, PAGE / "index.html", PAGE / "steward.svg"], ids=named)
def test_nothing_is_loaded_from_another_host(file: Path) -> None:
    text = without_comments(file.read_text()).replace(SVG_NAMESPACE, "").replace("ws://127.0.0.1:*", "")
    assert ADDRESS.findall(text) == []


@pytest.mark.parametrize("style", STYLES, ids=named)
def test_styles_load_nothing(style: Path) -> None:
    assert re.findall(r"url\(|@import", style.read_text()) == []


@pytest.mark.parametrize("script", SCRIPTS, ids=named)
def test_text_never_becomes_markup(script: Path) -> None:
    assert MARKUP.findall(without_comments(script.read_text())) == []


def test_every_script_is_used() -> None:
    reached = {PAGE / "js" / "app.js"}
    waiting = list(reached)
    while waiting:
        script = waiting.pop()
        found = {(script.parent / match["path"]).resolve() for match in IMPORT.finditer(script.read_text())}
        waiting.extend(found - reached)
        reached |= found
    assert reached == set(SCRIPTS)


async def test_the_page_and_what_it_names_are_served(running: Running) -> None:
    async with running.http.get(running.url + "/") as response:
        page = await response.text()
        assert response.status == 200
        assert response.content_type == "text/html"
    addresses = re.findall(r'(?:href|src)="(/page/[^"]+)"', page)
    assert len(addresses) > len(STYLES)
    for address in addresses:
        async with running.http.get(running.url + address) as response:
            assert response.status == 200, address
            assert response.headers["Cache-Control"] == "no-cache"


async def test_scripts_are_served_as_javascript(running: Running) -> None:
    for script in SCRIPTS:
        async with running.http.get(f"{running.url}/page/{named(script)}") as response:
            assert response.status == 200
            assert response.content_type == "text/javascript"


def test_the_scripts_pure_parts() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; it is needed for the page's own tests only, never to run it")
    tests = sorted(str(path) for path in PAGE_TESTS.glob("*.test.js"))
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8", "TZ": "UTC"}
    done = subprocess.run(
        [node, "--test", *tests], capture_output=True, text=True, timeout=120, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout
