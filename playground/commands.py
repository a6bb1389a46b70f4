"""Application commands: registering, and checking what a person fills in. It does not know HTTP."""

from __future__ import annotations

import re
from collections.abc import Sequence

from playground import forms
from playground.errors import DiscordError, invalid_form, missing_access, required, too_long, unknown
from playground.interaction_payloads import CHAT_INPUT, GROUP, SUBCOMMAND, USER_MENU
from playground.models import Attachment, Channel, Command, Payload, User
from playground.permissions import Permission
from playground.resolved import ATTACHMENT, CHANNEL, MENTIONABLE, MESSAGE, ROLE, USER, Resolver
from playground.state import World

NAME = re.compile(r"^[-_'\w]{1,32}$")
VALUES: dict[int, type | tuple[type, ...]] = {4: int, 5: bool, 10: (int, float)}
"""The types of options whose value is not written as text (integer, boolean, number)."""
DESCRIPTION_LIMIT = 100
OPTIONS_LIMIT = 25
COMMANDS_LIMIT = 100


def listed(world: World, guild_id: int | None) -> list[Command]:
    """The commands of one server, or the global ones."""
    return [one for one in world.commands.values() if one.guild_id == guild_id]


def usable(world: World, guild_id: int | None, held: int) -> list[Command]:
    """What a person with these permissions finds in a server (its commands and the global ones), or in a DM (None)."""
    found = listed(world, None)
    if guild_id is None:
        return [one for one in found if _in_direct_messages(one.body)]
    return [one for one in found + listed(world, guild_id) if _is_open_to(held, one.body)]


def upsert(world: World, guild_id: int | None, body: Payload, path: str = "") -> tuple[Command, bool]:
    """Registers a command, or replaces the one of the same name and type; True when it is new."""
    check(body, path)
    kind = body.get("type") or CHAT_INPUT
    for one in listed(world, guild_id):
        if one.body["name"] == body["name"] and (one.body.get("type") or CHAT_INPUT) == kind:
            if one.body != body:
                one.body, one.version = body, world.snowflakes.next()
                world.keep(one)
            return one, False
    identity = world.snowflakes.next()
    made = Command(identity, identity, guild_id, body)
    world.commands[made.id] = made
    world.keep(made)
    return made, True


def overwrite(world: World, guild_id: int | None, bodies: Sequence[Payload]) -> list[Command]:
    """Registers exactly these; commands that keep their name keep their id."""
    if len(bodies) > COMMANDS_LIMIT:
        raise DiscordError(400, 30032, f"Maximum number of application commands reached ({COMMANDS_LIMIT}).")
    for index, body in enumerate(bodies):
        check(body, f"{index}.")
    kept = [upsert(world, guild_id, _plain(body))[0] for body in bodies]
    names = {one.id for one in kept}
    for one in listed(world, guild_id):
        if one.id not in names:
            remove(world, one)
    return kept


def remove(world: World, one: Command) -> None:
    del world.commands[one.id]
    world.store.remove("command", one.id)


def check(body: Payload, path: str = "") -> None:
    """Raises a form error for a name, description or options that Discord would refuse."""
    name, chat_input = body["name"], (body.get("type") or CHAT_INPUT) == CHAT_INPUT
    if chat_input and (not NAME.match(name) or name != name.lower()):
        message = "Command name is invalid"
        raise invalid_form(f"{path}name", "APPLICATION_COMMAND_INVALID_NAME", message)
    if chat_input and not body.get("description"):
        raise required(f"{path}description")
    if len(body.get("description") or "") > DESCRIPTION_LIMIT:
        raise too_long(f"{path}description", DESCRIPTION_LIMIT)
    _check_options(body.get("options") or [], path)


