"""Application commands: what the bot registers, and what a person's client shows in its picker."""

from __future__ import annotations

from starlette.responses import Response

from playground import commands, payloads
from playground.errors import DiscordError, missing_access, unknown
from playground.forms import CommandForm, check
from playground.models import Command, Payload, User
from playground.parts import Parts
from playground.rest.edge import Caller, Home, Place, Sent, Server, answer, nothing, router

routes = router()
GLOBAL = "/applications/{application_id}/commands"
IN_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"


def _own(parts: Parts, caller: User, application_id: int) -> None:
    if not caller.bot or application_id != caller.id:
        raise DiscordError(403, 20012, "You are not authorized to perform this action on this application")


def _find(parts: Parts, command_id: int, guild_id: int | None) -> Command:
    found = parts.world.commands.get(command_id)
    if found is None or found.guild_id != guild_id:
        raise unknown("command")
    return found


def _all(parts: Parts, guild_id: int | None, with_localizations: bool) -> Response:
    """Discord leaves the names in other languages out unless it is asked for them."""
    found = [payloads.command(parts.world, one) for one in commands.listed(parts.world, guild_id)]
    return answer(found if with_localizations else [_without_localizations(one) for one in found])


def _without_localizations(body: Payload) -> Payload:
    kept = {key: value for key, value in body.items() if not key.endswith("_localizations")}
    for key in ("options", "choices"):
        if key in kept:
            kept[key] = [_without_localizations(one) for one in kept[key] or ()]
    return kept


def _overwrite(parts: Parts, guild_id: int | None, sent: Sent) -> Response:
    for index, body in enumerate(sent.items):
        check(CommandForm, body, str(index))
    kept = commands.overwrite(parts.world, guild_id, sent.items)
    return answer([payloads.command(parts.world, one) for one in kept])


def _create(parts: Parts, guild_id: int | None, body: Payload) -> Response:
    check(CommandForm, body)
    made, new = commands.upsert(parts.world, guild_id, body)
    return answer(payloads.command(parts.world, made), 201 if new else 200)


def _edit(parts: Parts, found: Command, body: Payload) -> Response:
    changed = {**found.body, **body}
    check(CommandForm, changed)
    commands.check(changed)
    found.body, found.version = changed, parts.world.snowflakes.next()
    parts.world.keep(found)
    return answer(payloads.command(parts.world, found))


@routes.get(GLOBAL)
async def list_global(application_id: int, parts: Server, caller: Caller, with_localizations: bool = False) -> Response:
    _own(parts, caller, application_id)
    return _all(parts, None, with_localizations)


@routes.put(GLOBAL)
async def overwrite_global(application_id: int, parts: Server, caller: Caller, sent: Sent) -> Response:
    _own(parts, caller, application_id)
    return _overwrite(parts, None, sent)


@routes.post(GLOBAL)
async def create_global(application_id: int, parts: Server, caller: Caller, sent: Sent) -> Response:
    _own(parts, caller, application_id)
    return _create(parts, None, sent.body)


@routes.get(GLOBAL + "/{command_id}")
async def get_global(application_id: int, command_id: int, parts: Server, caller: Caller) -> Response:
    _own(parts, caller, application_id)
    return answer(payloads.command(parts.world, _find(parts, command_id, None)))


@routes.patch(GLOBAL + "/{command_id}")
async def edit_global(application_id: int, command_id: int, parts: Server, caller: Caller, sent: Sent) -> Response:
    _own(parts, caller, application_id)
    return _edit(parts, _find(parts, command_id, None), sent.body)


@routes.delete(GLOBAL + "/{command_id}")
async def delete_global(application_id: int, command_id: int, parts: Server, caller: Caller) -> Response:
    _own(parts, caller, application_id)
    commands.remove(parts.world, _find(parts, command_id, None))
    return nothing()


@routes.get(IN_GUILD)
async def list_in_guild(
    application_id: int, guild: Home, parts: Server, caller: Caller, with_localizations: bool = False
) -> Response:
    _own(parts, caller, application_id)
    return _all(parts, guild.id, with_localizations)


@routes.put(IN_GUILD)
async def overwrite_in_guild(application_id: int, guild: Home, parts: Server, caller: Caller, sent: Sent) -> Response:
    _own(parts, caller, application_id)
    return _overwrite(parts, guild.id, sent)


@routes.post(IN_GUILD)
async def create_in_guild(application_id: int, guild: Home, parts: Server, caller: Caller, sent: Sent) -> Response:
    _own(parts, caller, application_id)
    return _create(parts, guild.id, sent.body)


@routes.get(IN_GUILD + "/{command_id}")
async def get_in_guild(application_id: int, command_id: int, guild: Home, parts: Server, caller: Caller) -> Response:
    _own(parts, caller, application_id)
    return answer(payloads.command(parts.world, _find(parts, command_id, guild.id)))


@routes.patch(IN_GUILD + "/{command_id}")
async def edit_in_guild(
    application_id: int, command_id: int, guild: Home, parts: Server, caller: Caller, sent: Sent
) -> Response:
    _own(parts, caller, application_id)
    return _edit(parts, _find(parts, command_id, guild.id), sent.body)


@routes.delete(IN_GUILD + "/{command_id}")
async def delete_in_guild(application_id: int, command_id: int, guild: Home, parts: Server, caller: Caller) -> Response:
    _own(parts, caller, application_id)
    commands.remove(parts.world, _find(parts, command_id, guild.id))
    return nothing()


def _index(parts: Parts, found: list[Command]) -> Response:
    """As Discord's own client asks for its slash-command picker."""
    bot = parts.world.bot
    application = {"id": str(bot.id), "name": bot.name, "icon": None, "description": "", "bot": payloads.user(bot)}
    return answer(
        {
            "application_commands": [payloads.command(parts.world, one) for one in found],
            "applications": [application],
            "version": str(max((one.version for one in found), default=0)),
        }
    )


@routes.get("/guilds/{guild_id}/application-command-index")
async def guild_index(guild: Home, parts: Server, caller: Caller) -> Response:
    held = parts.world.guild_permissions(caller.id, guild)
    return _index(parts, commands.usable(parts.world, guild.id, held))


@routes.get("/channels/{channel_id}/application-command-index")
async def channel_index(channel: Place, parts: Server, caller: Caller) -> Response:
    if channel.guild_id is None and parts.world.bot.id not in channel.recipients:
        raise missing_access()
    held = parts.world.permissions(caller.id, channel)
    return _index(parts, commands.usable(parts.world, channel.guild_id, held))
