"""Long texts become pieces that are short, complete and say where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.tasks.pieces import pieces

GUIDE = """# Garden
Bees live here.

## Shed
The key hangs behind the door.

```sh
# no heading
open the door
```
## Pond ##
Frogs.
"""


def test_headings_stand_above_what_is_said_under_them() -> None:
    assert pieces(GUIDE) == [
        "Garden\nBees live here.",
        "Garden › Shed\nThe key hangs behind the door.\n```sh\n# no heading\nopen the door\n```",
        "Garden › Pond\nFrogs.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n ", []),
        ("one two. three four", ["one two.", "three four"]),
        ("one two three", ["one two", "three"]),
        ("abcdefghijklm", ["abcdefghij", "klm"]),
        ("one\n\ntwo\n\nthree four", ["one\ntwo", "three four"]),
    ],
)
def test_it_is_cut_where_it_has_breaks(text: str, expected: list[str]) -> None:
    assert pieces(text, 10) == expected


@given(st.text(alphabet="ab .\n#", max_size=200))
def test_nothing_is_lost_and_nothing_is_long(text: str) -> None:
    found = pieces(text, 20)
    assert all(len(piece.rpartition("\n")[2]) <= 20 for piece in found)
    assert "".join(found).count("a") >= text.count("a") - sum(
        line.count("a") for line in text.splitlines() if "#" in line
    )
