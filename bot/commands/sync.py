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

Command = app_commands.Command[Any, ..., Any] | app_commands.ContextMenu | app_commands.Group
_DISCORDS_OWN = frozenset({"id", "application_id", "guild_id", "version", "dm_permission"})
"""Keys that Discord adds, and one that `contexts` has replaced."""


async def sync(tree: app_commands.CommandTree[discord.Client]) -> bool:
    """Make Discord's global commands equal to the tree's; whether anything had to be sent."""
    application_id = tree.client.application_id
    if application_id is None:
        raise RuntimeError("commands belong to an application, which is known after the login")
    # Raw, since discord.py's AppCommand loses the first of its contexts and integration types.
    theirs = [_essence(command) for command in await _registered(tree.client, application_id)]
    ours = [_essence(await _described(command, tree)) for command in tree.get_commands()]
    if sorted(ours, key=_name) == sorted(theirs, key=_name):
        return False
    await tree.sync()
    log.info("commands changed on Discord", commands=sorted(map(_name, ours)))
    return True


async def _registered(client: discord.Client, application_id: int) -> list[dict[str, Any]]:
    """What Discord has, with the names in all languages, which it gives on demand only."""
    route = discord.http.Route("GET", "/applications/{application_id}/commands", application_id=application_id)
    found: list[dict[str, Any]] = await client.http.request(route, params={"with_localizations": "true"})
    return found


async def _described(command: Command, tree: app_commands.CommandTree[discord.Client]) -> dict[str, Any]:
    """What `tree.sync` sends."""
    if tree.translator is None:
        return command.to_dict(tree)
    return await command.get_translated_payload(tree, tree.translator)


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
