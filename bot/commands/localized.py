"""Names, descriptions, options and choices of commands in the languages that Steward speaks, for Discord to show.

They come from the catalogues, where a command's name and an option's have contexts of their own. It knows no command.
"""

from __future__ import annotations

from typing import Any

from discord import Locale, app_commands
from discord.app_commands import TranslationContextLocation as Location

from bot.language import LANGUAGES, language_of, translated

COMMAND, OPTION = "command", "option"
"""Contexts of names, since a word may name both, and be said in a sentence, too."""
CONTEXTS = {Location.command_name: COMMAND, Location.group_name: COMMAND, Location.parameter_name: OPTION}


class CommandTranslator(app_commands.Translator):
    """What discord.py asks for each text of each command, in each of Discord's locales."""

    async def translate(
        self, string: app_commands.locale_str, locale: Locale, context: app_commands.TranslationContext[Any, Any]
    ) -> str | None:
        """None where Discord shall show the English text."""
        language = language_of(locale.value)
        if language not in LANGUAGES:
            return None
        return translated(string.message, language, CONTEXTS.get(context.location, ""))
