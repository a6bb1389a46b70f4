"""Buttons, menus and forms that nobody answers any more, since what they belong to went with a restart or was put away:
whoever uses one reads so, and not Discord's "interaction failed".

It does not know what they were for, beside which command they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import discord
import structlog
from discord.ui.view import ViewStore

from bot.conversation.streaming import TROUBLE
from bot.language import N_, _

log = structlog.get_logger()

PANEL = "panel:"
"""What the custom ids of all controls of /settings begin with."""
PANEL_GONE = N_("This panel is from before my restart, or was put away: please give `/settings` again.")
FORM_GONE = N_(
    "I was restarted while you wrote, or it took long, so I did not get this: please give the command again."
)
GONE = N_("This is from before my restart, or too old: please give the command again.")


def is_orphan(interaction: discord.Interaction, views: ViewStore) -> bool:
    """Whether it is a press or a form that none of the live views and registered items takes. To be asked as soon as it
    has come: whoever takes it may end their view."""
    is_control = interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit)
    return is_control and not interaction.response.is_done() and not _is_taken(interaction, views)


async def answer_orphan(interaction: discord.Interaction) -> None:
    """Tell whoever used it, in private."""
    log.info("nobody answers this control any more", control=_custom_id(interaction))
    try:
        await interaction.response.send_message(_sentence(interaction), ephemeral=True)
    except TROUBLE as error:
        log.warning("nobody could be told", error=str(error))


def _is_taken(interaction: discord.Interaction, views: ViewStore) -> bool:
    """Whether somebody answers it. Only discord.py's own store knows which views are alive, and nothing public tells:
    this looks where its `dispatch_view` and `dispatch_modal` do."""
    custom_id = _custom_id(interaction)
    if interaction.type is discord.InteractionType.modal_submit:
        return custom_id in views._modals
    if any(pattern.fullmatch(custom_id) for pattern in views._dynamic_items):
        return True
    key = (_data(interaction).get("component_type", 0), custom_id)
    message_id = interaction.message.id if interaction.message else None
    return any(key in views._views.get(known, {}) for known in (message_id, None))


def _sentence(interaction: discord.Interaction) -> str:
    if interaction.type is discord.InteractionType.modal_submit:
        return _(FORM_GONE)
    return _(PANEL_GONE) if _custom_id(interaction).startswith(PANEL) else _(GONE)


def _custom_id(interaction: discord.Interaction) -> str:
    return str(_data(interaction).get("custom_id", ""))


def _data(interaction: discord.Interaction) -> Mapping[str, Any]:
    """What Discord sent of it, whichever kind it is."""
    return cast("Mapping[str, Any]", interaction.data or {})
