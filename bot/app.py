"""The composition root: opens database, engine and Discord, hands them to constructors, and closes them in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import aiohttp
import discord
import structlog
import yarl

from bot.client import StewardClient
from bot.config import Secrets, Settings
from bot.errands import Errands
from bot.housekeeping import keep_house
from bot.keeping import worker_supervisor
from bot.lookup.indexing import Indexing
from bot.processes import playground_command, playground_url, worker_url
from bot.settings.defaults import defaults
from bot.settings.rulebook import Rulebook
from bot.supervisor import Backoff, ChildGaveUp, Supervisor
from llm.client import LLMClient
from llm.tasks_client import TasksClient
from storage.database import Database
from storage.search import Search
from storage.settings import GuildSettings

log = structlog.get_logger()

PLAYGROUND_TOKEN = "playground"
"""The playground takes any bot token; there is only one bot in it."""
PLAYGROUND_START_S = 60.0
GATEWAY_BACKOFF = Backoff(first_s=2.0, longest_s=300.0, healthy_s=120.0, attempts=20)


class StartError(Exception):
    """Steward cannot go on; the text says why and what to do."""


async def run_everything(settings: Settings, secrets: Secrets) -> None:
    """Worker, bot, and the playground where there is no token, until something fails for good or a signal comes."""
    page = None if secrets.discord_token else playground_url(settings.playground)
    children = [Supervisor("playground", playground_command(settings.playground))] if page else []
    if settings.llm.base_url is None:
        children.append(worker_supervisor(settings.worker, settings.tasks))
    try:
        async with _ends_on_signals(), asyncio.TaskGroup() as group:
            for child in children:
                group.create_task(child.run())
            if page:
                await _answers(f"{page}/health")
            await run_bot(settings, secrets, page)
    except* (ChildGaveUp, StartError) as errors:
        raise StartError("\n".join(str(error) for error in errors.exceptions)) from None


async def run_bot_alone(settings: Settings, secrets: Secrets, playground: str | None) -> None:
    """The bot, connected to Discord or to a playground that runs already; so does the engine it talks to."""
    if secrets.discord_token is None and playground is None:
        raise StartError(
            "DISCORD_TOKEN is not set. Put it into .env (see .env.example), name a playground with --playground, "
            "or use `steward run`, which starts one."
        )
    async with _ends_on_signals():
        await run_bot(settings, secrets, playground)


async def run_bot(settings: Settings, secrets: Secrets, playground: str | None) -> None:
    """Opens the bot's parts and keeps the gateway connected until cancelled. Raises StartError and StorageError."""
    configure_logging(settings.bot.log_level)
    token = PLAYGROUND_TOKEN
    if playground:
        point_discord_at(playground)
    elif secrets.discord_token:
        token = secrets.discord_token.get_secret_value()
    async with (
        database_for(settings, secrets, in_playground=playground is not None) as database,
        engine_for(settings, secrets) as engine,
        task_models_for(settings, secrets) as tasks,
    ):
        await prepare(database)

        def client() -> StewardClient:
            return StewardClient(
                settings=settings,
                llm=engine,
                database=database,
                in_playground=playground is not None,
                tasks=tasks,
            )

        leave_out_of_collections()
        errands = Errands()
        errands.run(keep_house(database, settings.storage), "housekeeping")
        rulebook = Rulebook(GuildSettings(database), defaults(settings, in_playground=playground is not None))
        errands.run(Indexing(Search(database), rulebook, tasks).keep(), "search index")
        try:
            await keep_connected(client, token, GATEWAY_BACKOFF)
        finally:
            await errands.close()


def database_for(settings: Settings, secrets: Secrets, *, in_playground: bool | None = None) -> Database:
    """The database that the settings name, not yet opened; the playground has one of its own unless a URL was given."""
    if secrets.database_url:
        return Database(secrets.database_url.get_secret_value())
    if in_playground is None:
        in_playground = secrets.discord_token is None
    if in_playground and "url" not in settings.storage.model_fields_set:
        return Database(settings.playground.database)
    return Database(settings.storage.url)


