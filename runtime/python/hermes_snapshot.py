"""Reads the snapshot that hermes-compile publishes: the same behaviour as libhermes-runtime, in the language of Hermes.

    reader = hermes_snapshot.open("/home/u/.hermes")
    reader.refresh()                       # costs a stat when nothing is new
    key = reader.pick()                    # the default provider's first key that is not cooling, or None
    if key:
        send(key.base_url, key.secret)

Standard library only, one file: copy it beside your program, or import it from where it is installed. A snapshot that is
torn, was edited, or has a newer format raises SnapshotError, and the last good one stays in force. One reader belongs to
one thread; the snapshots that it hands out are immutable and may be read by many.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Optional

FORMAT = 1
SNAPSHOT_FILE = "compiled/snapshot.json"
COOLDOWNS_FILE = "compiled/cooldowns.json"

__all__ = ["Credential", "Origin", "Provider", "Reader", "Snapshot", "SnapshotError", "open"]


class SnapshotError(Exception):
    """The snapshot cannot be used. `kind` is "absent", "corrupt", "newer" or "unsafe"."""

    MESSAGES = {
        "absent": "there is no snapshot; run hermes-compile",
        "corrupt": "the snapshot is torn or was edited; run hermes-compile",
        "newer": "the snapshot has a newer format than this library knows",
        "unsafe": "the snapshot belongs to another user or may be written by others",
    }

    def __init__(self, kind: str) -> None:
        super().__init__(self.MESSAGES[kind])
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a key stands. line and column count from 1; 0 for an entry of auth.json."""

    path: str
    line: int
    column: int
    key: str


@dataclasses.dataclass(frozen=True)
class Credential:
    id: str
    label: str
    secret: str = dataclasses.field(repr=False)  # never in a log
    fingerprint: str
    base_url: str
    origins: tuple[Origin, ...]


@dataclasses.dataclass(frozen=True)
class Provider:
    id: str
    base_url: str
    strategy: str
    auth: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    credentials: tuple[Credential, ...]


@dataclasses.dataclass(frozen=True, repr=False)
class Snapshot:
    """One generation. Nothing in it changes."""

    generation: int
    compiled_at: str
    default_provider: Optional[str]
    providers: Mapping[str, Provider]
    env: Mapping[str, str]
    config: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<Snapshot generation {self.generation}>"


def _require(holds: bool, kind: str = "corrupt") -> None:
    if not holds:
        raise SnapshotError(kind)


def _read(path: str) -> tuple[bytes, os.stat_result]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        raise SnapshotError("absent") from None
    with os.fdopen(fd, "rb") as file:
        info, me = os.fstat(fd), os.geteuid()
        mine = info.st_uid in (me, 0) or me == 0
        _require(stat.S_ISREG(info.st_mode) and mine and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH), "unsafe")
        data = file.read(info.st_size)
    _require(len(data) == info.st_size)
    return data, info


def _number(value: Any) -> int:
    _require(isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53)
    return value


