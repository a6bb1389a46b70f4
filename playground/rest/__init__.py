"""The REST routes of Discord's API v10 that bots and people's clients use, one resource per file."""
