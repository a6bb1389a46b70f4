"""How a command answers: in private, deferred at once, and with a sentence when something goes wrong.

It does not know any command.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import discord
import structlog

from bot.commands.retrying import IN_PLACE, button_after
from bot.conversation.rendering import DISCORD_LIMIT, Part, length
from bot.errors import Refusal, explain
from llm.errors import LLMError
from storage.errors import StorageError

log = structlog.get_logger()


class Press(Protocol):
    """Does what a button under an answer says; `name` is the command whose rules hold for that, None where nothing but
    what is there is shown. What goes wrong is told."""

    async def __call__(
        self, interaction: discord.Interaction, do: Callable[[], Awaitable[None]], name: str | None = None
    ) -> None: ...


FORESEEN = (Refusal, LLMError, StorageError, discord.Forbidden)
"""What a command may run into without being broken."""


@asynccontextmanager
async def explained(interaction: discord.Interaction) -> AsyncIterator[None]:
    """The body answers `interaction`; a foreseen error becomes its answer. Others reach the tree's handler."""
    try:
        yield
    except FORESEEN as error:
        explanation = explain(error)
        log.log(explanation.level, "command not answered", command=_name(interaction), error=repr(error))
        await tell(interaction, explanation.sentence, button_after(interaction, error))


async def defer(interaction: discord.Interaction) -> None:
    """Promise a private answer: Discord waits three seconds without it, and fifteen minutes with it.

    Of a command that is given again it was promised already."""
    if not interaction.extras.get(IN_PLACE):
        await interaction.response.defer(ephemeral=True, thinking=True)


async def tell(interaction: discord.Interaction, text: str, buttons: discord.ui.View | None = None) -> None:
    """Give the private answer: the promised one where it was deferred, a further one where it was given."""
    view = buttons or discord.utils.MISSING
    if not interaction.response.is_done():
        await interaction.response.send_message(text, ephemeral=True, view=view)
    elif interaction.extras.pop(IN_PLACE, False) or _is_promised(interaction):
        await interaction.edit_original_response(content=text, view=buttons)  # None: those of the progress go
    else:
        await interaction.followup.send(text, ephemeral=True, view=view)


async def tell_parts(
    interaction: discord.Interaction, parts: Sequence[Part], buttons: discord.ui.View | None = None
) -> list[discord.Message]:
    """Give a promised private answer in as many messages as it has parts, `buttons` under the last.

    The view only carries the buttons: a persistent one, registered elsewhere, answers them.
    """
    told: list[discord.Message] = []
    for index, part in enumerate(parts):
        view = buttons if buttons is not None and index == len(parts) - 1 else discord.utils.MISSING
        if index == 0:
            told.append(await interaction.edit_original_response(content=part.shown, view=view))
        else:
            told.append(await interaction.followup.send(part.shown, ephemeral=True, wait=True, view=view))
    if buttons is not None:
        buttons.stop()  # discord.py would keep it for ever otherwise
    return told


def in_messages(lines: Iterable[str]) -> list[Part]:
    """Lines in as few messages as they fit into; each of them fits into one."""
    messages: list[str] = []
    for line in lines:
        joined = f"{messages[-1]}\n{line}" if messages else line
        if messages and length(joined) <= DISCORD_LIMIT:
            messages[-1] = joined
        else:
            messages.append(line)
    return [Part("", message) for message in messages]


def _is_promised(interaction: discord.Interaction) -> bool:
    return interaction.response.type is discord.InteractionResponseType.deferred_channel_message


def _name(interaction: discord.Interaction) -> str:
    command = interaction.command
    return command.qualified_name if command else "button"
