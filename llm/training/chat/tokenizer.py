"""The built-in model's tokenizer: byte-level BPE that never fails on any text, and the chat template.

Every word carries the space before it, also at the start of a line and of a turn, so that a name or a value has the
same tokens wherever it stands: copying from the conversation is this model's one talent. Digits are single tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from llm.training.chat.conversation import Turn

BEGIN, SYSTEM, USER, ASSISTANT, END, PAD = (
    "<|begin|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "<|pad|>",
)
MARKS = {"system": f"{SYSTEM} ", "user": f"{USER} ", "assistant": ASSISTANT}
CONTEXT = 2048

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- if message['content'] is not string -%}
{{- raise_exception('The content of a message must be text.') -}}
{%- endif -%}
{%- if message['role'] == 'system' -%}{{- '<|system|> ' + message['content'] + '<|end|>' -}}
{%- elif message['role'] == 'user' -%}{{- '<|user|> ' + message['content'] + '<|end|>' -}}
{%- elif message['role'] == 'assistant' -%}{{- '<|assistant|>' + message['content'] + '<|end|>' -}}
{%- else -%}{{- raise_exception('Unknown role ' + message['role'] + ': use system, user or assistant.') -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"""

_WORDS = Regex(r"'(?:[sdmt]|ll|ve|re)(?!\p{L})| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def train_tokenizer(conversations: Iterable[Sequence[Turn]], vocabulary: int = 2048) -> Tokenizer:
    """A tokenizer of exactly `vocabulary` entries (special tokens and all 256 bytes included)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace("\n", "\n ")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(_WORDS, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Replace("\n ", "\n")])
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BEGIN, SYSTEM, USER, ASSISTANT, END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = (_spaced(turn) for conversation in conversations for turn in conversation)
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def for_transformers(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    """The same tokenizer as transformers loads and saves it, with its chat template."""
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def mark(tokenizer: Tokenizer, token: str) -> int:
    """The id of one of the special tokens."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ValueError(f"this tokenizer has no {token}: it was not made by this recipe")
    return number


def encode(tokenizer: Tokenizer, conversation: Sequence[Turn]) -> tuple[list[int], list[bool]]:
    """Token ids of a conversation as the template renders it, and which of them the assistant has to say."""
    ids, spoken = [mark(tokenizer, BEGIN)], [False]
    for turn in conversation:
        piece = tokenizer.encode(f"{MARKS[turn.role]}{turn.content}{END}", add_special_tokens=False).ids
        ids += piece
        spoken += [False] + [turn.role == "assistant"] * (len(piece) - 1)
    return ids, spoken


def _spaced(turn: Turn) -> str:
    return turn.content if turn.role == "assistant" else f" {turn.content}"
