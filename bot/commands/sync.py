"""Commands are sent to Discord only when they differ from what Discord has: it limits how often they may be changed.

It does not know any command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord
import structlog
from discord import app_commands

log = structlog.get_logger()

_DISCORDS_OWN = frozenset({"id", "application_id", "guild_id", "version", "dm_permission"})
"""Keys that Discord adds, and one that `contexts` has replaced."""


async def sync(tree: app_commands.CommandTree[Any]) -> bool:
    """Make Discord's global commands equal to the tree's; whether anything had to be sent."""
    ours = [_essence(command.to_dict(tree)) for command in tree.get_commands()]
    theirs = [_essence(_payload(command)) for command in await tree.fetch_commands()]
    if sorted(ours, key=_name) == sorted(theirs, key=_name):
        return False
    await tree.sync()
    log.info("commands changed on Discord", commands=sorted(map(_name, ours)))
    return True


def _payload(command: app_commands.AppCommand) -> dict[str, Any]:
    permissions = command.default_member_permissions
    return {
        **command.to_dict(),
        "nsfw": command.nsfw,
        "default_member_permissions": None if permissions is None else permissions.value,
    }


def _essence(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A command as it is compared: without what Discord adds, and without empty values, which it leaves out."""
    if isinstance(value, Mapping):
        kept = {key: _essence(inner) for key, inner in value.items() if key not in _DISCORDS_OWN}
        return {key: inner for key, inner in kept.items() if inner not in (None, False, "", [], {})}
    if isinstance(value, list | tuple):
        inner = [_essence(item) for item in value]
        return sorted(inner) if all(isinstance(item, int) for item in inner) else inner
    return value.value if isinstance(value, discord.Enum) else value


def _name(command: Mapping[str, Any]) -> str:
    return str(command["name"])
