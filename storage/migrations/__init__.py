"""The history of the tables. Alembic runs `env.py`; `storage.schema` hands it a connection."""