def _content(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Meta and content, after the bytes between them were checked."""
    opening, middle, closing = b'{"meta":', b',"content":', b"}\n"
    _require(data.startswith(opening))
    try:
        text = data.decode("utf-8", "surrogateescape")  # the digest answers for the content; meta is only looked at
        meta, end = json.JSONDecoder(strict=False).raw_decode(text, len(opening))
        start = len(text[:end].encode("utf-8", "surrogateescape")) + len(middle)
        _require(isinstance(meta, dict))
        _number(meta.get("generation"))
        _require(isinstance(meta.get("format"), (int, float)))
        _require(meta["format"] <= FORMAT, "newer")
        body = data[start : -len(closing)]
        _require(data[start - len(middle) : start] == middle and data.endswith(closing))
        _require(meta.get("content_bytes") == len(body))
        _require(meta.get("digest") == "sha256:" + hashlib.sha256(body).hexdigest())
        content = json.loads(body)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise SnapshotError("corrupt") from None
    _require(isinstance(content, dict))
    return meta, content


def _provider(name: str, value: Mapping[str, Any]) -> Provider:
    url = value.get("base_url", "")
    credentials = tuple(
        Credential(
            id=item["id"],
            label=item.get("label", ""),
            secret=item["secret"],
            fingerprint=item["fingerprint"],
            base_url=url,
            origins=tuple(
                Origin(o.get("path", ""), o.get("line", 0), o.get("column", 0), o.get("key", ""))
                for o in item.get("origins", ())
            ),
        )
        for item in value.get("credentials", ())
    )
    return Provider(
        id=name,
        base_url=url,
        strategy=value.get("strategy", "fill_first"),
        auth=value.get("auth", "bearer"),
        headers=MappingProxyType(dict(value.get("headers", {}))),
        credentials=credentials,
    )


def _unpack(data: bytes) -> Snapshot:
    meta, content = _content(data)
    try:
        providers = {name: _provider(name, value) for name, value in content.get("providers", {}).items()}
        return Snapshot(
            generation=meta["generation"],
            compiled_at=meta.get("compiled_at", ""),
            default_provider=content.get("default_provider"),
            providers=MappingProxyType(providers),
            env=MappingProxyType(dict(content.get("env", {}))),
            config=MappingProxyType(dict(content.get("config", {}))),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SnapshotError("corrupt") from None


def _moment(info: os.stat_result) -> tuple[int, int, int, int]:
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


class Reader:
    """Holds the last good snapshot of one home."""

    def __init__(self, home: "str | os.PathLike[str]") -> None:
        self._path = os.path.join(os.fspath(home), SNAPSHOT_FILE)
        self._cooldowns_path = os.path.join(os.fspath(home), COOLDOWNS_FILE)
        self._cooldowns: dict[str, Any] = {}
        self._cooldowns_moment: Optional[tuple[int, int, int, int]] = None
        self._load()

    @property
    def current(self) -> Snapshot:
        return self._snapshot

    def refresh(self) -> bool:
        """True when a new generation is in force. Raises SnapshotError when what is there is unusable; the last good
        snapshot stays then."""
        try:
            info = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            raise SnapshotError("absent") from None
        if _moment(info) == self._moment:
            return False
        before = self._snapshot.generation
        self._load()
        return self._snapshot.generation != before

    def pick(self, provider: Optional[str] = None) -> Optional[Credential]:
        """The first key of PROVIDER (None: the default one) that is not cooling."""
        found = self._snapshot.providers.get(provider or self._snapshot.default_provider or "")
        if found is None:
            return None
        self._refresh_cooldowns()
        now = time.time()
        return next((c for c in found.credentials if self._usable(found.id, c.fingerprint, now)), None)

    def _load(self) -> None:
        data, info = _read(self._path)
        self._snapshot = _unpack(data)
        self._moment = _moment(info)

    def _refresh_cooldowns(self) -> None:
        """An observation: when it cannot be read, every key counts as fresh."""
        try:
            info = os.stat(self._cooldowns_path)
            if _moment(info) == self._cooldowns_moment:
                return
            data, info = _read(self._cooldowns_path)
            self._cooldowns_moment = _moment(info)
            memory = json.loads(data)
            self._cooldowns = memory["cooldowns"] if isinstance(memory["cooldowns"], dict) else {}
        except FileNotFoundError:
            self._cooldowns, self._cooldowns_moment = {}, None
        except (OSError, SnapshotError, ValueError, KeyError, TypeError):
            self._cooldowns = {}

    def _usable(self, provider: str, fingerprint: str, now: float) -> bool:
        keys = self._cooldowns.get(provider)
        cooldown = keys.get(fingerprint) if isinstance(keys, dict) else None
        if not isinstance(cooldown, dict):
            return True
        if cooldown.get("status") == "dead":
            return False
        until = cooldown.get("until")
        return not isinstance(until, (int, float)) or now >= until


def open(home: "str | os.PathLike[str] | None" = None) -> Reader:
    """A reader of HOME (None: $HERMES_HOME, else ~/.hermes). Raises SnapshotError."""
    if home is None:
        home = os.environ.get("HERMES_HOME", "").strip() or os.path.join(os.path.expanduser("~"), ".hermes")
    return Reader(home)
