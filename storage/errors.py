"""Everything that can go wrong between Steward and its database. Knows no SQL library: `storage.database` translates.

StorageError
├── BadAddress             the database URL is not understood, or names a kind that Steward does not speak
├── BadRecord              a value that can never be stored: a naive datetime, an id beyond 64 bits
├── DatabaseUnavailable    the file cannot be opened or written, or nobody answers at the address
│   └── DatabaseBusy       somebody else held the write lock for longer than we wait
├── DatabaseCorrupt        the file is damaged, or is no database
└── SchemaMismatch         the tables are not the ones that this version of Steward works with
    ├── SchemaOutdated     older: `steward db upgrade` mends it
    └── SchemaTooNew       newer: this program is older than its database

No message of this tree ever holds a password or the content of a member's message.
"""

from __future__ import annotations


class StorageError(Exception):
    """Base of every error of this package; `str(error)` is a sentence for the owner, not for a member."""


class BadAddress(StorageError):
    """The database URL is not understood, or names a kind of database that Steward does not speak."""


class BadRecord(StorageError):
    """A value that can never be stored, whatever is tried: the caller is wrong, not the database."""


class DatabaseUnavailable(StorageError):
    """The file cannot be opened or written, or nobody answers at the address."""


class DatabaseBusy(DatabaseUnavailable):
    """Somebody else held the write lock for longer than we wait; trying again later can help."""


class DatabaseCorrupt(StorageError):
    """The file is damaged, or is no database at all."""


class SchemaMismatch(StorageError):
    """The tables in the database are not the ones that this version of Steward works with."""


class SchemaOutdated(SchemaMismatch):
    """The database is older than this program; `steward db upgrade` mends it."""


class SchemaTooNew(SchemaMismatch):
    """The database was upgraded by a newer Steward; this program must not touch it."""
