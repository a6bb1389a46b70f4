"""How an engine is reached: the openai SDK's client, made for one address. Knows no route, no answer and no error."""

from __future__ import annotations

import ssl
from functools import cache

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

from llm.address import api_address, is_loopback, unsent_headers

CONNECT_TIMEOUT_S = 5.0


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
