"""A hub over real HTTP: the few routes that a download needs, with range requests, and ways to break in the middle.

Which routes and headers those are was read in huggingface_hub 2.4 (`hf_api.py`, `file_download.py`). It is no mock: the
official client talks to it by HF_ENDPOINT.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".gguf", ".bin")
PIECE = 2**16


@dataclass
class FakeHub:
    """Repositories as name → file → bytes. `asked` collects (method, file, Range header) of every file request."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    cut_once_after: int | None = None
    """Close the connection once, after so many bytes of a large file."""
    stop_after: int | None = None
    """Send so many bytes of a large file, then nothing more until `go_on` is set."""
    go_on: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    gated: set[str] = field(default_factory=set)
    url: str = ""

    def add(self, name: str, folder: Path) -> None:
        self.repositories[name] = {path.name: path.read_bytes() for path in folder.iterdir()}

    def point_here(self, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
        """For this process what HF_ENDPOINT and HF_HUB_CACHE are for a new one: they are read at the import."""
        monkeypatch.setattr(constants, "ENDPOINT", self.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{self.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))

    def downloads(self, file: str) -> list[str]:
        """The Range headers with which a file's content was asked for."""
        return [span for method, name, span in self.asked if method == "GET" and name == file]


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: pytest shows what fails."""

        def _answer(self, body: bool) -> None:
            parts = unquote(urlsplit(self.path).path).strip("/").split("/")
            if parts[:2] == ["api", "models"] and len(parts) >= 4:
                self._about("/".join(parts[2:4]), parts[4:])
            elif len(parts) >= 5 and parts[2] == "resolve":
                self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]), body)
            else:
                self._refuse(404, "EntryNotFound")

        def _about(self, name: str, rest: list[str]) -> None:
            files = self._files(name, rest[1] if len(rest) > 1 else "main")
            if files is None:
                return
            if rest[:1] == ["tree"]:
                self._json([_entry(path, content) for path, content in files.items()])
            else:
                siblings = [{"rfilename": path} for path in files]
                self._json({"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings})

        def _files(self, name: str, revision: str) -> dict[str, bytes] | None:
            if name not in hub.repositories:
                self._refuse(404, "RepoNotFound")
                return None
            if name in hub.gated:
                self._refuse(403, "GatedRepo")
                return None
            if revision not in ("main", COMMIT):
                self._refuse(404, "RevisionNotFound")
                return None
            return hub.repositories[name]

        def _file(self, name: str, revision: str, path: str, body: bool) -> None:
            span = self.headers.get("Range", "")
            hub.asked.append((self.command, path, span))
            files = self._files(name, revision)
            if files is None:
                return
            if path not in files:
                self._refuse(404, "EntryNotFound")
                return
            content = files[path]
            start = int(span.removeprefix("bytes=").partition("-")[0]) if span else 0
            self.send_response(206 if span else 200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{etag(path, content)}"')
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(content) - start))
            if span:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            if body:
                self._send(path, content, start)

        def _send(self, path: str, content: bytes, start: int) -> None:
            large = path.endswith(LARGE)
            for place in range(start, len(content), PIECE):
                if large and hub.cut_once_after is not None and place >= hub.cut_once_after:
                    hub.cut_once_after = None
                    self.close_connection = True
                    return
                if large and hub.stop_after is not None and place >= hub.stop_after:
                    hub.stopped.set()
                    hub.go_on.wait()
                with suppress(ConnectionError):  # the client was killed
                    self.wfile.write(content[place : place + PIECE])

        def _json(self, answer: object) -> None:
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


def etag(path: str, content: bytes) -> str:
    """The hub's own rule: SHA-256 for large files, git's name of the blob for the others."""
    if path.endswith(LARGE):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def _entry(path: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": etag(path, content)}
    if path.endswith(LARGE):
        entry["lfs"] = {"oid": etag(path, content), "size": len(content), "pointerSize": 130}
    return entry
