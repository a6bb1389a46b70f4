"""Talks to people, and owns every decision about them."""
