"""A worker under test: the real app on a real socket, in a thread of this process; small models made on the spot."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import torch
import uvicorn
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from llm.config import TaskModelSettings, WorkerSettings
from llm.worker.app import create_app
from llm.worker.serving import Serving

READY_S = 60.0
CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'system' and not loop.first %}"
    "{{ raise_exception('system must come first') }}{% endif %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>"
    "{% endfor %}<|assistant|>"
)
ENDLESS_TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
"""Writes nothing behind an answer that could end one."""
SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


@dataclass
class Worker:
    """One running worker; `fatal` collects what it reported as the end."""

    url: str
    model: str
    serving: Serving
    client: httpx.Client
    fatal: list[tuple[int, str]]

    def ask(self, **fields: object) -> httpx.Response:
        """A chat request; `say` is short for one user message."""
        return self.client.post("/v1/chat/completions", json=self.body(**fields))

    def body(self, say: str = "Once upon a time", **fields: object) -> dict[str, Any]:
        return {"model": self.model, "messages": [{"role": "user", "content": say}], **fields}

    def queue(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get("/v1/queue").json()
        return answer

    def text(self, **fields: object) -> str:
        response = self.ask(**fields)
        assert response.status_code == 200, response.text
        content: str = response.json()["choices"][0]["message"]["content"]
        return content


@contextmanager
def running(
    settings: WorkerSettings, token: str | None = None, wait: bool = True, tasks: TaskModelSettings | None = None
) -> Iterator[Worker]:
    """Run a worker on a free port until the block ends; without `tasks` it serves no task model."""
    fatal: list[tuple[int, str]] = []
    app = create_app(settings, token, lambda code, reason: fatal.append((code, reason)), tasks)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    headers = {"Authorization": f"Bearer {token}"} if token else None
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        worker = Worker(url, settings.model, app.state.serving, client, fatal)
        try:
            if wait:
                until(lambda: client.get("/health").json()["status"] != "loading", READY_S)
                assert client.get("/health").status_code == 200, client.get("/health").text
            yield worker
        finally:
            server.should_exit = True
            thread.join(30)
            listener.close()
            assert not thread.is_alive(), "the worker did not end"


def until(condition: Callable[[], bool], deadline_s: float = 20.0) -> None:
    """Return when `condition()` holds; TimeoutError after the deadline. What is awaited happens in another thread."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not come true")
        time.sleep(0.01)


def make_llama(
    folder: Path, width: int = 64, context: int = 512, template: str | None = CHAT_TEMPLATE, ends: bool = True
) -> Path:
    """A random Llama with a byte-level tokenizer: every byte is a token, so that characters fall apart into several.

    Without `ends` it knows no end-of-text token, its template writes none, and it speaks until its limit."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(alphabet)}, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    bytes_only.add_special_tokens(SPECIAL)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_only, eos_token=SPECIAL[0] if ends else None)
    tokenizer.chat_template = ENDLESS_TEMPLATE if template == CHAT_TEMPLATE and not ends else template
    config = LlamaConfig(
        vocab_size=len(alphabet) + len(SPECIAL),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_reciter(folder: Path, says: Sequence[str], template: str, special: Sequence[str] = ()) -> Path:
    """A Llama that says these words, each once, whatever it is asked: read greedily, a word only calls up the next.

    The template must end with "go" or "<think>", which call up the first one; the last one is its end of text.
    `special` are the words that are special tokens."""
    cues = [cue for cue in ("go", "<think>") if cue not in says]
    words = [*cues, *says]
    assert len(set(words)) == len(words)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    plain = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(letters)}, merges=[]))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    plain.add_tokens([AddedToken(word, normalized=False) for word in words if word not in special])
    plain.add_special_tokens([AddedToken(word, normalized=False) for word in words if word in special])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token=says[-1])
    tokenizer.chat_template = template
    size = -(-len(tokenizer) // 8) * 8
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=size,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=512,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for part in (*model.model.layers[0].self_attn.parameters(), *model.model.layers[0].mlp.parameters()):
            part.zero_()  # nothing is added to a word's own direction
        model.model.embed_tokens.weight.copy_(torch.eye(size))
        model.lm_head.weight.zero_()
        steps = [*((cue, says[0]) for cue in cues), *pairwise(says)]
        for word, following in (tokenizer.convert_tokens_to_ids(list(step)) for step in steps):
            model.lm_head.weight[following, word] = 10.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
