"""Buttons, menus and the form of a panel. They do not know what a press leads to: that is handed to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import discord

from bot.orphans import PANEL
from bot.panel.session import LIFETIME_S, PanelView, Session, Work, tell_failure
from bot.settings.values import Kind, Option, Spec, Value

OTHER = "other"
MOST_OPTIONS = 25
_LONGEST_LABEL = 100
TEXT_CHANNELS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
]
"""Channels in which people write."""

Picked = Callable[[discord.Interaction, str], Awaitable[None]]
PickedId = Callable[[discord.Interaction, int], Awaitable[None]]
PickedRoles = Callable[[discord.Interaction, list[int]], Awaitable[None]]
Typed = Callable[[discord.Interaction, str], Awaitable[None]]


class Press(discord.ui.Button[PanelView]):
    """A button that leads to another page."""

    def __init__(
        self,
        session: Session,
        label: str,
        work: Work,
        *,
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
        disabled: bool = False,
    ) -> None:
        super().__init__(label=label[:80], style=style, disabled=disabled, custom_id=f"{PANEL}{uuid4().hex}")
        self._session = session
        self._work = work

    async def callback(self, interaction: discord.Interaction) -> None:
        await self._session.go(interaction, self._work)


class Pick(discord.ui.Select[PanelView]):
    """A menu of which one thing is picked."""

    def __init__(self, name: str, placeholder: str, options: Sequence[discord.SelectOption], picked: Picked) -> None:
        super().__init__(custom_id=f"{PANEL}{name}", placeholder=placeholder, options=list(options)[:MOST_OPTIONS])
        self._picked = picked

    async def callback(self, interaction: discord.Interaction) -> None:
        await self._picked(interaction, self.values[0])


class PickChannel(discord.ui.ChannelSelect[PanelView]):
    """A menu of the server's channels."""

    def __init__(self, placeholder: str, picked: PickedId) -> None:
        super().__init__(custom_id=f"{PANEL}channel", placeholder=placeholder, channel_types=TEXT_CHANNELS)
        self._picked = picked

    async def callback(self, interaction: discord.Interaction) -> None:
        await self._picked(interaction, self.values[0].id)


class PickRole(discord.ui.RoleSelect[PanelView]):
    """A menu of the server's roles, of which one is picked."""

    def __init__(self, placeholder: str, picked: PickedId) -> None:
        super().__init__(custom_id=f"{PANEL}role", placeholder=placeholder)
        self._picked = picked

    async def callback(self, interaction: discord.Interaction) -> None:
        await self._picked(interaction, self.values[0].id)


class PickRoles(discord.ui.RoleSelect[PanelView]):
    """A menu of the server's roles, of which any number are picked; those that are chosen already are marked."""

    def __init__(self, now: Sequence[int], picked: PickedRoles) -> None:
        marked = [discord.SelectDefaultValue(id=one, type=discord.SelectDefaultValueType.role) for one in now]
        super().__init__(
            custom_id=f"{PANEL}roles",
            placeholder="Everybody, or choose roles",
            min_values=0,
            max_values=MOST_OPTIONS,
            default_values=marked,
        )
        self._picked = picked

    async def callback(self, interaction: discord.Interaction) -> None:
        await self._picked(interaction, [role.id for role in self.values])


class Form(discord.ui.Modal):
    """A form of one line, or of a few for a text."""

    def __init__(self, spec: Spec, now: Value, typed: Typed) -> None:
        # without a custom id discord.py draws one: by a shared one it would hand what somebody typed to the form that
        # was opened last, which may be of another person's panel, about another server
        super().__init__(title=spec.title[:45], timeout=LIFETIME_S)
        is_text = spec.kind is Kind.TEXT and spec.longest > _LONGEST_LABEL
        self._typed = typed
        self._input: discord.ui.TextInput[Form] = discord.ui.TextInput(
            custom_id="value",
            default=str(now)[: spec.longest or None] if now else None,
            style=discord.TextStyle.paragraph if is_text else discord.TextStyle.short,
            max_length=spec.longest or 20,
            placeholder=_hint(spec),
        )
        self.add_item(discord.ui.Label(text=_label(spec), component=self._input))

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Somebody filled it in."""
        await self._typed(interaction, self._input.value)

    async def on_error(self, interaction: discord.Interaction, error: Exception, /) -> None:  # type: ignore[override]
        """The edge: whatever a form did not explain itself."""
        await tell_failure(interaction, error, type(self).__name__)


def options_of(spec: Spec, offered: Sequence[Option], now: Value) -> list[discord.SelectOption]:
    """A menu of values, the one that holds marked. Their places are their names; OTHER stands for one that is typed."""
    found = [
        discord.SelectOption(
            label=option.label[:_LONGEST_LABEL],
            value=str(index),
            description=option.hint[:_LONGEST_LABEL] or None,
            default=option.value == now and type(option.value) is type(now),
        )
        for index, option in enumerate(offered[: MOST_OPTIONS - 1])
    ]
    if spec.kind in (Kind.NUMBER, Kind.TEXT):
        own = not any(option.default for option in found)
        label = f"Something else: {spec.shown(now)}" if own else "Something else…"
        hint = "Pick “Something else” to type it"
        found.append(discord.SelectOption(label=label[:_LONGEST_LABEL], value=OTHER, description=hint))
    return found


def _label(spec: Spec) -> str:
    return f"{spec.title} ({spec.unit})"[:45] if spec.unit else spec.title[:45]


def _hint(spec: Spec) -> str:
    if spec.kind is Kind.NUMBER:
        return f"{spec.least:,} to {spec.most:,}"
    return f"At most {spec.longest:,} characters"
