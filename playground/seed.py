"""The first world: one server with three people in it, and the bot that one of them invited. It knows no routes."""

from __future__ import annotations

from playground.models import AuditEntry, Channel, ChannelType, Guild, Member, Overwrite, Role, Sticker
from playground.permissions import EVERYONE, Permission
from playground.snowflake import now
from playground.state import World

GUILD_NAME = "Steward Playground"
OWNER = "Ada"
PEOPLE = (OWNER, "Grace", "Linus")
BOT = "Steward"
BOT_ADDED = 28
"""The audit log's action type for a bot that joins."""

STICKERS = {"Hello": "wave", "Well done": "tada", "Hmm": "thinking"}
"""Name → the emoji that it goes with."""

STAFF_COLOUR = 0x3BA55D

PUBLIC_CHANNELS = {
    "general": "Anything at all",
    "ideas": "What could we build?",
    "help-desk": "Questions and answers",
}

BOT_PERMISSIONS = int(
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.VIEW_AUDIT_LOG
    | Permission.MANAGE_MESSAGES
    | Permission.MANAGE_THREADS
    | Permission.MANAGE_WEBHOOKS
    | Permission.KICK_MEMBERS
    | Permission.BAN_MEMBERS
    | Permission.MODERATE_MEMBERS
)


def plant(world: World) -> None:
    """Makes the first world if there is none, and invites the bot (again) if it is not in the server."""
    if not world.guilds:
        _plant_server(world)
    for guild in world.guilds.values():
        if world.bot.id not in guild.members:
            invite_bot(world, guild)
        if not guild.stickers:
            guild.stickers = [Sticker(world.snowflakes.next(), name, tags) for name, tags in STICKERS.items()]
            world.keep(guild)


def invite_bot(world: World, guild: Guild) -> None:
    """The owner adds the bot: its managed role, its membership and the entry in the audit log."""
    bot = world.bot
    role = next((one for one in guild.roles.values() if one.bot_id == bot.id), None)
    if role is None:
        role = Role(world.snowflakes.next(), BOT, BOT_PERMISSIONS, position=1, managed=True, bot_id=bot.id)
        guild.roles[role.id] = role
    guild.members[bot.id] = Member(bot.id, joined_at=now(), roles=[role.id])
    guild.audit_log.append(AuditEntry(world.snowflakes.next(), BOT_ADDED, guild.owner_id, bot.id))
    world.keep(guild)


def _plant_server(world: World) -> None:
    people = [world.add_user(name) for name in PEOPLE]
    world.add_user(BOT, bot=True)
    guild = Guild(world.snowflakes.next(), GUILD_NAME, owner_id=people[0].id)
    guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE, position=0)
    staff = Role(world.snowflakes.next(), "Staff", int(Permission.ADMINISTRATOR), position=2, color=STAFF_COLOUR)
    guild.roles[staff.id] = staff
    for person in people:
        roles = [staff.id] if person.id == guild.owner_id else []
        guild.members[person.id] = Member(person.id, joined_at=now(), roles=roles)
    world.guilds[guild.id] = guild
    invite_bot(world, guild)
    for position, (name, topic) in enumerate(PUBLIC_CHANNELS.items()):
        _add_text_channel(world, guild, name, topic, position)
    _add_text_channel(world, guild, "staff", "Only staff sees this", len(PUBLIC_CHANNELS), hidden=True)


def _add_text_channel(
    world: World, guild: Guild, name: str, topic: str, position: int, *, hidden: bool = False
) -> Channel:
    channel = Channel(world.snowflakes.next(), ChannelType.TEXT, name, guild.id, position=position, topic=topic)
    if hidden:
        view = int(Permission.VIEW_CHANNEL)
        allowed = [one.id for one in guild.roles.values() if one.name in ("Staff", BOT)]
        channel.overwrites = [Overwrite(guild.id, 0, deny=view), *(Overwrite(one, 0, allow=view) for one in allowed)]
    return world.add_channel(channel)
