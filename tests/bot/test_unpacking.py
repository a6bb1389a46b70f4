"""PDF files and pictures are opened elsewhere, with limits, and each that cannot be read says why."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bot.conversation import unpacker
from bot.conversation.unpacker import LONGEST_TEXT, MOST_PAGES, TimeIsUp, Trouble
from bot.conversation.unpacking import LARGEST, Unpacking, Unreadable
from tests.bot.papers import locked_pdf, pdf, picture

FOLDER = Path(unpacker.__file__).parent


async def test_a_pdf_has_text_and_a_picture_becomes_a_small_jpeg() -> None:
    unpacking = Unpacking()
    assert await unpacking.pdf(pdf("Bees dance.", "And sing.")) == "Bees dance.\nAnd sing."
    small = await unpacking.image(picture(3000, 1500, mode="RGBA"))
    assert (small.width, small.height) == (1024, 512)
    with Image.open(io.BytesIO(small.jpeg)) as opened:
        assert (opened.format, opened.size) == ("JPEG", (1024, 512))


async def test_what_is_too_large_is_not_even_opened() -> None:
    with pytest.raises(Unreadable, match="it is larger than 20 MiB"):
        await Unpacking().pdf(bytes(LARGEST + 1))


async def test_one_that_takes_for_ever_is_ended() -> None:
    with pytest.raises(Unreadable, match="it takes too long to open"):
        await Unpacking(patience_s=0.0).pdf(pdf("Bees"))


def test_the_program_has_no_more_memory_time_and_disk_than_its_limits() -> None:
    tried = """
import os, resource, unpacker
unpacker.limit()
for attempt in (lambda: bytearray(600 * 2**20), lambda: open('/tmp/steward-limit', 'w').write('x' * 99999)):
    try:
        attempt()
    except (MemoryError, OSError) as error:
        print(type(error).__name__)
try:
    while True:
        resource.setrlimit(resource.RLIMIT_CPU, (0, 1))
except BaseException as error:
    print(type(error).__name__, flush=True)
    os._exit(0)  # at an orderly end Python puts the signal's default back, and the next second of work kills
"""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(FOLDER)!r})\n{tried}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "MemoryError" and said[-1] == "TimeIsUp" and len(said) == 3


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (b"", "damaged"),
        (b"%PDF-1.4 and then nothing", "damaged"),
        (pdf("Bees")[:200], "damaged"),
        (locked_pdf("Bees", "honey"), "password"),
        (pdf(""), "only pictures"),
    ],
)
def test_pdf_files_without_text_say_why(data: bytes, trouble: str) -> None:
    with pytest.raises(Trouble, match=trouble):
        unpacker.pdf(data)


def test_one_that_only_its_owner_may_change_is_read() -> None:
    assert unpacker.pdf(locked_pdf("Bees", ""))["text"] == "Bees"


async def test_what_is_left_out_of_a_pdf_is_said() -> None:
    unpacking = Unpacking()
    text = await unpacking.pdf(pdf(*["Bees dance."] * (MOST_PAGES + 1)))
    assert text.count("Bees") == MOST_PAGES and text.endswith(f"… (the first {MOST_PAGES} of {MOST_PAGES + 1} pages)")
    text = await unpacking.pdf(pdf("b" * LONGEST_TEXT, "bees", "bees"))
    assert text.endswith("… (the first 1 of 3 pages)") and len(text) < LONGEST_TEXT + 100


def test_when_the_time_is_up_what_was_read_counts() -> None:
    def page(number: int) -> str:
        if number == 2:
            raise TimeIsUp
        return f"page {number}"

    assert unpacker._texts(page, 9) == ["page 0", "page 1"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_kinds_of_pictures(kind: str) -> None:
    assert unpacker.image(picture(kind=kind))["width"] == 30


def test_a_picture_stands_upright() -> None:
    turned, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(turned, "JPEG", exif=exif)
    assert (unpacker.image(turned.getvalue())["width"], unpacker.image(turned.getvalue())["height"]) == (20, 30)


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (b"GIF89a", "damaged|no picture"),
        (b"<svg/>", "no picture of a kind"),
        (picture(300, 300)[:120], "damaged"),
        (picture(9000, 9000, mode="1"), "more than 40 million pixels"),
    ],
)
def test_pictures_that_cannot_be_opened_say_why(data: bytes, trouble: str) -> None:
    with pytest.raises(Trouble, match=trouble):
        unpacker.image(data)
