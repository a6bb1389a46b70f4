"""The set-up message: who gets it, who never does, and its three buttons."""

from __future__ import annotations

from dataclasses import dataclass

import discord
import pytest
from simcord import Env
from simcord.backend import serializers
from simcord.backend.models import Overwrite, Role
from simcord.builders import ChannelHandle, GuildHandle, UserHandle
from simcord.enums import OverwriteType

from tests.bot.conftest import Bot
from tests.fakes import ScriptedEngine, reply

BOT_ADD = 28
"""Discord's audit log action."""
THANKS = "Thank you for adding Steward to"


@dataclass
class Joined:
    """A server with a public channel and a staff channel, and the person who added Steward to it."""

    env: Env
    guild: GuildHandle
    adder: UserHandle
    public: ChannelHandle
    staff: ChannelHandle

    def told(self, channel: ChannelHandle) -> list[discord.Message]:
        assert self.env.bot.user is not None
        return [message for message in channel.history() if message.author.id == self.env.bot.user.id]

    @property
    def own_role(self) -> Role:
        return next(role for role in self.env.backend.get_guild(self.guild.id).roles.values() if role.managed)

    def let_in(self, target_id: int, kind: OverwriteType) -> None:
        """Somebody may see the staff channel."""
        seeing = discord.Permissions(view_channel=True).value
        self.env.backend.set_overwrite(self.staff.id, Overwrite(target_id=target_id, type=kind, allow=seeing, deny=0))

    def take(self, permission: str) -> None:
        """Steward's role loses a permission."""
        role = self.own_role
        without = discord.Permissions(role.permissions)
        setattr(without, permission, False)
        self.env.backend.edit_role(self.guild.id, role.id, {"permissions": without.value})

    def refuse_private(self, person: UserHandle) -> None:
        self.env.inject_error("POST", f"/channels/{person.dm_channel.id}/messages", status=403, code=50007, times=None)


@pytest.fixture
def joined(simcord_env: Env) -> Joined:
    """Steward was added this very moment: it sees the server when the test lets the loop run."""
    guild = simcord_env.create_guild("Garden")
    adder = simcord_env.create_user("Adder")
    mods = guild.create_role("Mods", permissions=discord.Permissions(kick_members=True))
    guild.add_member(adder, roles=[mods])
    backend = simcord_env.backend
    backend.record_audit_log(guild.id, BOT_ADD, target_id=backend.bot_user.id, user_id=adder.id)
    public = guild.create_text_channel("general")
    staff = guild.create_text_channel(
        "staff",
        overwrites={
            guild.default_role: discord.PermissionOverwrite(view_channel=False),
            mods: discord.PermissionOverwrite(view_channel=True),
        },
    )
    made = Joined(simcord_env, guild, adder, public, staff)
    made.let_in(made.own_role.id, OverwriteType.ROLE)
    return made


class TestWhoGetsIt:
    async def test_whoever_added_it_in_private(self, joined: Joined) -> None:
        await joined.env.settle()
        (message,) = joined.told(joined.adder.dm_channel)
        assert f"{THANKS} Garden" in message.content and "own machine" in message.content
        buttons = [item for row in message.components for item in row.children]  # type: ignore[union-attr]
        assert [button.label for button in buttons] == ["Try it", "Who may use it", "Check my set-up"]
        assert joined.told(joined.public) == joined.told(joined.staff) == []

    async def test_the_staff_channel_where_private_messages_are_off(self, joined: Joined) -> None:
        joined.refuse_private(joined.adder)
        await joined.env.settle()
        assert len(joined.told(joined.staff)) == 1
        assert joined.told(joined.public) == []

    async def test_the_staff_channel_where_the_audit_log_is_closed(self, joined: Joined) -> None:
        joined.take("view_audit_log")
        await joined.env.settle()
        assert len(joined.told(joined.staff)) == 1
        assert joined.told(joined.adder.dm_channel) == joined.told(joined.public) == []

    async def test_a_private_channel_that_others_see_is_not_for_staff(self, joined: Joined) -> None:
        joined.refuse_private(joined.adder)
        club = joined.guild.create_role("Club")
        joined.let_in(club.id, OverwriteType.ROLE)
        await joined.env.settle()
        assert joined.told(joined.staff) == joined.told(joined.public) == []
        assert len(joined.told(joined.guild.owner.dm_channel)) == 1

    async def test_a_ticket_of_one_member_is_not_for_staff(self, joined: Joined) -> None:
        joined.refuse_private(joined.adder)
        member = joined.guild.add_member(joined.env.create_user("Member"))
        joined.let_in(member.id, OverwriteType.MEMBER)
        await joined.env.settle()
        assert joined.told(joined.staff) == joined.told(joined.public) == []

    async def test_never_a_public_channel_even_when_nobody_can_be_reached(self, joined: Joined) -> None:
        joined.take("view_audit_log")
        joined.refuse_private(joined.guild.owner)
        joined.env.inject_error("POST", f"/channels/{joined.staff.id}/messages", status=403, code=50013, times=None)
        await joined.env.settle()
        assert joined.told(joined.public) == []

    async def test_once_only(self, joined: Joined, bot: Bot) -> None:
        await joined.env.settle()
        await joined.env.restart_bot(bot.client())
        assert len(joined.told(joined.adder.dm_channel)) == 1

    async def test_again_when_it_is_added_again(self, joined: Joined) -> None:
        await joined.env.settle()
        backend = joined.env.backend
        payload = dict(serializers.guild_create_payload(backend, backend.get_guild(joined.guild.id)))
        del payload["unavailable"]  # that is how Discord says that the server is new to Steward
        backend.emit("GUILD_CREATE", payload)
        await joined.env.settle()
        assert len(joined.told(joined.adder.dm_channel)) == 2