async def prepare(database: Database) -> None:
    """A SQLite file is upgraded by itself; PostgreSQL never in silence: StorageError names the command."""
    if database.is_sqlite:
        await database.upgrade()
    else:
        await database.require_current()


def engine_for(settings: Settings, secrets: Secrets) -> LLMClient:
    """The client of the configured engine, not yet opened."""
    token = secrets.worker_token.get_secret_value() if secrets.worker_token else None
    return LLMClient(settings.llm, settings.llm.base_url or worker_url(settings.worker), token)


def task_models_for(settings: Settings, secrets: Secrets) -> TasksClient:
    """The client of the engine that serves the task models, not yet opened."""
    token = secrets.worker_token.get_secret_value() if secrets.worker_token else None
    llm = settings.llm
    return TasksClient(llm, llm.tasks_url or llm.base_url or worker_url(settings.worker), token)


def point_discord_at(playground: str) -> None:
    """Sends discord.py to the playground: its base addresses are class attributes, set in this one place."""
    address = yarl.URL(playground)
    discord.http.Route.BASE = str(address / "api/v10")
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = address.with_scheme("ws") / "gateway/"
    discord.asset.Asset.BASE = str(address / "cdn")


def leave_out_of_collections() -> None:
    """What is there by now stays for ever: the garbage collector need not walk through it.

    It is about 200,000 objects of the libraries, and each of its full rounds would stop the event loop for 0.1 s.
    """
    gc.collect()
    gc.freeze()


async def keep_connected(make_client: Callable[[], StewardClient], token: str, backoff: Backoff) -> None:
    """Runs a client; one that ends by an error is replaced by a fresh one after a pause. Raises StartError.

    discord.py reconnects by itself; what arrives here is what it could not recover from.
    """
    failures = 0
    while True:
        started = monotonic()
        try:
            async with make_client() as client:
                await client.start(token)
            return
        except discord.LoginFailure as error:
            raise StartError(
                "Discord refused the token. Copy a fresh one from the Bot page of your application at "
                "https://discord.com/developers/applications into DISCORD_TOKEN."
            ) from error
        except discord.PrivilegedIntentsRequired as error:
            raise StartError(
                "The Message Content intent is off. Switch it on on the Bot page of your application at "
                "https://discord.com/developers/applications: without it Steward cannot read what people ask."
            ) from error
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            failures = 1 if monotonic() - started >= backoff.healthy_s else failures + 1
            if failures > backoff.attempts:
                raise StartError(f"Discord cannot be reached: {error}. Is this machine online?") from error
            log.warning("the gateway client ended; starting a fresh one", exc_info=error, failures=failures)
            await asyncio.sleep(backoff.pause_s(failures))


def configure_logging(level: str) -> None:
    """Structured lines on stderr; the libraries' own loggers at warning, so that no message content slips out."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S"),
            # Not structlog's own rich tracebacks: those print local variables, and with them what members wrote.
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Leaves out discord.py's warnings about voice, which Steward has not, and about being behind.

    The latter is false on loopback: the acknowledgement comes before discord.py has noted when it sent the heartbeat.
    A loop that really hangs is told by its other warning, "heartbeat blocked".
    """
    return not any(noise in str(record.msg) for noise in ("voice will NOT be supported", "Can't keep up"))


@asynccontextmanager
async def _ends_on_signals() -> AsyncIterator[None]:
    """SIGTERM and Ctrl-C cancel the running task, so that everything is closed in order.

    Ctrl-C by a handler of our own: a shell that starts Steward in the background lets Python ignore it otherwise.
    """
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    except asyncio.CancelledError:
        log.info("stopped")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _answers(url: str) -> None:
    """Returns when a server of ours answers at `url`. Raises StartError after PLAYGROUND_START_S seconds."""
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(PLAYGROUND_START_S):
            while not await _is_up(session, url):  # noqa: ASYNC110 - another process: nothing to subscribe to
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise StartError(f"Nothing answered at {url} within {PLAYGROUND_START_S:.0f} seconds.") from None


async def _is_up(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
