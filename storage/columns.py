"""Column types that behave the same on SQLite and PostgreSQL. Knows no table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary, Text
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from storage.errors import BadRecord

# A Discord id. SQLite's INTEGER holds 64 bits and, as a primary key, is the row's own address.
DiscordId = BigInteger().with_variant(Integer(), "sqlite")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def aware(moment: datetime) -> datetime:
    """The same moment in UTC. BadRecord when it does not say which clock it was read from."""
    if moment.tzinfo is None:
        raise BadRecord(f"{moment.isoformat()} has no time zone; storage takes aware datetimes only, such as UTC.")
    return moment.astimezone(UTC)


def storable(text: str) -> str:
    """`text` with U+FFFD for what databases cannot hold: NUL (PostgreSQL refuses it) and lone surrogates."""
    text = text.replace("\0", REPLACEMENT)
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class UtcDateTime(TypeDecorator[datetime]):
    """Refuses naive datetimes, stores UTC, and gives aware UTC back on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = aware(value)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class StorableText(TypeDecorator[str]):
    """Text of any length; see `storable` for the few characters that are replaced."""

    impl = Text()
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class HalfVec(UserDefinedType[str]):
    """pgvector's vector of 16-bit numbers, of any length, written as text."""

    cache_ok = True

    def get_col_spec(self, **options: object) -> str:
        return "halfvec"


class HalfVector(TypeDecorator[NDArray[np.float32]]):
    """A vector in 16-bit numbers: bytes on SQLite (little-endian), pgvector's own type on PostgreSQL."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = LargeBinary() if dialect.name == "sqlite" else HalfVec()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: NDArray[np.float32] | None, dialect: Dialect) -> object:
        if value is None:
            return None
        half = np.asarray(value, dtype="<f2")
        return half.tobytes() if dialect.name == "sqlite" else str([float(number) for number in half])

    def process_result_value(self, value: object, dialect: Dialect) -> NDArray[np.float32] | None:
        if value is None:
            return None
        if isinstance(value, bytes):
            return np.frombuffer(value, dtype="<f2").astype(np.float32)
        return np.fromstring(str(value).strip("[]"), dtype=np.float32, sep=",")
