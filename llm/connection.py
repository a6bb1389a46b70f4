"""How an engine is reached: the openai SDK's client, made for one address. Knows no route and no answer."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TypeVar

import httpx2
from openai import APIConnectionError, APITimeoutError, AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

from llm.address import api_address, is_loopback, unsent_headers

CONNECT_TIMEOUT_S = 5.0

T = TypeVar("T")


def connect(base_url: str, token: str | None) -> AsyncOpenAI:
    """A client of the API at `base_url` (see `api_address`); `token` is its key, if it wants one.

    It tries nothing twice, and only connecting has a deadline: the caller knows how long an answer may take.
    """
    trust_env = not is_loopback(base_url)  # a proxy of the environment must not see what is meant for this machine
    return AsyncOpenAI(
        base_url=api_address(base_url),
        api_key=token or "none",
        default_headers=unsent_headers(),
        max_retries=0,
        timeout=Timeout(None, connect=CONNECT_TIMEOUT_S),
        http_client=DefaultAsyncHttpxClient(trust_env=trust_env, verify=_certificates(trust_env)),
    )


@cache
def _certificates(trust_env: bool) -> ssl.SSLContext:
    """Whom to believe over TLS, read once: a client is made in the event loop, and reading takes some 50 ms."""
    return httpx2.create_ssl_context(trust_env=trust_env)


async def on_a_fresh_connection_if_need_be(request: Callable[[], Awaitable[T]]) -> T:
    """Make a request; where the connection broke before any answer, once more, which opens a new one.

    uvicorn, for one, closes a connection after an error in the engine's code without announcing it (seen with
    `transformers serve`), and after five idle seconds; a request that is on its way then is lost."""
    try:
        return await request()
    except APITimeoutError:
        raise
    except APIConnectionError:
        return await request()
