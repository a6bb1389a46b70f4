"""Streamed text is the decoded text, with real kinds of tokenizers: SentencePiece, byte-level and word pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from llm.worker.text import REPLACEMENT, Decode, Detokenizer

ROOT = Path(__file__).parents[3]
TEXTS = [
    "Once upon a time, there was a little girl.",
    "  two spaces,\n\n\ttabs and\r\nlines  ",
    "مرحبا بالعالم، كيف الحال؟ שלום עולם, מה שלומך?",
    "👩‍👩‍👧 🏳️‍🌈 👍🏽 🇩🇪 e\u0301 ñ 한글 日本語 ไทย \u202etxet\u202c",
    "def f(x):\n    return {'a': [1, 2, 3]}  # 1e-9 ≤ π",
    "", " ", "▁", "a ▁ b",
]  # fmt: skip


def byte_level() -> Tokenizer:
    """GPT-2's kind: pieces of bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TEXTS * 3, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet))
    return tokenizer


def unigram() -> Tokenizer:
    """T5's and Gemma's kind: words carry the space before them; unknown characters fall apart into byte tokens."""
    pieces = [("<unk>", 0.0), *((f"<0x{byte:02X}>", -20.0) for byte in range(256))]
    known = {letter for text in TEXTS[:3] for letter in text if letter.isalpha()} | {"▁", ","}
    pieces += [(letter, -8.0) for letter in sorted(known)]
    pieces += [(f"▁{word}", -4.0) for word in ("Once", "upon", "a", "time", "there", "was", "مرحبا", "שלום")]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer


def word_pieces() -> Tokenizer:
    """BERT's kind: whole words, and pieces that join the one before."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    tokenizer.train_from_iterator(TEXTS * 3, trainers.WordPieceTrainer(vocab_size=300, special_tokens=["[UNK]"]))
    return tokenizer


def decoder(tokenizer: Tokenizer) -> Decode:
    def decode(ids: Sequence[int]) -> str:
        return str(tokenizer.decode(list(ids), skip_special_tokens=False))

    return decode


@pytest.fixture(scope="module", params=["stories", "embedded", "byte_level", "unigram", "word_pieces"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    if request.param == "stories":
        folder = request.getfixturevalue("stories_folder")
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    if request.param == "embedded":
        return Tokenizer.from_file(str(ROOT / "llm" / "embedded" / "chat" / "tokenizer.json"))
    made = {"byte_level": byte_level, "unigram": unigram, "word_pieces": word_pieces}
    return made[request.param]()


def streamed(decode: Decode, ids: Sequence[int]) -> list[str]:
    detokenizer = Detokenizer(decode)
    return [detokenizer.push([token]) for token in ids]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_streams_as_it_decodes(tokenizer: Tokenizer, text: str) -> None:
    decode, ids = decoder(tokenizer), tokenizer.encode(text, add_special_tokens=False).ids
    pieces = streamed(decode, ids)
    assert "".join(pieces) == decode(ids)
    assert not any(REPLACEMENT in piece for piece in pieces)


@given(st.data())
def test_random_tokens_stream_as_they_decode(tokenizer: Tokenizer, data: st.DataObject) -> None:
    """Where broken bytes lie between, they are left out and take nothing whole with them."""
    ids = data.draw(st.lists(st.integers(0, tokenizer.get_vocab_size() - 1), max_size=30))
    decode = decoder(tokenizer)
    whole, shown = decode(ids), "".join(streamed(decode, ids))
    assert REPLACEMENT not in shown
    if REPLACEMENT not in whole:
        assert shown == whole
    else:
        rest = iter(shown)
        assert all(letter in rest for letter in whole.replace(REPLACEMENT, "").rstrip(" "))


@given(st.text(max_size=40).filter(lambda text: REPLACEMENT not in text), st.integers(1, 6))
def test_any_text_in_pieces_of_any_size(tokenizer: Tokenizer, text: str, size: int) -> None:
    decode, ids = decoder(tokenizer), tokenizer.encode(text, add_special_tokens=False).ids
    detokenizer = Detokenizer(decode)
    pieces = [detokenizer.push(ids[start : start + size]) for start in range(0, len(ids), size)]
    assert "".join(pieces) == decode(ids)
