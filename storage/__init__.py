"""Remembers. Knows nothing of Discord's library and nothing of models."""
