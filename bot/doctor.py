"""`steward doctor`: looks at what must be right and says for each finding how to mend it. Changes nothing."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import discord
from rich.console import Console
from rich.markup import escape

from bot import invite
from bot.app import database_for, engine_for
from bot.config import Secrets, Settings
from bot.whereabouts import host_of, whereabouts
from llm.client import LLMClient
from llm.errors import LLMError
from llm.types import ChatMessage
from storage.database import Database
from storage.errors import StorageError

PORTAL = "https://discord.com/developers/applications"
Level = Literal["ok", "warning", "problem"]
KEY_MEND = "Is the key in STEWARD_WORKER_TOKEN (.env)? Are [llm] base_url and model right? See docs/engines.md."
MARKS: dict[Level, str] = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "problem": "[red]✗[/red]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mend` says what to do and is empty where all is well."""

    level: Level
    subject: str
    text: str
    mend: str = ""


async def examine(settings: Settings, secrets: Secrets) -> list[Finding]:
    """Everything, in the order in which a person would mend it."""
    findings = await token_findings(secrets)
    async with engine_for(settings, secrets) as engine:
        findings += await engine_findings(engine, settings)
    findings += await _database(settings, secrets)
    if settings.llm.base_url is None:
        findings.append(await port_finding("worker", settings.worker.host, settings.worker.port, "worker.port"))
    if secrets.discord_token is None:
        page = settings.playground
        findings.append(await port_finding("playground", page.host, page.port, "playground.port"))
    return findings


async def token_findings(secrets: Secrets) -> list[Finding]:
    """Token, application and, per server, what Steward may not do where."""
    if secrets.discord_token is None:
        return [
            Finding(
                "warning",
                "token",
                "DISCORD_TOKEN is not set: `steward run` opens the playground instead of Discord.",
                f"For a real server: copy the token from the Bot page at {PORTAL} into .env.",
            )
        ]
    try:
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(secrets.discord_token.get_secret_value())
            found = [Finding("ok", "token", f"Discord knows this token; it belongs to {client.user}.")]
            found += application_findings(await client.application_info())
            async for guild in client.fetch_guilds(limit=None):
                found += await guild_findings(client, guild.id)
            return found
    except discord.LoginFailure:
        return [Finding("problem", "token", "Discord refused the token.", f"Copy a fresh one from {PORTAL}, page Bot.")]
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        return [Finding("problem", "token", f"Discord could not be asked: {error}", "Is this machine online?")]


def application_findings(application: discord.AppInfo) -> list[Finding]:
    """Intents, and whether strangers can add this Steward to their servers."""
    flags = application.flags
    content = flags.gateway_message_content or flags.gateway_message_content_limited
    findings = [
        Finding("ok", "intents", "The Message Content intent is on.")
        if content
        else Finding(
            "problem",
            "intents",
            "The Message Content intent is off: Steward cannot read what people ask.",
            f"Switch it on at {PORTAL}, page Bot, Privileged Gateway Intents.",
        )
    ]
    if application.bot_public:
        findings.append(
            Finding(
                "warning",
                "application",
                "The application is public: anybody can add your Steward to their server.",
                f"Switch Public Bot off at {PORTAL}, page Bot; Steward leaves servers that it does not serve anyway.",
            )
        )
    link = invite.invite_link(application.id)
    findings.append(Finding("ok", "invite", f"This link adds Steward to a server: {link}"))
    return findings


async def guild_findings(client: discord.Client, guild_id: int) -> list[Finding]:
    """What Steward lacks in the channels of one server, and whether `/mirror` would work there."""
    assert client.user is not None
    guild = await client.fetch_guild(guild_id)
    me = await guild.fetch_member(client.user.id)
    channels = [channel for channel in await guild.fetch_channels() if isinstance(channel, discord.TextChannel)]
    return [_permission_finding(guild.name, channels, me), mirror_finding(guild.name, channels, me)]


def _permission_finding(guild: str, channels: Sequence[discord.TextChannel], me: discord.Member) -> Finding:
    lacking = lacking_permissions(channels, me)
    if not lacking:
        return Finding("ok", guild, f"Steward may do all it needs in {len(channels)} text channels.")
    text = "; ".join(f"{permission}: not in {_channel_list(names)}" for permission, names in lacking.items())
    return Finding(
        "warning",
        guild,
        text,
        "Server Settings → Roles → Steward, or the permissions of those channels. Ignore channels that are none of "
        "its business.",
    )


def mirror_finding(guild: str, channels: Sequence[discord.TextChannel], me: discord.Member) -> Finding:
    """Where channels can be mirrored; no server needs that, so it is never a problem."""
    rights = [(channel.name, channel.permissions_for(me)) for channel in channels]
    able = [name for name, may in rights if may.manage_webhooks and may.read_message_history]
    if not able:
        return Finding(
            "ok",
            f"{guild}, mirrors",
            "Steward may not manage webhooks and read the message history in any channel: only `/mirror` needs "
            "both, in both of its channels.",
            "To mirror channels: give its role Manage Webhooks and Read Message History there.",
        )
    return Finding("ok", f"{guild}, mirrors", f"`/mirror` works between these channels: {_channel_list(able)}.")


