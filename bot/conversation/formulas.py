r"""LaTeX in a text → the same formulas in Unicode, which people can read where nothing typesets. Pure.

Formulas stand between \( \), \[ \], $$ $$, or single dollars where what is between them cannot be money. What is not
known stays as it was written. Inline code is left alone; code blocks are the caller's to leave out.
"""

from __future__ import annotations

import re

from bot.conversation.symbols import ACCENTS, ALPHABETS, FUNCTIONS, SPACES, SUBSCRIPTS, SUPERSCRIPTS, SYMBOLS, WRAPPERS

LONGEST = 600
"""Characters between the marks of one formula; beyond it the marks are taken for something else."""
DEEPEST = 24
"""Groups inside groups; a formula that goes deeper stays as it was written."""

_FORMULA = re.compile(
    rf"(?P<code>(?P<ticks>`+)(?!`).{{1,{LONGEST}}}?(?<!`)(?P=ticks)(?!`))"
    rf"|(?<!\\)\\\((?P<inline>.{{1,{LONGEST}}}?)\\\)|(?<!\\)\\\[(?P<display>.{{1,{LONGEST}}}?)\\\]"
    rf"|\$\$(?P<dollars>[^$]{{1,{LONGEST}}})\$\$"
    r"|(?<![\\$\w])\$(?P<dollar>(?![\s$])[^$\n`]{0,199}[^\s$\\])\$(?![\d$])",
    re.DOTALL,
)
_LOOKS_LIKE_MATH = re.compile(r"[\\^_=+*/<>|{}\d-]|^\s*\w{1,2}\s*$")
_IS_NO_MONEY = re.compile(
    r"(?!.*(?<![\\{A-Za-z])[A-Za-z]{3,}(?![}A-Za-z]))(?:.*\\[A-Za-z]|.*[\^_]|[A-Za-z]$|\D.*=)", re.DOTALL
)
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}^_&~']|\s+|.", re.DOTALL)
_SIMPLE = re.compile(r"\w+|\w?[⁰¹²³⁴-⁹ⁿ]*|√\w+|[\w().]*\)", re.DOTALL)
_SIZES = re.compile(r"\\(?:left|right|middle|[Bb]igg?[lrm]?)")
_FRACTIONS = frozenset({r"\frac", r"\dfrac", r"\tfrac", r"\cfrac"})
_BINOMIALS = frozenset({r"\binom", r"\dbinom", r"\tbinom"})
_BRACKETS = {"pmatrix": "()", "bmatrix": "[]", "vmatrix": "||", "Bmatrix": "{}", "Vmatrix": "‖‖", "matrix": "()"}
_ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}
_INNER_SPACE = re.compile(r"(?<=[(\[]) | (?=[)\]])")
_MARKDOWN = re.compile(r"([*_~`])|\|\|")


class _TooDeep(Exception):
    """More groups inside groups than DEEPEST."""


def readable_formulas(text: str) -> str:
    """`text` with its formulas in Unicode; characters that Markdown would take for its own are escaped in them."""
    if "\\" not in text and "$" not in text:
        return text
    return _FORMULA.sub(_replaced, text)


def unicode_formula(latex: str) -> str:
    """One formula, given without the marks around it. It comes back unchanged when it nests too deep."""
    try:
        return _tidy(_Reader(latex).all())
    except _TooDeep:
        return latex


def _replaced(match: re.Match[str]) -> str:
    if match["code"]:
        return match[0]
    inside = next(match[kind] for kind in ("inline", "display", "dollars", "dollar") if match[kind] is not None)
    if not (_IS_NO_MONEY.match(inside) if match["dollar"] else _LOOKS_LIKE_MATH.search(inside)):
        return match[0]
    shown = unicode_formula(inside)
    return _MARKDOWN.sub(lambda mark: f"\\{mark[1]}" if mark[1] else "‖", shown) or match[0]


