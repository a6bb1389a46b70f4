"""What was noted of a person earlier, put right before their question: the chat template does it, and the training.

So small a model cannot tell by itself whose fact is whose: between two people who told the same kind of thing it stays
at chance. Its template therefore repeats, before the newest message, how the assistant answered when the person told
something whom that message is about. This file is the same rule in Python, since the corpus has such a place before
many messages, not only the last; a test compares the two. It does not know tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

NOTES = 6
LINES = 8  # of each message: a pasted file must not keep the template busy
LONGEST = 160
LONGEST_NAME = 32
_PUNCTUATION = "?!.,;:'\"()"

Told = tuple[Sequence[str], str]
"""One exchange: the lines that people wrote ("Name: text", or just text) and the answer to them."""


def recalled(earlier: Sequence[Told], newest: str) -> list[str]:
    """The last few answers to what was told of the person whom the `newest` line is about.

    That person is the first speaker who is named in the line, else its own speaker. Questions tell nothing, nor do
    answers with a "not": they mostly say what the assistant does not know.
    """
    earlier = [(lines[:LINES], answer) for lines, answer in earlier]
    spoken = [line for lines, _ in earlier for line in lines]
    names = list(dict.fromkeys(name for line in [*spoken, newest] if (name := speaker(line))))
    about = _about(newest, names)
    notes = [answer for lines, answer in earlier if any(_tells_of(line, about) for line in lines)]
    return [note for note in notes if len(note) <= LONGEST and " not " not in note][-NOTES:]


def speaker(line: str) -> str:
    """Who says this line; empty where it has no name."""
    name, colon, _ = line.partition(": ")
    return name if colon and len(name) <= LONGEST_NAME else ""


def _about(line: str, names: Sequence[str]) -> str:
    own = speaker(line)
    return next((name for name in names if name != own and _names(line, name)), own)


def _tells_of(line: str, about: str) -> bool:
    is_asked = line.strip().endswith("?")
    return not is_asked and (speaker(line) == about or (bool(about) and _names(line, about)))


def _names(line: str, name: str) -> bool:
    """Whether the text behind the speaker's name has this name in it, as words of its own, or its genitive."""
    text = line.partition(": ")[2] if speaker(line) else line
    words, wanted = f" {_plain(text)} ", _plain(name).strip()
    return f" {wanted} " in words or f" {wanted}s " in words


def _plain(text: str) -> str:
    for mark in _PUNCTUATION:
        text = text.replace(mark, " ")
    return text.lower()


RULE = """\
{#- So small a model confuses people, and forgets what was said long ago. Right before the newest message this template
repeats how the assistant answered when something was told by, or of, the person whom that message is about: the first
speaker named in it, else its own. The texts stay where they are, too. -#}
{%- macro speaker(line) -%}
{%- if ': ' in line and line.split(': ')[0]|length <= 32 -%}{{- line.split(': ')[0] -}}{%- endif -%}
{%- endmacro -%}
{%- macro plain(text) -%}
{{- text.replace('?', ' ').replace('!', ' ').replace('.', ' ').replace(',', ' ').replace(';', ' ').replace(':', ' ')\
.replace("'", ' ').replace('"', ' ').replace('(', ' ').replace(')', ' ').lower() -}}
{%- endmacro -%}
{%- macro names(line, name) -%}
{%- set words = ' ' ~ plain(line.split(': ')[1:]|join(': ') if speaker(line) else line) ~ ' ' -%}
{%- set wanted = ' ' ~ plain(name).strip() -%}
{%- if wanted ~ ' ' in words or wanted ~ 's ' in words -%}yes{%- endif -%}
{%- endmacro -%}
{%- macro recalled(earlier, newest) -%}
{%- set found = namespace(about=speaker(newest), names=[], notes=[]) -%}
{%- for lines in earlier|map('first')|list + [[newest]] -%}
{%- for line in lines[:8] -%}
{%- set name = speaker(line) -%}
{%- if name and name not in found.names -%}{%- set found.names = found.names + [name] -%}{%- endif -%}
{%- endfor -%}
{%- endfor -%}
{%- for name in found.names -%}
{%- if found.about == speaker(newest) and name != found.about and names(newest, name) -%}
{%- set found.about = name -%}
{%- endif -%}
{%- endfor -%}
{%- for lines, answer in earlier -%}
{%- set told = namespace(yes=false) -%}
{%- for line in lines[:8] if not line.strip().endswith('?') -%}
{%- if speaker(line) == found.about or (found.about and names(line, found.about)) -%}
{%- set told.yes = true -%}
{%- endif -%}
{%- endfor -%}
{%- if told.yes and answer|length <= 160 and ' not ' not in answer -%}
{%- set found.notes = found.notes + [answer] -%}
{%- endif -%}
{%- endfor -%}
{{- found.notes[-6:]|join('\\n') -}}
{%- endmacro -%}
"""
"""The same for the chat template: a macro `recalled(earlier, newest)` that gives the notes, joined."""