class TestItsButtons:
    async def press(self, joined: Joined, label: str) -> str:
        (message,) = joined.told(joined.adder.dm_channel)
        result = await joined.adder.click(message, label=label)
        assert result.ephemeral and result.response is not None
        return str(result.response.content)

    async def test_try_it_asks_the_model(self, joined: Joined, engine: ScriptedEngine) -> None:
        engine.enqueue(reply("I am @everyone's Steward."))
        await joined.env.settle()
        told = await self.press(joined, "Try it")
        assert "I am @\u200beveryone's Steward." in told and "answered in" in told
        assert engine.requests[0].texts[-1].startswith("Adder: Hello!")

    async def test_try_it_says_when_the_model_is_away(self, joined: Joined, engine: ScriptedEngine) -> None:
        await joined.env.settle()
        await engine.stop()
        assert "not running right now" in await self.press(joined, "Try it")

    async def test_who_may_use_it(self, joined: Joined) -> None:
        await joined.env.settle()
        told = await self.press(joined, "Who may use it")
        assert "12 times a minute" in told and "Private messages: off" in told and "[bot] guilds" in told

    async def test_check_my_set_up(self, joined: Joined) -> None:
        await joined.env.settle()
        told = await self.press(joined, "Check my set-up")
        assert "✅ Permissions: all I need in 2 channels" in told
        assert "✅ Language model: scripted, with a context of 2,048 tokens" in told
        assert "✅ Database: answers" in told
        assert "My application is public" in told

    async def test_check_names_what_is_wrong(self, joined: Joined, engine: ScriptedEngine) -> None:
        silent = discord.Permissions(embed_links=True).value
        joined.env.backend.set_overwrite(
            joined.public.id, Overwrite(target_id=joined.own_role.id, type=OverwriteType.ROLE, allow=0, deny=silent)
        )
        hidden = {joined.guild.default_role: discord.PermissionOverwrite(view_channel=False)}
        joined.guild.create_text_channel("vault", overwrites=hidden)
        await joined.env.settle()
        engine.health = {"status": "loading", "reason": "reading weights", "progress": 0.5}
        told = await self.press(joined, "Check my set-up")
        assert f"⚠️ I lack *Embed Links* in {joined.public.mention}\n" in told
        assert "I cannot see" in told
        assert "loading: reading weights" in told
        await engine.stop()
        assert "❌ The language model is unreachable" in await self.press(joined, "Check my set-up")

    async def test_they_work_after_a_restart(self, joined: Joined, bot: Bot) -> None:
        await joined.env.settle()
        await joined.env.restart_bot(bot.client())
        assert "✅ Database" in await self.press(joined, "Check my set-up")

    async def test_a_server_that_was_left(self, joined: Joined) -> None:
        await joined.env.settle()
        joined.env.backend.remove_guild(joined.guild.id)
        await joined.env.settle()
        assert "no longer in that server" in await self.press(joined, "Check my set-up")
