"""Turns messages into text. Knows nothing of Discord, and nothing of what is stored."""
