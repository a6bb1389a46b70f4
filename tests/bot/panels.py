"""A manager who clicks through the panel of /settings on the simulated Discord."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import discord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, RoleHandle
from simcord.results import InteractionResult

from tests.bot.conftest import World


@dataclass
class Manager:
    """Somebody with Manage Server, and the panel that they have open."""

    world: World
    person: MemberActor
    clicks: list[InteractionResult] = field(default_factory=list)
    shown: Any = None

    async def open(self, channel: ChannelHandle | None = None) -> str:
        """Give /settings; what the panel says."""
        result = await self.person.slash(channel or self.world.channel, "settings")
        assert result.ephemeral and result.response is not None
        self.shown = result.response
        return self._saw(result)

    async def press(self, label: str) -> str:
        """Press a button; what the panel says then."""
        return self._saw(await self.person.click(self.shown, label=label))

    async def pick(self, menu: str, *values: str | ChannelHandle | RoleHandle) -> str:
        """Choose in a menu; what the panel says then."""
        return self._saw(await self.person.select(self.shown, values, custom_id=f"panel:{menu}"))

    async def change(self, name: str, label: str) -> str:
        """Choose an option by its words, from an overview to the next one."""
        await self.pick("what", name)
        return await self.pick("value", self.option(label))

    async def type(self, name: str, text: str) -> str:
        """Type a value into the form, from an overview to the next page."""
        return self._saw(await self.person.submit_modal(await self.form(name), {"value": text}))

    async def form(self, name: str) -> InteractionResult:
        """Open the form for a value, from an overview."""
        await self.pick("what", name)
        form = await self.person.select(self.shown, ["other"], custom_id="panel:value")
        self.clicks.append(form)
        return form

    def option(self, label: str) -> str:
        """The value of the option that reads so in the menu of values."""
        return next(option["value"] for option in self.menu("value")["options"] if option["label"] == label)

    def menu(self, name: str) -> dict[str, Any]:
        """A menu as it is shown."""
        found = [item for item in self.components() if item.get("custom_id") == f"panel:{name}"]
        return found[0]

    def button(self, label: str) -> dict[str, Any]:
        """A button as it is shown."""
        return next(item for item in self.components() if item.get("label") == label)

    def components(self) -> list[dict[str, Any]]:
        """All buttons and menus."""
        return [item for row in self.shown.components for item in row["components"]]

    @property
    def text(self) -> str:
        """What the panel says, its title first."""
        if not self.shown.embeds:
            return str(self.shown.content)
        embed = self.shown.embeds[0]
        return f"{embed.title}\n{embed.description}"

    def _saw(self, result: InteractionResult) -> str:
        assert result.acknowledged
        self.clicks.append(result)
        return self.text


def manager(world: World, name: str = "Mira") -> Manager:
    """A new member who manages the server."""
    role = world.guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    return Manager(world, world.guild.add_member(world.env.create_user(name), roles=[role]))
