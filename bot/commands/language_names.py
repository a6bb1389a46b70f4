"""Languages as people call them: in their own words, in English, in the language itself, or by its code.

It knows the languages that can be translated into (`llm.tasks.languages`), and asks Babel for their names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache

import discord
from babel import Locale, UnknownLocaleError
from discord import app_commands

from llm.tasks.languages import LANGUAGES, reduced

MOST_CHOICES = 25
"""As many as Discord shows."""
ENGLISH = "en"


def language_for(interaction: discord.Interaction) -> str:
    """The language of the reader's Discord; English where it is none that can be translated into."""
    return reduced(interaction.locale.value) or ENGLISH


def called(language: str, locale: str) -> str:
    """What somebody with that locale of Discord's calls a language."""
    return str(_locale(locale).languages.get(language) or LANGUAGES[language][0])


async def understood(typed: str, locale: str) -> str | None:
    """The language that somebody means: by code, or by any of its names; None for others."""
    wish = typed.strip().casefold()
    by_name = {name.casefold(): code for code in LANGUAGES for name in await _names(code, locale)}
    return by_name.get(wish) or (reduced(wish) if len(wish) <= 6 else None)


async def suggested(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """What fits to what was typed so far: names that begin so first."""
    locale, wish = interaction.locale.value, typed.strip().casefold()
    ranked: list[tuple[int, str, str]] = []
    for code in LANGUAGES:
        names = [name.casefold() for name in await _names(code, locale)]
        begins, holds = any(name.startswith(wish) for name in names), any(wish in name for name in names)
        if begins or holds or code == wish:
            ranked.append((0 if code == wish or begins else 1, called(code, locale), code))
    return [app_commands.Choice(name=name[:100], value=code) for _, name, code in sorted(ranked)[:MOST_CHOICES]]


async def _names(language: str, locale: str) -> Iterator[str]:
    """What a language may be called by this reader."""
    own = await asyncio.to_thread(_own_names)
    return iter((called(language, locale), LANGUAGES[language][0], own[language]))


@cache
def _own_names() -> dict[str, str]:
    """What languages call themselves; reading that takes a third of a second, once."""
    return {code: str(Locale.parse(code).languages.get(code) or name) for code, (name, _) in LANGUAGES.items()}


@cache
def _locale(code: str) -> Locale:
    """Discord's locale as Babel knows it."""
    try:
        return Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(reduced(code) or ENGLISH)
