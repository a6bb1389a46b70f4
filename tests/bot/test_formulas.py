"""LaTeX is readable without anything that typesets it, and what is no LaTeX stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.formulas import readable_formulas, unicode_formula
from bot.conversation.rendering import render


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}", "x = (-b ± √(b² - 4ac))/2a"),
        (r"\frac{a+b}{c+d}", "(a+b)/(c+d)"),
        (r"\frac12 + \frac{f(x)}{g(x)}", "1/2 + f(x)/g(x)"),
        (r"\frac{(a)(b)}{c}", "((a)(b))/c"),
        (r"\sum_{i=1}^{n} i", "∑ᵢ₌₁ⁿ i"),
        (r"e^{i\pi} + 1 = 0", "e^(iπ) + 1 = 0"),
        (r"x^2_1, x^{10}, x_k, 2^{2q}, a_Q", "x²₁, x¹⁰, xₖ, 2^(2q), a_Q"),
        (r"\alpha \le \beta \Rightarrow \Gamma \in \mathbb{R}^n", "α ≤ β ⇒ Γ ∈ ℝⁿ"),
        (r"\lim_{x \to 0} \frac{\sin x}{x}", "lim_(x → 0) (sin x)/x"),
        (r"\log_2 n + \sin\theta", "log₂ n + sin θ"),
        (r"\left( \frac{a}{b} \right)^2", "(a/b)²"),
        (r"\left. x \right|", "x |"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(a, b; c, d)"),
        (r"\begin{aligned} x &= 1 \\ y &= 2 \end{aligned}", "x = 1\ny = 2"),
        (r"\begin{cases} 1 & x > 0 \\ 0 & \text{else} \end{cases}", "1 x > 0\n0 else"),
        (r"\text{speed} = \mathrm{d}x / \mathrm{d}t", "speed = dx / dt"),
        (r"\sqrt[3]{x+1} \neq \sqrt{2}", "∛(x+1) ≠ √2"),
        (r"\hat{x}, \vec{v}", "x̂, v⃗"),
        (r"90^\circ, 5\%, \{1\}, f'", "90°, 5%, {1}, f′"),
        (r"\binom{n}{k}, \int_0^\infty", "C(n, k), ∫₀^∞"),
        (r"\unknown{x} + \other", r"\unknown{x} + \other"),
        (r"\frac{1", "1/"),
        ("", ""),
    ],
)
def test_one_formula(latex: str, shown: str) -> None:
    assert unicode_formula(latex) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"So \(x^2\), \[y_1\] and $$z^3$$.", "So x², y₁ and z³."),
        (r"with $\alpha$, $n$ and $a_{ij}$", "with α, n and aᵢⱼ"),
        (r"\(a * b_Q\) and \(\| x \|\) and \(||x||\)", r"a \* b\_Q and ‖ x ‖ and ‖x‖"),
        ("It costs $5 and $6, or $5_000 and 6$.", "It costs $5 and $6, or $5_000 and 6$."),
        ("US$20 and A$30_x$", "US$20 and A$30_x$"),
        (r"`\(x^2\)` and ``$x^2$``", r"`\(x^2\)` and ``$x^2$``"),
        (r"\[a link\](https://b.c) and \\(x^2\\)", r"\[a link\](https://b.c) and \\(x^2\\)"),
        (r"open \( x^2", r"open \( x^2"),
        ("$$", "$$"),
    ],
)
def test_formulas_in_a_text(text: str, shown: str) -> None:
    assert readable_formulas(text) == shown


def test_code_blocks_keep_their_latex() -> None:
    text = "```latex\n\\(x^2\\)\n```"
    assert render(text)[0].shown == text
    assert render("\\(x^2\\)\n" + text)[0].shown == "x²\n" + text


def test_a_formula_cannot_nest_without_end() -> None:
    deep = "{" * 300 + "x^2" + "}" * 300
    assert unicode_formula(deep) == deep
    assert unicode_formula("^" * 5000) and unicode_formula(r"\sqrt" * 3000)


def test_a_formula_is_not_divided() -> None:
    formula = r"\(a = \frac{b + c + d}{e + f + g}\)"
    for filler in range(1940, 2000):
        parts = render("a " * (filler // 2) + "b" * (filler % 2) + formula + " and more words" * 9)
        assert "(b + c + d)/(e + f + g)" in "".join(part.shown for part in parts)


LATEX = st.lists(
    st.sampled_from(
        [*"abx12+-=^_{}[]()&', ", r"\frac", r"\sqrt", r"\\", r"\begin", r"\end", r"\left", r"\hat", r"\pi"]
    ),
    max_size=40,
).map("".join)


@given(LATEX)
def test_no_formula_fails(latex: str) -> None:
    assert isinstance(unicode_formula(latex), str)
    readable_formulas(f"$${latex}$$ \\({latex}\\)")