def lacking_permissions(channels: Sequence[discord.TextChannel], me: discord.Member) -> dict[str, list[str]]:
    """Permission name → the channels in which Steward lacks it."""
    lacking: dict[str, list[str]] = defaultdict(list)
    for channel in channels:
        for permission in invite.missing(channel.permissions_for(me)):
            lacking[permission].append(channel.name)
    return dict(lacking)


async def engine_findings(engine: LLMClient, settings: Settings) -> list[Finding]:
    """Whether the engine answers, which model it serves, and what its place means for members' words."""
    return [*await _engine_health(engine, settings), *place_findings(settings)]


async def _engine_health(engine: LLMClient, settings: Settings) -> list[Finding]:
    health = await engine.health()
    own = settings.llm.base_url is None
    if health.status == "ready":
        return await _served(engine, settings)
    if health.status == "loading":
        return [Finding("warning", "engine", f"Still loading: {health.reason}", "Wait, then look again.")]
    if health.status == "refused":
        return [Finding("problem", "engine", f"It refuses us: {health.reason}", KEY_MEND)]
    if own and health.status == "unreachable":
        return [Finding("ok", "engine", "No worker runs now; `steward run` starts one.")]
    mend = "Look at the worker's messages." if own else f"Does {settings.llm.base_url} run? Is [llm] base_url right?"
    return [Finding("problem", "engine", f"{health.status}: {health.reason}", mend)]


async def _served(engine: LLMClient, settings: Settings) -> list[Finding]:
    """The model, how its tokens are counted, and whether somebody chose it."""
    try:
        model = await engine.model()
        counted = await engine.count_tokens([ChatMessage("user", "Hello")])
        listed = await engine.models()
    except LLMError as error:
        return [Finding("problem", "engine", str(error), KEY_MEND)]
    estimated = "" if counted.exact else " It cannot count tokens: lengths are estimated, and answers then say “about”."
    text = f"Serves {model.id} with a context of {counted.max_model_len:,} tokens.{estimated}"
    findings = [Finding("ok", "engine", text)]
    if model.ignored:
        asked = f"{model.id} was made for {', '.join(model.ignored)}, which the worker's engine does not have."
        mend = (
            "If its answers repeat themselves: another model, or an engine that has it, such as vLLM ([llm] base_url)."
        )
        findings.append(Finding("warning", "model", asked, mend))
    if settings.llm.model is None and len(listed) > 1 and settings.llm.base_url is not None:
        mend = f"Set [llm] model, for example to {listed[1]}; or leave it, if {model.id} is the one."
        findings.append(Finding("warning", "model", f"The engine lists {len(listed)}; the first one is used.", mend))
    return findings


def place_findings(settings: Settings) -> list[Finding]:
    """Nothing about engines at home; where members' words leave the owner's network, that is said."""
    urls = dict.fromkeys(url for url in (settings.llm.base_url, settings.llm.tasks_url) if url)
    findings = []
    for url in urls:
        if whereabouts(url) == "elsewhere":
            host = host_of(url)
            findings.append(Finding("ok", "privacy", f"What members ask is sent to {host}; /help tells them so."))
            if urlsplit(url).scheme == "http":
                text = f"Members' words and the key travel to {host} unencrypted."
                findings.append(Finding("problem", "privacy", text, "Use its https:// address."))
    return findings


async def _database(settings: Settings, secrets: Secrets) -> list[Finding]:
    try:
        async with database_for(settings, secrets) as database:
            return await database_findings(database)
    except StorageError as error:
        return [Finding("problem", "database", str(error), "See [storage] url and STEWARD_DATABASE_URL.")]


async def database_findings(database: Database) -> list[Finding]:
    """Whether the database is sound, current, and how much it holds."""
    report = await database.check()
    rows = ", ".join(f"{count:,} {table}" for table, count in report.rows.items())
    if report.problems:
        return [
            Finding("problem", "database", problem, "Restore it from a backup; `steward db check` looks again.")
            for problem in report.problems
        ]
    current, head = report.revision
    if current != head:
        text = f"At revision {current}, this version needs {head}." if current else "Empty."
        return [Finding("warning", "database", text, "steward db upgrade (`steward run` does it for SQLite).")]
    return [Finding("ok", "database", f"Sound, at revision {current}: {rows}.")]


async def port_finding(what: str, host: str, port: int, setting: str) -> Finding:
    """Whether a port is free, or held by the Steward process that belongs there."""
    if await asyncio.to_thread(_is_free, host, port):
        return Finding("ok", f"port {port}", f"Free for the {what}.")
    if await _is_ours(f"http://{host}:{port}/health"):
        return Finding("ok", f"port {port}", f"The {what} runs there.")
    return Finding(
        "problem",
        f"port {port}",
        f"Another program holds the port of the {what}.",
        f"End that program, or set another {setting} in steward.toml.",
    )


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


async def _is_ours(url: str) -> bool:
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as session, session.get(url) as answer:
            return "status" in await answer.json()
    except (aiohttp.ClientError, ValueError, TimeoutError):
        return False


def _channel_list(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(f"#{name}" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def print_findings(findings: Sequence[Finding], console: Console) -> int:
    """Prints the findings; the exit status is 1 when there is a problem."""
    for finding in findings:
        console.print(f"{MARKS[finding.level]} [bold]{escape(finding.subject)}[/bold]  {escape(finding.text)}")
        if finding.mend:
            console.print(f"    → {escape(finding.mend)}")
    return int(any(finding.level == "problem" for finding in findings))