def _tidy(text: str) -> str:
    text = _INNER_SPACE.sub("", re.sub(r"[ \t]+", " ", text))
    lines = [line.strip() for line in text.split("\n")]
    return "\n".join(line for line in lines if line)


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, latex: str, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise _TooDeep
        self._tokens: list[str] = _TOKEN.findall(latex)
        self._next = 0
        self._depth = depth

    def all(self) -> str:
        """The whole formula."""
        pieces: list[str] = []
        while self._next < len(self._tokens):
            pieces.append(self._piece())
        return "".join(pieces)

    def _piece(self) -> str:
        token = self._tokens[self._next]
        self._next += 1
        if token == "{":
            return self._inner(self._group())
        if token in ("^", "_"):
            return _raised(self._argument(), SUPERSCRIPTS if token == "^" else SUBSCRIPTS, token)
        if token.startswith("\\"):
            return self._command(token)
        if token == "&":
            return " "
        return "" if token == "}" else {"'": "′", "~": " "}.get(token, " " if token.isspace() else token)

    def _command(self, name: str) -> str:
        if name in _FRACTIONS:
            return f"{_grouped(self._argument())}/{_grouped(self._argument())}"
        if name in _BINOMIALS:
            return f"C({self._argument()}, {self._argument()})"
        if name == r"\sqrt":
            index = self._optional()
            return f"{_ROOTS.get(index, f'{index}-th root of ')}{_grouped(self._argument())}"
        if name in ALPHABETS:
            return "".join(ALPHABETS[name].get(letter, letter) for letter in self._argument())
        if name in ACCENTS:
            return "".join(letter + ACCENTS[name] for letter in self._argument())
        if name == r"\begin":
            return self._environment(self._raw_argument())
        if _SIZES.fullmatch(name):
            return self._delimiter()
        return self._simple_command(name)

    def _simple_command(self, name: str) -> str:
        if name in WRAPPERS or name == r"\end":
            return self._argument() if self._peek() == "{" and name != r"\end" else ""
        if name in SPACES:
            return SPACES[name]
        if name in FUNCTIONS:
            following = self._peek()
            return name[1:] + (" " if following[:1] == "\\" or following[:1].isalnum() else "")
        if name in SYMBOLS:
            return SYMBOLS[name]
        return f"{name}{{{self._argument()}}}" if self._peek() == "{" else name

    def _delimiter(self) -> str:
        """What follows \\left and the like: a bracket, or a dot that stands for none."""
        if self._peek() == ".":
            self._next += 1
            return ""
        return self._piece() if self._peek() else ""

    def _environment(self, name: str) -> str:
        """A matrix in one line with semicolons between its rows; anything else row by row."""
        body: list[str] = []
        open_ones = 1
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            self._next += 1
            open_ones += (token == r"\begin") - (token == r"\end")
            if open_ones == 0:
                self._raw_argument()
                break
            body.append(token)
        rows = re.split(r"\\\\(?:\[[^\]]*\])?", "".join(body))
        brackets = _BRACKETS.get(name.rstrip("*"))
        if brackets is None:
            if name.startswith("array"):
                rows[0] = re.sub(r"^\s*\{[^}]*\}", "", rows[0])
            return "\n" + "\n".join(self._inner(row).strip() for row in rows) + "\n"
        cells = [", ".join(self._inner(cell).strip() for cell in row.split("&")) for row in rows if row.strip()]
        return f"{brackets[0]}{'; '.join(cells)}{brackets[1]}"

    def _inner(self, latex: str) -> str:
        return _Reader(latex, self._depth + 1).all()

    def _argument(self) -> str:
        """The next group or character, already readable."""
        self._skip_space()
        if self._peek() == "{":
            return self._inner(self._raw_argument())
        if not self._peek():
            return ""
        if self._depth >= DEEPEST:
            raise _TooDeep
        self._depth += 1
        piece = self._piece()
        self._depth -= 1
        return piece

    def _raw_argument(self) -> str:
        self._skip_space()
        if self._peek() != "{":
            return ""
        self._next += 1
        return self._group()

    def _group(self) -> str:
        """Up to the brace that closes the one just read."""
        begin, open_ones = self._next, 1
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            self._next += 1
            open_ones += (token == "{") - (token == "}")
            if open_ones == 0:
                return "".join(self._tokens[begin : self._next - 1])
        return "".join(self._tokens[begin:])

    def _optional(self) -> str:
        """What stands in square brackets, if anything does."""
        self._skip_space()
        if self._peek() != "[" or "]" not in self._tokens[self._next :]:
            return ""
        end = self._tokens.index("]", self._next)
        inside = "".join(self._tokens[self._next + 1 : end])
        self._next = end + 1
        return self._inner(inside)

    def _skip_space(self) -> None:
        while self._peek().isspace():
            self._next += 1

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""


def _grouped(text: str) -> str:
    """In brackets, unless it is one thing."""
    text = text.strip()
    return text if _SIMPLE.fullmatch(text) and _is_balanced(text) else f"({text})"


def _is_balanced(text: str) -> bool:
    """Whether brackets in it, if any, are those of one call: f(x), and not (a)(b."""
    return ("(" not in text and ")" not in text) or (text.count("(") == 1 and text.endswith(")") and text[0] != "(")


def _raised(text: str, small: dict[str, str], mark: str) -> str:
    """In small characters where all of them exist, else with the mark and brackets."""
    text = text.strip()
    if text and all(character in small for character in text):
        return "".join(small[character] for character in text)
    if mark == "^" and text in ("∘", "°"):
        return "°"
    return f"{mark}{text}" if len(text) == 1 else f"{mark}({text})"
