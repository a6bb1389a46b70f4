"""A model's files from the hub into the hub's own cache: what is needed and no more, resumed where it was interrupted.

huggingface_hub 2.4 throws a partial file away when a download fails (`_download_to_tmp_and_move`). So large files are
fetched first, beside their place in its cache, continued by range requests and compared with their SHA-256;
`snapshot_download` finds them there and does the rest. It knows no torch and looks into no file.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # public, re-exported without saying so
    WeakFileLock,
    build_hf_headers,
    disable_progress_bars,
    filter_repo_objects,
)

from llm.worker.errors import LoadError

OnBytes = Callable[[int, int], None]
"""(bytes that are here, bytes in all), called often."""

LARGEST_BY_HTTP = constants.MAX_HTTP_DOWNLOAD_SIZE  # beyond it the hub serves a file by xet only
UNREACHABLE = (httpx2.TransportError, OfflineModeIsEnabled, LocalEntryNotFoundError)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of a repository's files: patterns as `fnmatch` knows them, over the whole path."""

    allow: tuple[str, ...]
    ignore: tuple[str, ...] = ()

    def of(self, paths: list[str]) -> list[str]:
        return list(filter_repo_objects(paths, allow_patterns=list(self.allow), ignore_patterns=list(self.ignore)))


TOKENIZER = ("tokenizer*", "*.model", "*.tiktoken", "tekken.json", "vocab.*", "merges.txt", "*_tokens*.json")
TEMPLATES = ("chat_template*", "*.jinja")
SETTINGS = ("config.json", "generation_config.json")
CONFIG = Selection(SETTINGS[:1])
MODEL = Selection(
    ("*.safetensors", "*.safetensors.index.json", *SETTINGS, *TOKENIZER, *TEMPLATES),
    ("*/*", "consolidated*", "*.fp16*", "*.fp32*", "*.bf16*"),  # the same weights once more, under other names
)
TASK_MODEL = Selection(
    (
        *MODEL.allow,
        "*.spm",
        "modules.json",
        "sentence_bert_config.json",
        "*/config.json",
        "*/sentence_bert_config.json",
    ),
    ("onnx/*", "openvino/*", *MODEL.ignore[1:]),
)
PICKLES = Selection(("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.msgpack", "*.h5"))


def fetch(hub_id: str, revision: str, selection: Selection, on_bytes: OnBytes) -> Path:
    """The folder of the snapshot, complete as far as `selection` goes; without a network what the cache has.

    Raises LoadError: one line that says what is wrong and what to do."""
    disable_progress_bars()
    api = HfApi()
    with _plain_words(hub_id, revision):
        try:
            commit = str(api.model_info(hub_id, revision=revision).sha)
            files = [each for each in api.list_repo_tree(hub_id, recursive=True, revision=commit)]
        except UNREACHABLE:
            return _from_cache(hub_id, revision, selection)
        wanted = set(selection.of([each.path for each in files]))
        chosen = [each for each in files if isinstance(each, RepoFile) and each.path in wanted]
        _Download(hub_id, commit, chosen, on_bytes).large_files()
        return Path(_snapshot(hub_id, revision, selection, offline=False))


def file_names(hub_id: str, revision: str) -> list[str]:
    """All files of the repository. Raises LoadError."""
    with _plain_words(hub_id, revision):
        return list(HfApi().list_repo_files(hub_id, revision=revision))


def cache_folder(hub_id: str) -> Path:
    """Where the hub's cache keeps this model, whether it is there or not."""
    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=hub_id, repo_type="model")


def _snapshot(hub_id: str, revision: str, selection: Selection, offline: bool) -> str:
    return snapshot_download(
        hub_id,
        revision=revision,
        allow_patterns=list(selection.allow),
        ignore_patterns=list(selection.ignore),
        local_files_only=offline,
    )


