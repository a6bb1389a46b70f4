"""A flag → the language that most people mean by it. Pure.

Countries of several languages that have no first one (🇨🇭, 🇧🇪) stand for the one that most people there speak.
"""

from __future__ import annotations

from collections.abc import Mapping

SPOKEN: Mapping[str, str] = {
    "ar": "AE BH DZ EG IQ JO KW LB LY MA MR OM PS QA SA SD SY TN YE",
    "bg": "BG",
    "cs": "CZ",
    "da": "DK",
    "de": "AT CH DE LI",
    "el": "CY GR",
    "en": "AU CA GB IE JM NG NZ UM US ZA",
    "es": "AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PR PY SV UY VE",
    "fi": "FI",
    "fr": "BF BJ CD CG CI CM FR GA GN LU MC ML NE SN TG",
    "he": "IL",
    "hi": "IN",
    "hr": "HR",
    "hu": "HU",
    "id": "ID",
    "it": "IT SM VA",
    "ja": "JP",
    "ko": "KP KR",
    "lt": "LT",
    "nl": "BE NL SR",
    "no": "BV NO SJ",
    "pl": "PL",
    "pt": "AO BR CV GW MZ PT ST",
    "ro": "MD RO",
    "ru": "BY RU",
    "sv": "AX SE",
    "th": "TH",
    "tr": "TR",
    "uk": "UA",
    "vi": "VN",
    "zh": "CN HK MO SG TW",
}
"""Language → ISO 3166 codes of countries."""
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
_FIRST = 0x1F1E6  # REGIONAL INDICATOR SYMBOL LETTER A
_BY_COUNTRY = {country: language for language, countries in SPOKEN.items() for country in countries.split()}


def language_of_flag(emoji: str) -> str | None:
    """The code of the language; None for what is no flag, and for flags whose language nothing here translates into."""
    if emoji == ENGLAND:
        return "en"
    letters = [ord(letter) - _FIRST + ord("A") for letter in emoji]
    if len(letters) != 2 or not all(ord("A") <= letter <= ord("Z") for letter in letters):
        return None
    return _BY_COUNTRY.get("".join(map(chr, letters)))
