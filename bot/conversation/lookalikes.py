"""Letters that look like Latin ones → these. Data only; for comparing, never for what people read."""

from __future__ import annotations

PLAIN_LETTERS = str.maketrans("аеорсухіјѕԁһνοαικτρεßøðłđı", "aeopcyxijsdhvoaiktpesodldi")
"""Small letters of Cyrillic and Greek and a few Latin ones; capitals are to be made small before."""
