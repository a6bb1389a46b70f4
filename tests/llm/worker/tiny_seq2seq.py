"""Small random encoder-decoder models of each family, with tokenizers made on the spot."""

from __future__ import annotations

import json
import string
from pathlib import Path

import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    MBart50Tokenizer,
    MBartConfig,
    MBartForConditionalGeneration,
    MBartTokenizer,
    NllbTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

LETTERS = [*string.ascii_letters, *string.digits, *string.punctuation]
UNIGRAM = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((c, -3.0) for c in LETTERS)]
POSITIONS = 40
SHAPE = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": POSITIONS, "init_std": 0.5,
    "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2, "bos_token_id": 0,
}  # fmt: skip


def make_t5(folder: Path) -> Path:
    """Relative positions, no languages; a tokenizer that names its longest input."""
    torch.manual_seed(0)
    vocabulary = {piece: place for place, piece in enumerate(["<pad>", "</s>", "<unk>", "▁", *LETTERS])}
    backend = Tokenizer(models.BPE(vocabulary, merges=[], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=POSITIONS
    )
    config = T5Config(
        vocab_size=len(vocabulary),
        d_model=32,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        initializer_factor=4.0,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_nllb(folder: Path) -> Path:
    torch.manual_seed(1)
    vocabulary = {piece: place for place, (piece, _) in enumerate(UNIGRAM)}
    return _saved(folder, NllbTokenizer(vocab=vocabulary, merges=[]), M2M100ForConditionalGeneration, M2M100Config)


def make_mbart50(folder: Path) -> Path:
    torch.manual_seed(2)
    return _saved(folder, MBart50Tokenizer(vocab=UNIGRAM), MBartForConditionalGeneration, MBartConfig)


def make_mbart(folder: Path) -> Path:
    torch.manual_seed(3)
    codes = [("en_XX", 0.0), ("ro_RO", 0.0), ("de_DE", 0.0)]
    tokenizer = MBartTokenizer(vocab=[*UNIGRAM, *codes])
    return _saved(folder, tokenizer, MBartForConditionalGeneration, MBartConfig)


def make_m2m100(folder: Path) -> Path:
    pieces = _sentencepiece(folder)
    torch.manual_seed(4)
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    vocabulary |= {piece: place + 4 for place, piece in enumerate(pieces)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = M2M100Tokenizer(str(folder / "vocab.json"), str(folder / "pieces.model"))
    return _saved(folder, tokenizer, M2M100ForConditionalGeneration, M2M100Config)


def make_marian(folder: Path, *codes: str, languages: tuple[str, str] | None = ("en", "de")) -> Path:
    """One pair of languages, or with `codes` (such as ">>fra<<") many targets."""
    pieces = _sentencepiece(folder)
    torch.manual_seed(5)
    vocabulary = {"</s>": 2, "<unk>": 3, "<pad>": 1, "<s>": 0}
    vocabulary |= {piece: place + 4 for place, piece in enumerate([*codes, *pieces])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    for side in ("source", "target"):
        (folder / f"{side}.spm").write_bytes((folder / "pieces.model").read_bytes())
    source, target = languages or (None, None)
    tokenizer = MarianTokenizer(
        *(str(folder / name) for name in ("source.spm", "target.spm", "vocab.json")),
        source_lang=source,
        target_lang=target,
    )
    return _saved(folder, tokenizer, MarianMTModel, MarianConfig)


def _saved(folder: Path, tokenizer: PreTrainedTokenizerBase, model: type, config: type) -> Path:
    ids = [*tokenizer.get_vocab().values(), *getattr(tokenizer, "id_to_lang_token", ())]
    size = max(len(tokenizer), max(ids) + 1)
    model(config(vocab_size=size, **SHAPE)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _sentencepiece(folder: Path) -> list[str]:
    """A tiny SentencePiece model in `folder`, and its pieces."""
    folder.mkdir(parents=True, exist_ok=True)
    sentences = iter(["the quick brown fox jumps over the lazy dog", "Sphinx of black quartz, judge my vow", *LETTERS])
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=sentences,
        model_prefix=str(folder / "pieces"),
        vocab_size=110,
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "pieces.model"))
    return [processor.id_to_piece(place) for place in range(3, processor.get_piece_size())]
