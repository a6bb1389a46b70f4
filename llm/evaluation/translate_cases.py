"""Messages with something of every kind that must not change in a translation: the project's own, as people write them.

Of each kind there is one in several languages; `NAMES` are the people that are spoken of.
"""

from __future__ import annotations

from collections.abc import Mapping

NAMES = ("Ada", "Grace Hopper", "Øyvind", "Łukasz", "Müller", "Aoi", "田中", "Зоя")
KINDS: Mapping[str, tuple[str, ...]] = {
    "inline code": ("`make run`", "``a ` b``", "`--target-language=fr`"),
    "code block": ("```py\nprint('Hallo Welt')\n```", "```\nSELECT name FROM people;\n```"),
    "link": (
        "https://example.org/wiki/Köln_(Stadt)?q=1#top",
        "<https://example.org/a>",
        "www.example.org/docs",
        "ada@example.org",
    ),
    "mention": (
        "<@123456789012345678>",
        "<@&222333444555666777>",
        "<#333444555666777888>",
        "@grace.hopper",
        "#general",
    ),
    "custom emoji": ("<:wave:555666777888999000>", "<a:party:666777888999000111>", ":tada:"),
    "emoji": ("🎉", "👩🏽‍🚀", "🇫🇷", "1️⃣", "❤️", "👨‍👩‍👧‍👦"),
    "time": ("<t:1700000000:R>", "<t:1700000000>"),
    "command": ("</translate:444555666777888999>", "/translate"),
    "name": NAMES,
    "mark": ("[1]", "[ 2 ]", "【3】"),
}
"""What stays, by kind."""
FRAMES: Mapping[str, tuple[str, ...]] = {
    "de": (
        "Wenn es nicht geht, versuch {0} und sag mir morgen Bescheid.",
        "{0} war gestern schon da, aber niemand hat etwas gesagt.",
        "Kann jemand nachsehen, ob das noch stimmt? Ich meine {0}",
        "> Das steht so im Protokoll: {0}\n- Bitte bis Freitag lesen.\n- Danach {1} fragen!",
    ),
    "fr": (
        "Si cela ne marche pas, essaie {0} et dis-le-moi demain.",
        "Hier soir, {0} était déjà là, mais personne n'a répondu à {1}.",
    ),
    "es": ("¿Alguien puede mirar {0} antes de la reunión de mañana?", "{0}, {1}, y luego nos vamos a casa."),
    "ja": ("明日の会議の前に {0} を確認してください。", "{0} と {1} はもう古いので、使わないでください。"),
    "en": ("If that does not work, try {0} and tell {1} tomorrow.", "Nobody knew what {0} was for, so we asked again."),
}
"""Sentences to put them into, by language."""
_BESIDE = {"kind": "emoji", "text": "🎉"}


Case = tuple[str, str, dict[str, list[str]]]
"""Language, message, and what stays in it by kind."""


def cases() -> list[Case]:
    """Every frame with everything."""
    found: list[Case] = []
    for language, frames in FRAMES.items():
        for frame in frames:
            for kind, kept in KINDS.items():
                for one in kept:
                    stays = {kind: [one]}
                    if "{1}" in frame:
                        stays.setdefault(_BESIDE["kind"], []).append(_BESIDE["text"])
                    found.append((language, frame.format(one, _BESIDE["text"]), stays))
    return found
