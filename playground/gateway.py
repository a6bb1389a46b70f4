"""The gateway's socket: hello, identify, resume, heartbeats, then the session's events in order.

It does not know what the events mean; sessions hold them, broadcast makes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import Mapping

from starlette.websockets import WebSocket, WebSocketDisconnect

from playground import payloads
from playground.broadcast import Broadcast
from playground.faults import Faults
from playground.intents import EVERY_INTENT, Intent
from playground.models import Json, Payload, User
from playground.sessions import Session, Sessions
from playground.state import PERSON_TOKEN, World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 8, 9, 10, 11

UNKNOWN_ERROR, UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, AUTHENTICATION_FAILED = 4000, 4001, 4002, 4003, 4004
ALREADY_AUTHENTICATED, INVALID_SEQUENCE, SESSION_TIMED_OUT = 4005, 4007, 4009
INVALID_SHARD, INVALID_API_VERSION, INVALID_INTENTS = 4010, 4012, 4013

CLOSED_ON_PURPOSE = (1000, 1001)
"""Close codes with which a client ends its session; after any other it may resume."""


class Closing(Exception):
    """The socket must be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gateway:
    """Serves sockets; holds the open ones so that all can be told to reconnect."""

    def __init__(
        self,
        world: World,
        sessions: Sessions,
        broadcast: Broadcast,
        faults: Faults,
        base_url: str,
        heartbeat_interval_s: float,
    ) -> None:
        self.world = world
        self.sessions = sessions
        self.broadcast = broadcast
        self.faults = faults
        self.url = base_url.replace("http", "ws", 1) + "/gateway/"
        self.heartbeat_interval_s = heartbeat_interval_s
        self.connections: set[Connection] = set()

    async def serve(self, socket: WebSocket) -> None:
        """One connection from accept to close."""
        await socket.accept()
        connection = Connection(self, socket, compressed=socket.query_params.get("compress") == "zlib-stream")
        self.connections.add(connection)
        try:
            await connection.run(socket.query_params)
        finally:
            self.connections.discard(connection)

    async def ask_to_reconnect(self) -> None:
        """Sends every client opcode 7: it closes, connects again and resumes."""
        for connection in list(self.connections):
            await connection.send(RECONNECT, None)


