r"""What LaTeX's commands are in Unicode. Data only: who reads formulas is `formulas`."""

from __future__ import annotations

_GREEK = (
    "alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ mu "
    "μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ chi χ psi "
    "ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω"
)
_RELATIONS = (
    "le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ne ≠ neq ≠ approx ≈ equiv ≡ sim ~ simeq ≃ cong ≅ propto ∝ ll ≪ gg ≫ "
    "in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇ mid ∣ nmid ∤ parallel ∥ perp ⊥ prec ≺ succ ≻ vdash ⊢ "
    "models ⊨ asymp ≍ doteq ≐ lt < gt > triangleq ≜ coloneqq ≔"
)
_OPERATORS = (
    "times × cdot · div ÷ pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet • oplus ⊕ otimes ⊗ cup ∪ cap ∩ setminus ∖ wedge ∧ land "
    "∧ vee ∨ lor ∨ neg ¬ lnot ¬ sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ partial ∂ nabla ∇ "
    "dagger † bigoplus ⨁ bigotimes ⨂ surd √"
)
_ARROWS = (
    "to → rightarrow → leftarrow ← gets ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹ iff ⟺ "
    "impliedby ⟸ mapsto ↦ longrightarrow ⟶ longleftarrow ⟵ longmapsto ⟼ uparrow ↑ downarrow ↓ hookrightarrow ↪ "
    "rightharpoonup ⇀ rightleftharpoons ⇌ Longrightarrow ⟹ Longleftrightarrow ⟺ nearrow ↗ searrow ↘ xrightarrow →"
)
_REST = (
    "infty ∞ forall ∀ exists ∃ nexists ∄ emptyset ∅ varnothing ∅ therefore ∴ because ∵ ldots … cdots ⋯ dots … vdots ⋮ "
    "ddots ⋱ dotsc … dotsb ⋯ angle ∠ degree ° prime ′ hbar ℏ ell ℓ Re ℜ Im ℑ aleph ℵ wp ℘ langle ⟨ rangle ⟩ lceil ⌈ "
    "rceil ⌉ lfloor ⌊ rfloor ⌋ lvert | rvert | vert | Vert ‖ lVert ‖ rVert ‖ lbrace { rbrace } square □ blacksquare ■ "
    "Box □ checkmark ✓ top ⊤ bot ⊥ triangle △ imath ı jmath ȷ colon : backslash \\ pounds £ euro € S § lbrack [ "
    "rbrack ]"
)


def _paired(words: str) -> dict[str, str]:
    pieces = words.split()
    return {f"\\{name}": symbol for name, symbol in zip(pieces[::2], pieces[1::2], strict=True)}


def _named(words: str) -> frozenset[str]:
    return frozenset(f"\\{name}" for name in words.split())


SYMBOLS = {
    **_paired(" ".join((_GREEK, _RELATIONS, _OPERATORS, _ARROWS, _REST))),
    **{f"\\{mark}": mark for mark in "{}%$#&_"},
    r"\|": "‖",
    r"\\": "\n",
    r"\newline": "\n",
}
"""Commands that stand for one character."""

SPACES = {
    **dict.fromkeys((r"\,", r"\:", r"\;", r"\ ", r"\quad", r"\qquad", r"\>"), " "),
    **dict.fromkeys((r"\!", r"\nonumber", r"\notag", r"\hline", r"\rm", r"\bf", r"\it", r"\cal"), ""),
    r"\bmod": " mod ",
    r"\mod": " mod ",
}

FUNCTIONS = _named(
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max "
    "min Pr sec sin sinh sup tan tanh argmax argmin tr rank sgn lcm"
)
"""Commands that stand for their own name."""

WRAPPERS = _named(
    "text mathrm mathbf mathit mathsf mathtt textbf textit textrm textsf texttt operatorname operatorname* boldsymbol "
    "bm boxed mbox hbox underbrace overbrace displaystyle textstyle limits nolimits mathop phantom ensuremath pmb"
)
"""Commands that only change how their argument looks, if they have one."""

SUPERSCRIPTS = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθφχ′*∗",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᵠᵡ′**",
        strict=True,
    )
) | {"⊤": "ᵀ", "†": "†"}
SUBSCRIPTS = dict(zip("0123456789+-−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))

ACCENTS = {
    r"\hat": "\u0302",
    r"\widehat": "\u0302",
    r"\bar": "\u0304",
    r"\overline": "\u0305",
    r"\vec": "\u20d7",
    r"\overrightarrow": "\u20d7",
    r"\tilde": "\u0303",
    r"\widetilde": "\u0303",
    r"\dot": "\u0307",
    r"\ddot": "\u0308",
    r"\underline": "\u0332",
    r"\not": "\u0338",
}
"""Marks that are set over (or through) each character of the argument."""

ALPHABETS = {
    r"\mathbb": dict(zip("CHNPQRZE1", "ℂℍℕℙℚℝℤ𝔼𝟙", strict=True)),
    r"\mathcal": dict(zip("BEFHILMRNOPSTCDA", "ℬℰℱℋℐℒℳℛ𝒩𝒪𝒫𝒮𝒯𝒞𝒟𝒜", strict=True)),
    r"\mathscr": dict(zip("BEFHILMR", "ℬℰℱℋℐℒℳℛ", strict=True)),
    r"\mathfrak": dict(zip("CHIRZg", "ℭℌℑℜℨ𝔤", strict=True)),
}
