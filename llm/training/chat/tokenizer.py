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
{#- So small a model confuses people, and forgets what was said long ago. Before the newest message this template
repeats what was told by, or of, the person whom that message is about: the first speaker named in it, else its own. -#}
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
{{- bos_token -}}
{%- set seen = namespace(names=[], newest='', about='', told=[], has_more=false) -%}
{%- for message in messages -%}
{%- if message['content'] is not string -%}
{{- raise_exception('The content of a message must be text.') -}}
{%- endif -%}
{%- if message['role'] == 'user' -%}
{%- for line in message['content'].split('\\n') -%}
{%- set seen.newest = line -%}
{%- set name = speaker(line) -%}
{%- if name and name not in seen.names -%}{%- set seen.names = seen.names + [name] -%}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endfor -%}
{%- set seen.about = speaker(seen.newest) -%}
{%- for name in seen.names -%}
{%- if seen.about == speaker(seen.newest) and name != seen.about and names(seen.newest, name) -%}
{%- set seen.about = name -%}
{%- endif -%}
{%- endfor -%}
{%- for message in messages[:-1] -%}
{%- if message['role'] == 'user' and loop.nextitem is defined and loop.nextitem['role'] == 'assistant' -%}
{%- set one = namespace(tells=false) -%}
{%- for line in message['content'].split('\\n') if '?' not in line -%}
{%- if speaker(line) == seen.about or (seen.about and names(line, seen.about)) -%}
{%- set one.tells = true -%}
{%- endif -%}
{%- endfor -%}
{%- if one.tells and message['content']|length + loop.nextitem['content']|length <= 400 -%}
{%- set seen.told = seen.told + [message['content'] + '<|end|><|assistant|>' + loop.nextitem['content']] -%}
{%- elif seen.told -%}{%- set seen.has_more = true -%}
{%- endif -%}
{%- endif -%}
{%- endfor -%}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{{- '<|system|> ' + message['content'] + '<|end|>' -}}
{%- elif message['role'] == 'user' -%}
{%- if add_generation_prompt and loop.last and seen.has_more -%}
{%- for exchange in seen.told[-6:] -%}{{- '<|user|> ' + exchange + '<|end|>' -}}{%- endfor -%}
{%- endif -%}
{{- '<|user|> ' + message['content'] + '<|end|>' -}}
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
