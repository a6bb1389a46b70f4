"""Small random task models with tokenizers made on the spot: every path of a real one, at no size and from no hub."""

from __future__ import annotations

import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForTokenClassification,
)

WORDS = ("the", "ada", "love", "lon", "paris", "berlin", "in", "and", "is", "lives", "micro", "soft", "example", "this")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
NER_LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "initializer_range": 0.6,  # so large that the random answers differ from token to token
}
POSITIONS = 48  # tokens that the tiny models read at once: long texts are short here


def bert_tokenizer() -> BertTokenizerFast:
    """WordPiece over a few words, letters and their continuations; everything else is [UNK]."""
    letters = string.ascii_lowercase + string.digits + string.punctuation + "éñ日本"
    vocabulary = list(
        dict.fromkeys([*SPECIAL, *WORDS, *letters, *(f"##{c}" for c in letters), "##ly", "##lace", "##don"])
    )
    backend = Tokenizer(models.WordPiece({word: place for place, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return BertTokenizerFast(tokenizer_object=backend, model_max_length=POSITIONS)


def bert_config(labels: tuple[str, ...], seed: int = 0) -> BertConfig:
    """Seeds torch, too."""
    torch.manual_seed(seed)
    return BertConfig(
        vocab_size=len(bert_tokenizer()),
        **SIZES,
        max_position_embeddings=POSITIONS,
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
    )


def make_ner(folder: Path) -> Path:
    BertForTokenClassification(bert_config(NER_LABELS)).save_pretrained(folder)
    bert_tokenizer().save_pretrained(folder)
    return folder


def make_nli(folder: Path) -> Path:
    BertForSequenceClassification(bert_config(("contradiction", "neutral", "entailment"), seed=1)).save_pretrained(
        folder
    )
    bert_tokenizer().save_pretrained(folder)
    return folder


def make_toxicity(folder: Path) -> Path:
    """One of several labels, of which one is harmless."""
    BertForSequenceClassification(bert_config(("hate", "offensive", "Neither"), seed=2)).save_pretrained(folder)
    bert_tokenizer().save_pretrained(folder)
    return folder


def make_topics(folder: Path) -> Path:
    """DistilBERT, which takes no token types; several labels may hold at once."""
    torch.manual_seed(3)
    config = DistilBertConfig(
        vocab_size=len(bert_tokenizer()),
        dim=32,
        n_layers=2,
        n_heads=4,
        hidden_dim=64,
        max_position_embeddings=POSITIONS,
        initializer_range=0.6,
        problem_type="multi_label_classification",
        id2label={0: "games", 1: "music", 2: "food"},
        label2id={"games": 0, "music": 1, "food": 2},
    )
    DistilBertForSequenceClassification(config).save_pretrained(folder)
    bert_tokenizer().save_pretrained(folder)
    return folder


def make_byte_ner(folder: Path) -> Path:
    """RoBERTa over bytes: characters fall apart into several tokens, positions begin behind the padding's number."""
    torch.manual_seed(4)
    alphabet = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    backend = Tokenizer(models.BPE({letter: place for place, letter in enumerate(alphabet)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", mask_token="<mask>",
    )  # fmt: skip
    config = RobertaConfig(
        vocab_size=len(alphabet),
        **SIZES,
        max_position_embeddings=POSITIONS + 2,
        pad_token_id=1,
        type_vocab_size=1,
        id2label=dict(enumerate(NER_LABELS)),
        label2id={label: place for place, label in enumerate(NER_LABELS)},
    )
    RobertaForTokenClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
