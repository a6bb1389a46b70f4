"""The bot on a simulated Discord (SimCord), with a scripted engine over real HTTP and a real SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from simcord import Env
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle

from bot.client import StewardClient
from bot.config import Settings
from bot.conversation.pace import Pace
from llm.client import LLMClient
from llm.config import LLMSettings
from llm.tasks_client import TasksClient
from storage.database import Database
from storage.history import History
from tests.bot.sockets import backstage, playground
from tests.fakes import ScriptedEngine

__all__ = ["backstage", "playground"]

HERE = Path(__file__).parent
SETTLE_S = 20.0
"""How long the simulated Discord waits for the bot: a busy machine is slow, and nothing else depends on it."""
PACE = Pace(patience_s=0.6, edit_interval_s=0.02, quiet_s=0.0)
"""A question waits only so long for an engine that is away; the simulated Discord has no limits to keep to."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "settings(**sections): sections of steward.toml for the bot of this test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.simcord(settle_timeout=SETTLE_S))


@pytest.fixture
async def engine() -> AsyncIterator[ScriptedEngine]:
    async with ScriptedEngine() as running:
        yield running


@pytest.fixture
async def database(tmp_path: Path, upgraded: Callable[[Path], Path]) -> AsyncIterator[Database]:
    """Messages are written at once: the simulated Discord's time stands still while the bot has something to do."""
    async with Database(f"sqlite:///{upgraded(tmp_path / 'steward.sqlite3')}", write_after_s=0) as opened:
        yield opened


@pytest.fixture
def history(database: Database) -> History:
    return History(database)


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    """The defaults, with the values of a `settings` marker: @pytest.mark.settings(bot={"guilds": [1]})."""
    marker = request.node.get_closest_marker("settings")
    return Settings(**marker.kwargs) if marker else Settings()


@pytest.fixture
async def llm(engine: ScriptedEngine) -> AsyncIterator[LLMClient]:
    limits = LLMSettings(first_token_timeout_s=1.0, token_timeout_s=0.5)
    async with LLMClient(limits, engine.base_url) as client:
        yield client


@pytest.fixture
async def tasks(engine: ScriptedEngine) -> AsyncIterator[TasksClient]:
    async with TasksClient(LLMSettings(first_token_timeout_s=1.0), engine.base_url) as client:
        yield client


@pytest.fixture
def in_playground() -> bool:
    return False


@dataclass
class Bot:
    """Makes clients over the same parts, so that a restart keeps what is stored."""

    settings: Settings
    llm: LLMClient
    database: Database
    in_playground: bool
    pace: Pace
    tasks: TasksClient
    clients: list[StewardClient] = field(default_factory=list)

    def client(self) -> StewardClient:
        made = StewardClient(
            settings=self.settings,
            llm=self.llm,
            database=self.database,
            in_playground=self.in_playground,
            pace=self.pace,
            tasks=self.tasks,
        )
        self.clients.append(made)
        return made


@pytest.fixture
def pace() -> Pace:
    return PACE


@pytest.fixture
async def bot(
    settings: Settings, llm: LLMClient, database: Database, in_playground: bool, pace: Pace, tasks: TasksClient
) -> Bot:
    return Bot(settings, llm, database, in_playground, pace, tasks)


@pytest.fixture
async def simcord_bot(bot: Bot) -> StewardClient:
    return bot.client()


@dataclass
class World:
    """A server that adopted Steward, one channel, and two people."""

    env: Env
    guild: GuildHandle
    channel: ChannelHandle
    ada: MemberActor
    grace: MemberActor

    @property
    def me(self) -> int:
        assert self.env.bot.user is not None
        return self.env.bot.user.id

    @property
    def mention(self) -> str:
        return f"<@{self.me}>"

    def said(self, channel: ChannelHandle | None = None) -> list[str]:
        """What Steward said in a channel, oldest first."""
        return [message.content for message in (channel or self.channel).history() if message.author.id == self.me]


@pytest.fixture
async def world(simcord_env: Env) -> World:
    guild = simcord_env.create_guild("Garden")
    channel = guild.create_text_channel("general")
    ada = guild.add_member(simcord_env.create_user("Ada"))
    grace = guild.add_member(simcord_env.create_user("Grace"))
    await simcord_env.settle()
    return World(simcord_env, guild, channel, ada, grace)