class Connection:
    def __init__(self, gateway: Gateway, socket: WebSocket, *, compressed: bool) -> None:
        self._gateway = gateway
        self._socket = socket
        self._deflate = zlib.compressobj() if compressed else None
        self._sending = asyncio.Lock()
        """Compressed frames make one stream: they must leave in the order in which they were packed."""
        self._session: Session | None = None
        self._sent = 0
        self._sender: asyncio.Task[None] | None = None

    async def run(self, query: Mapping[str, str]) -> None:
        try:
            if query.get("v", "10") != "10" or query.get("encoding", "json") != "json":
                raise Closing(INVALID_API_VERSION, "This gateway speaks v=10 and encoding=json.")
            interval_ms = int(self._gateway.heartbeat_interval_s * 1000)
            await self.send(HELLO, {"heartbeat_interval": interval_ms, "_trace": ["playground"]})
            while True:
                await self._receive()
        except Closing as closing:
            await self._leave(forget=closing.code == AUTHENTICATION_FAILED)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(closing.code, closing.reason)
        except WebSocketDisconnect as gone:
            await self._leave(forget=gone.code in CLOSED_ON_PURPOSE)
        finally:
            await self._leave(forget=False)

    async def send(self, op: int, data: Json, *, sequence: int | None = None, event: str | None = None) -> None:
        text = json.dumps({"op": op, "d": data, "s": sequence, "t": event})
        async with self._sending:
            if self._deflate is None:
                await self._socket.send_text(text)
                return
            packed = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
            await self._socket.send_bytes(packed)

    async def _receive(self) -> None:
        try:
            async with asyncio.timeout(self._gateway.heartbeat_interval_s * 2):
                text = await self._socket.receive_text()
        except TimeoutError:
            raise Closing(SESSION_TIMED_OUT, "No heartbeat came.") from None
        except KeyError:
            raise Closing(DECODE_ERROR, "Text frames only.") from None
        try:
            frame = json.loads(text)
            op, data = frame["op"], frame.get("d")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Closing(DECODE_ERROR, "Error while decoding payload.") from None
        await self._handle(op, data)

    async def _handle(self, op: int, data: Json) -> None:
        if op == HEARTBEAT:
            await self.send(HEARTBEAT_ACK, None)
        elif op == IDENTIFY:
            await self._identify(data)
        elif op == RESUME:
            await self._resume(data)
        elif self._session is None:
            raise Closing(NOT_AUTHENTICATED, "Not authenticated.")
        elif op == REQUEST_MEMBERS:
            try:
                self._members(self._session, data)
            except (KeyError, TypeError, ValueError):
                raise Closing(DECODE_ERROR, "Error while decoding payload.") from None
        elif op not in (PRESENCE, VOICE_STATE):
            raise Closing(UNKNOWN_OPCODE, "Unknown opcode.")

    def _who(self, data: Json) -> User:
        """The bot's token comes without "Bot " here: whatever does not begin like a person's token is the one bot's."""
        token = data.get("token") if isinstance(data, dict) else None
        if not isinstance(token, str) or not token:
            raise Closing(AUTHENTICATION_FAILED, "Authentication failed.")
        user = self._gateway.world.by_token(token if token.startswith(PERSON_TOKEN) else f"Bot {token}")
        if user is None:
            raise Closing(AUTHENTICATION_FAILED, "Authentication failed.")
        return user

    async def _identify(self, data: Json) -> None:
        if self._session is not None:
            raise Closing(ALREADY_AUTHENTICATED, "Already authenticated.")
        user = self._who(data)
        wanted = data.get("intents", 0) if user.bot else EVERY_INTENT
        if not isinstance(wanted, int) or not 0 <= wanted <= EVERY_INTENT:
            raise Closing(INVALID_INTENTS, "Invalid intents.")
        sessions = self._gateway.sessions
        was_online = sessions.online(user.id)
        session = sessions.open(user, wanted, _shard(data))
        sessions.attach(session, self)
        session.push("READY", self._ready(session))
        for guild in self._gateway.world.guilds.values():
            there = user.id in guild.members and guild.id != self._gateway.broadcast.unavailable
            if there and session.has_shard_of(guild.id) and session.wants(Intent.GUILDS):
                session.push("GUILD_CREATE", self._gateway.broadcast.guild(session, guild))
        self._follow(session, 0, was_online=was_online)

    async def _resume(self, data: Json) -> None:
        if self._session is not None:
            raise Closing(ALREADY_AUTHENTICATED, "Already authenticated.")
        user = self._who(data)
        sequence = data.get("seq")
        session = self._gateway.sessions.find(str(data.get("session_id")), user)
        if session is None or not isinstance(sequence, int) or session.after(sequence) is None:
            await self.send(INVALID_SESSION, False)
            return
        was_online = self._gateway.sessions.online(user.id)
        self._gateway.sessions.attach(session, self)
        session.push("RESUMED", {"_trace": ["playground"]})
        self._follow(session, sequence, was_online=was_online)

    def _follow(self, session: Session, sequence: int, *, was_online: bool) -> None:
        if not was_online:
            self._gateway.broadcast.presence(session.user)
        self._session = session
        self._sent = sequence
        self._sender = asyncio.create_task(self._send_events(session))

    async def _send_events(self, session: Session) -> None:
        """Everything the session holds beyond what was sent, then whatever comes, until socket or session goes."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while session.connection is self:
                events = session.after(self._sent)
                if events is None:
                    await self._socket.close(INVALID_SEQUENCE, "Too far behind.")
                    return
                if not events and await self._struck(session):
                    return
                for event in events:
                    if await self._struck(session):
                        return
                    await self.send(DISPATCH, event.data, sequence=event.sequence, event=event.name)
                    self._gateway.faults.sent(by_bot=session.user.bot)
                    self._sent = event.sequence
                if not events:
                    await session.wait()
            await self._socket.close(SESSION_TIMED_OUT, "The session was resumed elsewhere.")

    async def _struck(self, session: Session) -> bool:
        """Whether a fault on purpose has ended this socket."""
        kind = self._gateway.faults.of_socket(by_bot=session.user.bot)
        if kind == "reconnect":
            await self.send(RECONNECT, None)
        elif kind is not None:
            if kind == "invalidate":
                self._gateway.sessions.forget(session)
            await self._socket.close(UNKNOWN_ERROR, "Unknown error.")
        return kind in ("drop", "invalidate")

    async def _leave(self, *, forget: bool) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._gateway.sessions.detach(session, self, forget=forget)
            if not self._gateway.sessions.online(session.user.id):
                self._gateway.broadcast.presence(session.user)
        if self._sender is not None:
            self._sender.cancel()
            self._sender = None

    def _ready(self, session: Session) -> Payload:
        world, user = self._gateway.world, session.user
        mine = [one for one in world.guilds.values() if user.id in one.members and session.has_shard_of(one.id)]
        body: Payload = {
            "v": 10,
            "user": payloads.self_user(user),
            "session_id": session.id,
            "resume_gateway_url": self._gateway.url,
            "shard": list(session.shard),
            "private_channels": [],
            "guilds": [{"id": str(one.id), "unavailable": True} for one in mine],
        }
        if user.bot:
            body["application"] = {"id": str(user.id), "flags": payloads.BOT_FLAG_INTENTS}
            return body
        body["guilds"] = [self._gateway.broadcast.guild(session, one) for one in mine]
        body["private_channels"] = [payloads.channel(world, one, user.id) for one in world.direct_channels(user.id)]
        return body

    def _members(self, session: Session, data: Json) -> None:
        """Answers a request for members: by ids, or by the beginning of the name."""
        world = self._gateway.world
        guild = world.guilds.get(int(data["guild_id"]))
        if guild is None or session.user.id not in guild.members:
            return
        wanted = data.get("user_ids")
        ids = None if wanted is None else {int(one) for one in (wanted if isinstance(wanted, list) else [wanted])}
        prefix = str(data.get("query") or "").lower()
        if ids is None and not prefix and not session.wants(Intent.GUILD_MEMBERS):
            return
        chosen = [
            one
            for one in guild.members.values()
            if (one.user_id in ids if ids is not None else world.users[one.user_id].name.lower().startswith(prefix))
        ]
        limit = int(data.get("limit") or 0) or len(chosen)
        missing = sorted((ids or set()) - {one.user_id for one in chosen})
        body: Payload = {
            "guild_id": str(guild.id),
            "members": [payloads.member(world.users[one.user_id], one) for one in chosen[:limit]],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [str(one) for one in missing],
        }
        if data.get("nonce") is not None:
            body["nonce"] = data["nonce"]
        session.push("GUILD_MEMBERS_CHUNK", body)


def _shard(data: Payload) -> tuple[int, int]:
    shard = data.get("shard") or [0, 1]
    numbers = isinstance(shard, list) and len(shard) == 2 and all(isinstance(one, int) for one in shard)
    if not numbers or not 0 <= shard[0] < shard[1]:
        raise Closing(INVALID_SHARD, "Invalid shard.")
    return shard[0], shard[1]
