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
    retention_days: int = Field(
        30, ge=1, description="Days that messages are kept; a server's managers can choose others for theirs."
    )
    grace_days: int = Field(
        7, ge=0, description="Days after which everything of a server that Steward left is deleted."
    )
