"""Reads the snapshot that hermes-compile publishes: the same behaviour as libhermes-runtime, in the language of Hermes.

    reader = hermes_snapshot.open("/home/u/.hermes")
    reader.refresh()                       # costs a stat when nothing is new
    key = reader.pick()                    # the default provider's first healthy key, or None
    if key:
        send(key.base_url, key.secret)
    reader.current.value("fallback_providers.0.model")

Standard library only, one file: copy it beside your program, or import it from where it is installed. A snapshot that
is torn, was edited, or has a newer format raises SnapshotError, and the last good one stays in force. One reader
belongs to one thread; the snapshots that it hands out are immutable and may be read by many.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import mmap
import os
import stat
import struct
import time
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Optional

FORMAT = 1
SNAPSHOT_FILE = "compiled/snapshot.json"
COOLDOWNS_FILE = "compiled/cooldowns.json"
BOOKINGS_FILE = "compiled/bookings"

__all__ = ["Credential", "Fallback", "Origin", "Provider", "Reader", "Snapshot", "SnapshotError", "open"]


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
    secret: str = dataclasses.field(repr=False)  # never in a log; "": the server needs none, send no such header
    fingerprint: str
    base_url: str  # the only one that this key may be sent to
    origins: tuple[Origin, ...]


@dataclasses.dataclass(frozen=True)
class Provider:
    id: str
    base_url: str
    strategy: str
    auth: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    credentials: tuple[Credential, ...]
    alias: Optional[str] = None  # a custom one's key in the providers map
    ca_file: Optional[str] = None  # certificates to trust for it instead of the usual ones
    verify: bool = True  # False: the configuration says `ssl_verify: false`


@dataclasses.dataclass(frozen=True)
class Fallback:
    provider: str
    model: str


@dataclasses.dataclass(frozen=True)
class ModelAlias:
    name: str
    provider: str
    model: str


@dataclasses.dataclass(frozen=True, repr=False)
class Snapshot:
    """One generation. Nothing in it changes."""

    generation: int
    compiled_at: str
    default_provider: Optional[str]
    fallbacks: tuple[Fallback, ...]
    model_aliases: tuple[ModelAlias, ...]
    providers: Mapping[str, Provider]
    env: Mapping[str, str]
    config: Mapping[str, Any]

    def value(self, path: str, default: Any = None) -> Any:
        """A value of the configuration by its dotted path; a name may hold dots."""
        return _value(self.config, path.split("."), default)

    def provider(self, name: Optional[str] = None) -> Optional[Provider]:
        """By id, or by the name of a custom provider (`My LLM`); None: the default one."""
        wanted = name if name is not None else self.default_provider or ""
        plain = wanted.strip().lower().replace(" ", "-")
        custom = plain if plain.startswith("custom:") else "custom:" + plain
        found = self.providers.get(wanted) or self.providers.get(plain) or self.providers.get(custom)
        return found or next((p for p in self.providers.values() if p.alias == custom[len("custom:") :]), None)

    def __repr__(self) -> str:
        return f"<Snapshot generation {self.generation}>"


def _value(node: Any, names: "list[str]", default: Any) -> Any:
    if not names:
        return node
    for count in range(1, len(names) + 1):
        name, rest = ".".join(names[:count]), names[count:]
        if isinstance(node, Mapping) and name in node:
            found = _value(node[name], rest, _MISSING)
        elif isinstance(node, list) and name.isascii() and name.isdigit() and int(name) < len(node):
            found = _value(node[int(name)], rest, _MISSING)
        else:
            found = _MISSING
        if found is not _MISSING:
            return found
    return default


_MISSING = object()


def _require(holds: bool, kind: str = "corrupt") -> None:
    if not holds:
        raise SnapshotError(kind)


def _unsafe(info: os.stat_result) -> bool:
    me = os.geteuid()
    mine = info.st_uid in (me, 0) or me == 0
    return not stat.S_ISREG(info.st_mode) or not mine or bool(info.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def _read(path: str) -> tuple[bytes, os.stat_result]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        raise SnapshotError("absent") from None
    with os.fdopen(fd, "rb") as file:
        info = os.fstat(fd)
        _require(not _unsafe(info), "unsafe")
        data = file.read(info.st_size)
    _require(len(data) == info.st_size)
    return data, info


def _number(value: Any) -> int:
    _require(isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53)
    return value


def _meta_is_whole(meta: dict[str, Any], text: bytes) -> bool:
    """Whether what meta says of itself is true; snapshots of older compilers say nothing."""
    if "meta_digest" not in meta:
        return True
    before = text.rpartition(b',"meta_digest":')[0]
    return text == before + b',"meta_digest":"sha256:' + hashlib.sha256(before).hexdigest().encode() + b'"}'


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
        _require(_meta_is_whole(meta, data[len(opening) : start - len(middle)]))
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
            base_url=item.get("base_url", url),
            origins=tuple(
                Origin(o.get("path", ""), o.get("line", 0), o.get("column", 0), o.get("key", ""))
                for o in item.get("origins", ())
            ),
        )
        for item in value.get("credentials", ())
        if item["secret"] or item.get("auth_type") == "none"
    )
    return Provider(
        id=name,
        base_url=url,
        strategy=value.get("strategy", "fill_first"),
        auth=value.get("auth", "bearer"),
        headers=MappingProxyType(dict(value.get("headers", {}))),
        credentials=credentials,
        alias=value.get("alias"),
        ca_file=value.get("ca_file"),
        verify=value.get("verify", True),
    )


def _unpack(meta: dict[str, Any], content: dict[str, Any]) -> Snapshot:
    try:
        providers = {name: _provider(name, value) for name, value in content.get("providers", {}).items()}
        return Snapshot(
            generation=meta["generation"],
            compiled_at=meta.get("compiled_at", ""),
            default_provider=content.get("default_provider"),
            fallbacks=tuple(Fallback(item["provider"], item["model"]) for item in content.get("fallbacks", ())),
            model_aliases=tuple(
                ModelAlias(item["name"], item["provider"], item["model"]) for item in content.get("model_aliases", ())
            ),
            providers=MappingProxyType(providers),
            env=MappingProxyType(dict(content.get("env", {}))),
            config=MappingProxyType(dict(content.get("config", {}))),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SnapshotError("corrupt") from None


def _moment(info: os.stat_result) -> tuple[int, int, int, int]:
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


class _Bookings:
    """What gateways reported of keys: the table that libhermes-runtime maps, read only. Its form is in bookings.h."""

    HEAD, SLOT, SLOTS = struct.Struct("=8sII"), struct.Struct("=QQQ"), 16384
    MODEL = 1  # of hermes_scope
    SIZE = 64 * (SLOTS + 1)
    COOLING, DEAD = 1, 2

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: Optional[tuple[int, int]] = None
        self._map: Optional[mmap.mmap] = None

    def until(self, provider: str, fingerprint: str, model: Optional[str] = None) -> float:
        """Until when a key cools: seconds since the epoch, inf for a dead one, 0 when nothing is known. MODEL: what it
        is wanted for; its provider may limit it to other models."""
        table = self._table()
        if table is None:
            return 0.0
        bits = int(fingerprint[7:], 16) if fingerprint.startswith("sha256:") else _fnv(fingerprint)
        key = (_fnv(provider) ^ bits) or 1
        until = self._slot(table, key)
        if model is not None:
            mixed = (_fnv(model) + self.MODEL) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
            until = max(until, self._slot(table, (key ^ mixed) or 1))
        return until

    def _slot(self, table: mmap.mmap, key: int) -> float:
        for i in range(self.SLOTS):
            there, _, word = self.SLOT.unpack_from(table, 64 * (1 + (key + i) % self.SLOTS))
            if there == 0:
                return 0.0
            if there == key:
                verdict = word & 3
                return math.inf if verdict == self.DEAD else (word >> 20) / 1000 if verdict == self.COOLING else 0.0
        return 0.0

    def _table(self) -> Optional[mmap.mmap]:
        try:
            info = os.lstat(self._path)
            if (info.st_dev, info.st_ino) != self._file or _unsafe(info):
                self._map, self._file = None, None
                fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK | os.O_NOFOLLOW)
                try:
                    info = os.fstat(fd)
                    if info.st_size == self.SIZE and not _unsafe(info):
                        table = mmap.mmap(fd, self.SIZE, access=mmap.ACCESS_READ)
                        if self.HEAD.unpack_from(table) == (b"hermesbk", 1, self.SLOTS):
                            self._map, self._file = table, (info.st_dev, info.st_ino)
                finally:
                    os.close(fd)
        except (OSError, ValueError):
            self._map, self._file = None, None
        return self._map


def _fnv(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "surrogateescape"):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def _homes_that_book(home: str) -> "list[str]":
    """HOME, and of a profile, <root>/profiles/<name>, the root, whose keys it has."""
    above, name = os.path.split(home)
    root, folder = os.path.split(above)
    return [home, root] if name and root and folder == "profiles" else [home]


class Reader:
    """Holds the last good snapshot of one home."""

    def __init__(self, home: "str | os.PathLike[str]") -> None:
        self._path = os.path.join(os.fspath(home), SNAPSHOT_FILE)
        self._cooldowns_path = os.path.join(os.fspath(home), COOLDOWNS_FILE)
        homes = _homes_that_book(os.fspath(home))
        self._bookings = [_Bookings(os.path.join(each, BOOKINGS_FILE)) for each in homes]
        self._cooldowns: dict[str, Any] = {}
        self._cooldowns_moment: Optional[tuple[int, int, int, int]] = None
        self._load()

    @property
    def current(self) -> Snapshot:
        return self._snapshot

    def refresh(self) -> bool:
        """True when another snapshot is in force than before: a new generation, or another content under the same
        number, which begins anew when compiled/ was deleted. Raises SnapshotError when what is there is unusable; the
        last good snapshot stays then."""
        try:
            info = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            raise SnapshotError("absent") from None
        if _moment(info) == self._moment:
            return False
        before = self._snapshot.generation, self._digest
        self._load()
        return (self._snapshot.generation, self._digest) != before

    def pick(
        self, provider: Optional[str] = None, skip: Collection[str] = (), model: Optional[str] = None
    ) -> Optional[Credential]:
        """The first key of PROVIDER (see Snapshot.provider; None: the default one) that is neither cooling nor dead, by
        the pool and by what any gateway of this home reported. SKIP: fingerprints that were tried already. MODEL: what
        it is wanted for, where a provider limits a key for one model only."""
        found = self._snapshot.provider(provider)
        if found is None:
            return None
        self._refresh_cooldowns()
        now = time.time()
        for key in found.credentials:
            if key.fingerprint not in skip and self._usable(found.id, key.fingerprint, model, now):
                return key
        return None

    def _load(self) -> None:
        data, info = _read(self._path)
        meta, content = _content(data)
        self._snapshot = _unpack(meta, content)
        self._digest = meta["digest"]
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

    def _usable(self, provider: str, fingerprint: str, model: Optional[str], now: float) -> bool:
        if any(bookings.until(provider, fingerprint, model) > now for bookings in self._bookings):
            return False
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
