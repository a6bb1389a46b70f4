"""The built-in model's tokenizer: byte-level BPE that never fails on any text, and the chat template.

Every word carries the space before it, also at the start of a line and of a turn, so that a name or a value has the
same tokens wherever it stands: copying from the conversation is this model's one talent. Digits are single tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from llm.training.chat.conversation import Turn
from llm.training.chat.recalling import RULE, Told, recalled

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

NEW_LINE = "\n"

CHAT_TEMPLATE = (
    RULE
    + """\
{{- bos_token -}}
{%- set said = namespace(lines=[], told=[]) -%}
{%- for message in messages -%}
{%- if message['content'] is not string -%}
{{- raise_exception('The content of a message must be text.') -}}
{%- endif -%}
{%- if message['role'] == 'system' -%}{{- '<|system|> ' + message['content'] + '<|end|>' -}}
{%- elif message['role'] == 'user' -%}
{%- set lines = message['content'].split('\n') -%}
{%- if add_generation_prompt and loop.last -%}
{%- set memory = recalled(said.told, lines[-1]) -%}
{%- if memory -%}{{- '<|system|> ' + memory + '<|end|>' -}}{%- endif -%}
{%- endif -%}
{%- set said.lines = lines -%}
{{- '<|user|> ' + message['content'] + '<|end|>' -}}
{%- elif message['role'] == 'assistant' -%}
{%- set said.told = said.told + [[said.lines, message['content']]] -%}
{{- '<|assistant|>' + message['content'] + '<|end|>' -}}
{%- else -%}{{- raise_exception('Unknown role ' + message['role'] + ': use system, user or assistant.') -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"""
)

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


def encode(
    tokenizer: Tokenizer, conversation: Sequence[Turn], recalls: Callable[[], bool] | None = None
) -> tuple[list[int], list[bool]]:
    """Token ids of a conversation as the template renders it, and which of them the assistant has to say.

    `recalls` is asked before each user's turn whether the notes stand there, which the template puts before the newest
    turn only. An answer that would need notes that are not there has not to be said. None: no notes, every answer.
    """
    ids, spoken, told, lines, is_fair = [mark(tokenizer, BEGIN)], [False], list[Told](), list[str](), True
    for turn in conversation:
        if turn.role == "user":
            lines = turn.content.split("\n")
            notes = recalled(told, lines[-1]) if recalls else []
            is_fair = not notes or recalls is None or recalls()
            if notes and is_fair:
                piece = tokenizer.encode(f"{SYSTEM} {NEW_LINE.join(notes)}{END}", add_special_tokens=False).ids
                ids, spoken = ids + piece, spoken + [False] * len(piece)
        elif turn.role == "assistant":
            told.append((lines, turn.content))
        piece = tokenizer.encode(f"{MARKS[turn.role]}{turn.content}{END}", add_special_tokens=False).ids
        ids += piece
        spoken += [False] + [turn.role == "assistant" and is_fair] * (len(piece) - 1)
    return ids, spoken


def _spaced(turn: Turn) -> str:
    return turn.content if turn.role == "assistant" else f" {turn.content}"