def invoked(
    world: World,
    person: User,
    channel: Channel,
    data: Payload,
    base_url: str = "",
    attached: Sequence[Attachment] = (),
) -> Payload:
    """The data of INTERACTION_CREATE for what a person filled in: checked, with everything it names resolved.

    `attached`: the files that came along; an option names one by its place among them.
    """
    command = world.commands.get(int(data["id"]))
    if command is None or command.guild_id not in (None, channel.guild_id):
        raise unknown("command")
    _may_use(world, person, channel, command)
    kind = command.body.get("type") or CHAT_INPUT
    shaped: Payload = {"id": str(command.id), "name": command.body["name"], "type": kind}
    if command.guild_id is not None:
        shaped["guild_id"] = str(command.guild_id)
    resolver = Resolver(world, channel, base_url, attached)
    if kind == CHAT_INPUT:
        options = data.get("options") or []
        shaped["options"] = options
        _check_filled(command.body.get("options") or [], options, resolver)
    else:
        shaped["target_id"] = str(data.get("target_id"))
        resolver.add(USER if kind == USER_MENU else MESSAGE, int(data.get("target_id") or 0))
    if resolver.found:
        shaped["resolved"] = resolver.found
    return shaped


def _may_use(world: World, person: User, channel: Channel, command: Command) -> None:
    if not world.permissions(person.id, channel) & Permission.USE_APPLICATION_COMMANDS:
        raise missing_access()
    if channel.guild_id is None:
        if not _in_direct_messages(command.body):
            raise unknown("command")
        return
    if not _is_open_to(world.permissions(person.id, channel), command.body):
        raise missing_access()


def _is_open_to(held: int, body: Payload) -> bool:
    """Whether the command's default permissions let somebody with these permissions in; 0 means administrators only."""
    wanted = body.get("default_member_permissions")
    if wanted is None or held & Permission.ADMINISTRATOR:
        return True
    return int(wanted) != 0 and held & int(wanted) == int(wanted)


def _in_direct_messages(body: Payload) -> bool:
    contexts = body.get("contexts")
    return 1 in contexts if contexts is not None else body.get("dm_permission", True) is not False


def _plain(body: Payload) -> Payload:
    """Without the id that a sync by diff may send along."""
    return {key: value for key, value in body.items() if key not in ("id", "application_id", "version", "guild_id")}


def _check_options(options: list[Payload], path: str) -> None:
    if len(options) > OPTIONS_LIMIT:
        raise too_long(f"{path}options", OPTIONS_LIMIT)
    optional_before = False
    for index, option in enumerate(options):
        where = f"{path}options.{index}."
        check({**option, "type": CHAT_INPUT}, where)
        needed = bool(option.get("required"))
        if needed and optional_before:
            message = "Required options must be placed before non-required options"
            raise invalid_form(where + "required", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_before = optional_before or not needed


def _check_filled(declared: list[Payload], filled: list[Payload], resolver: Resolver) -> None:
    by_name = {option["name"]: option for option in declared}
    for option in filled:
        known = by_name.get(option.get("name", ""))
        if known is None:
            raise invalid_form("data.options", "APPLICATION_COMMAND_OPTION_UNKNOWN", "Unknown option")
        option["type"] = known["type"]
        if known["type"] in (SUBCOMMAND, GROUP):
            _check_filled(known.get("options") or [], option.setdefault("options", []), resolver)
        elif not isinstance(option.get("value"), VALUES.get(known["type"], str)):
            raise invalid_form(f"data.options.{known['name']}", "BASE_TYPE_BAD_VALUE", "The value has the wrong type")
        elif known["type"] == ATTACHMENT:
            option["value"] = resolver.add_file(option["value"])
        elif known["type"] in (USER, CHANNEL, ROLE, MENTIONABLE):
            forms.check(forms.Target, {"value": option["value"]}, f"data.options.{known['name']}")
            resolver.add(known["type"], int(option["value"]))
    given = {option["name"] for option in filled}
    completing = any(option.get("focused") for option in filled)
    for option in declared:
        if option.get("required") and option["name"] not in given and not completing:
            raise required(f"data.options.{option['name']}")
