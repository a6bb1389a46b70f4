"""The settings of section [storage]. Does not know where they are read from: that is `bot.config`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StorageSettings(BaseModel):
    """Section [storage]: where Steward remembers."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        "sqlite:///data/steward.sqlite3",
        repr=False,  # it may hold a password
        description="sqlite:///path/to/file.sqlite3, or postgresql://user:password@host/database. "
        "STEWARD_DATABASE_URL overrides it and is the place for one with a password.",
    )