def _from_cache(hub_id: str, revision: str, selection: Selection) -> Path:
    try:
        return Path(_snapshot(hub_id, revision, selection, offline=True))
    except LocalEntryNotFoundError as error:
        raise LoadError(
            f"no connection to {constants.ENDPOINT}, and {hub_id} is not, or not completely, on this machine: connect, "
            f"then `steward models pull {hub_id}`; a local folder works without a network"
        ) from error


class _Download:
    """The large files of one snapshot, one after the other."""

    def __init__(self, hub_id: str, commit: str, files: list[RepoFile], on_bytes: OnBytes) -> None:
        self._hub_id, self._commit, self._on_bytes = hub_id, commit, on_bytes
        self._large = [each for each in files if each.lfs is not None and each.size <= LARGEST_BY_HTTP]
        self._folder = cache_folder(hub_id)
        self._total = sum(each.size for each in self._large)
        self._here = 0

    def large_files(self) -> None:
        for each in self._large:
            if each.lfs is not None:
                self._one(each.path, each.lfs.sha256, each.size)

    def advance(self, count: int) -> None:
        self._here += count
        self._on_bytes(min(self._here, self._total), self._total)

    def _one(self, path: str, sha256: str, size: int) -> None:
        blob = self._folder / "blobs" / sha256
        lock = self._folder.parent / ".locks" / self._folder.name / f"{sha256}.lock"
        for each in (blob, lock):
            each.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):  # the lock that huggingface_hub itself takes for this file
            if blob.exists():
                self.advance(size)
                return
            partial = blob.with_name(f"{sha256}.partial")
            self._continue(path, partial, size)
            _check(partial, path, sha256)
            partial.replace(blob)

    def _continue(self, path: str, partial: Path, size: int) -> None:
        partial.touch()
        if partial.stat().st_size > size:
            partial.write_bytes(b"")
        here = partial.stat().st_size
        _check_disk(self._folder, path, size - here)
        url = hf_hub_url(self._hub_id, path, revision=self._commit)
        meter = _meter(self, here)
        with partial.open("ab") as file:
            http_get(url, file, resume_size=here, headers=build_hf_headers(), expected_size=size, tqdm_class=meter)


def _meter(download: _Download, here: int) -> type:
    """A class of the shape of tqdm, because that is what `http_get` takes; it passes the counts on."""
    download.advance(here)

    class Meter:
        def __init__(self, **_: object) -> None: ...

        def __enter__(self) -> Self:
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None: ...

        def update(self, count: int) -> None:
            download.advance(count)

    return Meter


def _check(partial: Path, path: str, sha256: str) -> None:
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        partial.unlink()
        raise LoadError(f"{path} arrived damaged (its SHA-256 is not what the hub says) and was deleted: pull again")


def _check_disk(folder: Path, path: str, missing: int) -> None:
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise LoadError(f"{path} needs {missing / 1e9:.1f} GB more on the disk of {folder}, which has {free / 1e9:.1f}")


@contextmanager
def _plain_words(hub_id: str, revision: str) -> Iterator[None]:
    """What the hub's client raises, as sentences for the owner."""
    hub = constants.ENDPOINT
    try:
        yield
    except GatedRepoError as error:
        raise LoadError(
            f"{hub_id} is gated: accept its licence at {hub}/{hub_id}, then run `hf auth login` on this machine"
        ) from error
    except RepositoryNotFoundError as error:
        raise LoadError(
            f"{hub} knows no model {hub_id}, or it is private: check the name; for a private one run `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise LoadError(f"{hub_id} has no revision {revision!r}: a branch, a tag or a commit was expected") from error
    except HFValidationError as error:
        raise LoadError(f"{hub_id!r} is no hub id: owner/name or owner/name@revision was expected") from error
    except HfHubHTTPError as error:
        raise LoadError(f"{hub} answered {error.response.status_code} for {hub_id}: try again later") from error
    except UNREACHABLE as error:
        raise LoadError(
            f"the connection to {hub} broke ({type(error).__name__}): run it again, it goes on where it stopped"
        ) from error
    except OSError as error:
        raise LoadError(f"{hub_id} cannot be stored in {constants.HF_HUB_CACHE}: {error}") from error
