"""The pages of the panel: the overview of a place, one thing that can be chosen there, and who changed what.

Each is made anew from what holds at that moment. It does not know what a setting does.
"""

from __future__ import annotations

import discord

from bot.errors import explain
from bot.panel import storing
from bot.panel.controls import OTHER, Form, Pick, PickChannel, PickedId, PickRole, PickRoles, Press, options_of
from bot.panel.session import DONE, Page, PanelView, Session
from bot.panel.wording import FOOTER, Wording
from bot.settings import catalogue
from bot.settings.resolving import Where, held
from bot.settings.values import BadValue, Kind, Option, Spec, Value
from llm.errors import LLMError
from storage.settings import Place, Scope

PER_PAGE = 10
"""Changes on one page of the log."""
AT_ONCE = "What you choose holds at once."


async def overview(session: Session) -> Page:
    """What holds in the place that the panel is about, and ways to everything else."""
    here, words = session.here, Wording(session.guild)
    chosen = await session.desk.rulebook.chosen(session.guild.id)
    view = PanelView(session)
    view.add_item(_specs(session))
    view.add_item(PickChannel("Only for one channel…", _elsewhere(session, Scope.CHANNEL)))
    view.add_item(PickRole("Only for people with one role…", _elsewhere(session, Scope.ROLE)))
    whole = Place(session.guild.id)
    view.add_item(Press(session, "Whole server", lambda _: _at(session, whole), disabled=here == whole))
    view.add_item(Press(session, "Who changed what", lambda _: changes(session)))
    view.add_item(Press(session, "Done", _done))
    text = words.overview(here, chosen, session.desk.rulebook.defaults)
    return Page(_embed(session, words, text, FOOTER), view)


async def one(session: Session, spec: Spec) -> Page:
    """One thing that can be chosen here."""
    words, defaults = Wording(session.guild), session.desk.rulebook.defaults
    chosen = await session.desk.rulebook.chosen(session.guild.id)
    now = held(spec, Where.of(session.here), chosen, defaults)
    view = PanelView(session)
    if isinstance(now.value, list):
        view.add_item(_roles(session, spec, now.value))
    else:
        view.add_item(_values(session, spec, await _offered(session, spec), now.value))
    view.add_item(Press(session, "Back", lambda _: overview(session)))
    is_kept = spec is catalogue.STORE and session.here.scope is Scope.CHANNEL
    extra = storing.add_progress(session, view, lambda _: one(session, spec)) if is_kept else ""
    is_chosen = now.source == session.here
    view.add_item(
        Press(
            session,
            "Take my choice back",
            lambda pressed: _choose(session, pressed, spec, None),
            disabled=not is_chosen,
        )
    )
    text = f"**{spec.title}**\n{words.one(spec, session.here, chosen, defaults)}"
    return Page(_embed(session, words, f"{text}\n\n{extra}" if extra else text, AT_ONCE), view)


async def changes(session: Session, page: int = 0) -> Page:
    """Who changed what, the newest first."""
    words = Wording(session.guild)
    found = await session.desk.rulebook.changes(session.guild.id, PER_PAGE + 1, page * PER_PAGE)
    view = PanelView(session)
    view.add_item(Press(session, "Back", lambda _: overview(session)))
    view.add_item(Press(session, "Newer", lambda _: changes(session, page - 1), disabled=page == 0))
    is_last = len(found) <= PER_PAGE
    view.add_item(Press(session, "Older", lambda _: changes(session, page + 1), disabled=is_last))
    text = f"**Who changed what**\n{words.log(found[:PER_PAGE])}"
    return Page(_embed(session, words, text, "The newest first; kept for a year."), view)


async def _done(pressed: discord.Interaction) -> Page:
    return Page(None, None, DONE)


async def _at(session: Session, place: Place) -> Page:
    session.here = place
    return await overview(session)


async def _choose(session: Session, interaction: discord.Interaction, spec: Spec, value: Value | None) -> Page:
    if spec is catalogue.STORE and await storing.ends(session, value):
        return await storing.switch_off(session, value, lambda _: overview(session))
    days = await session.desk.notices.days(session.guild.id)
    await session.choose(interaction, spec, value)
    if spec is catalogue.RETENTION_DAYS:
        await session.desk.notices.changed(session.guild, days)
    if spec is catalogue.STORE:
        await storing.opted_out(session)
    return await overview(session)


def _specs(session: Session) -> Pick:
    """The menu of what can be chosen here."""
    options = [
        discord.SelectOption(label=spec.title, value=spec.name, description=spec.says[:100])
        for spec in catalogue.for_scope(session.here.scope)
    ]

    async def picked(interaction: discord.Interaction, name: str) -> None:
        await session.go(interaction, lambda _: one(session, catalogue.BY_NAME[name]))

    return Pick("what", "What do you want to change?", options, picked)


def _elsewhere(session: Session, scope: Scope) -> PickedId:
    async def picked(interaction: discord.Interaction, target_id: int) -> None:
        await session.go(interaction, lambda _: _at(session, Place(session.guild.id, scope, target_id)))

    return picked


def _roles(session: Session, spec: Spec, now: list[int]) -> PickRoles:
    async def picked(interaction: discord.Interaction, roles: list[int]) -> None:
        await session.go(interaction, lambda pressed: _choose(session, pressed, spec, roles))

    return PickRoles(now, picked)


def _values(session: Session, spec: Spec, offered: list[Option], now: Value) -> Pick:
    """The menu of values; what is not in it is typed into a form."""

    async def picked(interaction: discord.Interaction, name: str) -> None:
        if name == OTHER:
            await interaction.response.send_modal(Form(spec, now, typed))
            return
        value = offered[int(name)].value
        if spec is catalogue.STORE and value == "everything":
            await session.go(interaction, lambda _: storing.opt_in(session, lambda _: overview(session)))
            return
        await session.go(interaction, lambda pressed: _choose(session, pressed, spec, value))

    async def typed(interaction: discord.Interaction, text: str) -> None:
        await session.go(interaction, lambda filled: _typed(session, filled, spec, text))

    return Pick("value", "Choose…", options_of(spec, offered, now), picked)


async def _typed(session: Session, interaction: discord.Interaction, spec: Spec, text: str) -> Page:
    """A value that was typed; one that cannot be leads back to where it was asked for, with the reason."""
    try:
        value = spec.typed(text)
    except BadValue as bad:
        session.remark = f"⚠️ {bad}"
        return await one(session, spec)
    return await _choose(session, interaction, spec, value)


async def _offered(session: Session, spec: Spec) -> list[Option]:
    """What is offered; of models those that the engine serves right now."""
    if spec.kind is not Kind.MODEL:
        return [option for option in spec.options if session.here.scope in (option.scopes or spec.scopes)]
    try:
        served = await session.desk.llm.chat_models()
    except LLMError as error:
        session.remark = f"⚠️ I cannot see which models there are. {explain(error).sentence}"
        return list(spec.options)
    return [*spec.options, *(Option(model.id, model.id, f"reads {model.max_model_len:,} tokens") for model in served)]


def _embed(session: Session, words: Wording, text: str, footer: str) -> discord.Embed:
    remark = session.take_remark()
    head = "Settings for {}" if session.here.scope is Scope.ROLE else "Settings of {}"
    embed = discord.Embed(title=head.format(words.place(session.here)))
    embed.description = f"{remark}\n\n{text}" if remark else text
    return embed.set_footer(text=footer)
