"""A double of Hermes's credential pool in three versions, 0.10.0, 0.16.0 and 0.18.2, by the rules that were observed of
them: which entries a load seeds, prunes and renumbers, how one is selected and marked, what a write merges and what it
loses."""
import contextlib, fcntl, hashlib, json, os, pathlib, time, uuid

# provider: its variables in Hermes's order, and its base URL
REGISTRY = {"xiaomi": (["XIAOMI_API_KEY"], "https://api.xiaomimimo.com/v1"),
            "deepseek": (["DEEPSEEK_API_KEY"], "https://api.deepseek.com/v1"),
            "gemini": (["GOOGLE_API_KEY", "GEMINI_API_KEY"], "https://generativelanguage.googleapis.com/v1beta"),
            "anthropic": (["ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"],
                          "https://api.anthropic.com")}
ALWAYS = ("last_status", "last_status_at", "last_error_code", "last_error_reason", "last_error_message",
          "last_error_reset_at")
COMMON = ("id", "label", "auth_type", "priority", "source", "access_token", "refresh_token", *ALWAYS, "base_url",
          "expires_at",
          "expires_at_ms", "last_refresh", "inference_base_url", "agent_key", "agent_key_expires_at", "request_count")
TAXONOMY = ("last_failure_kind", "last_failure_evidence", "failure_confirmations", "last_probe_verdict",
            "last_probe_verdict_at",
            "usage_percent", "usage_percent_at")
EXTRA = ("token_type", "scope", "client_id", "portal_base_url", "obtained_at", "expires_in", "agent_key_id", "tls")
VERSIONS = ("0.10.0", "0.16.0", "0.18.2")


def fingerprint(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()[:16]


class MemoryStore:
    def __init__(self, text=None):
        self.text, self.writes = text, 0

    def read(self):
        return self.text

    def write(self, text):
        self.text, self.writes = text, self.writes + 1

    def lock(self):
        return contextlib.nullcontext()


class FileStore:
    """auth.json as Hermes locks and replaces it."""

    def __init__(self, path):
        self.path, self.writes = pathlib.Path(path), 0

    def read(self):
        try:
            return self.path.read_text()
        except FileNotFoundError:
            return None

    def write(self, text):
        self.writes += 1
        temporary = f"{self.path}.tmp.{os.getpid()}.{uuid.uuid4().hex}"
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, self.path)

    @contextlib.contextmanager
    def lock(self):
        with open(self.path.with_suffix(".lock"), "a+") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.001)  # Hermes polls each 50 ms
            yield


class Exhausted(Exception):
    pass


class Hermes:
    """One process. `variables` is what it finds for environment variables: a function for 0.16.0 and 0.18.2, which read
    .env at every load; 0.10.0 was given them when it started. `custom` maps a pool's name to (raw name, key, base
    URL)."""

    def __init__(self, version, store, variables, custom=dict, strategies=None, clock=time.time):
        self.version, self.store, self.custom, self.clock = version, store, custom, clock
        started_with = dict(variables())
        self.variables = (lambda: started_with) if version == "0.10.0" else variables
        self.strategies = strategies or {}

    # --- the file ---

    def load_store(self):
        text = self.store.read()
        try:
            store = json.loads(text) if text is not None else {}
        except ValueError:
            store = {}
        known = isinstance(store, dict) and (isinstance(store.get("providers"), dict)
                                             or isinstance(store.get("credential_pool"), dict))
        return store if known else {}

    def save(self, provider, entries, removed=()):
        with self.store.lock():
            store = self.load_store()
            pool = store.setdefault("credential_pool", {})
            mine = [self.written(entry) for entry in entries]
            if self.version == "0.18.2":  # the others put their own list in place of what is there
                ids = {entry["id"] for entry in mine}
                mine += [self.stripped(entry) for entry in pool.get(provider, [])
                         if isinstance(entry, dict) and entry.get("id") and entry["id"] not in ids
                         and entry["id"] not in removed]
            pool[provider] = mine
            store = {"version": 1, "providers": {}} | store | {"version": 1,
                                                               "updated_at": f"2026-11-25T00:00:{self.clock():.6f}"}
            self.store.write(json.dumps(store, indent=2) + "\n")

    def borrowed(self, entry):
        source = entry["source"].strip().lower()
        return self.version != "0.10.0" and not (source in ("", "manual", "hermes_pkce", "device_code", "oauth")
                                                or source.startswith(("manual:", "device_code:")))

    def stripped(self, entry):
        if not self.borrowed(entry):
            return entry
        entry = dict(entry)
        secret = entry.pop("access_token", None)
        entry.pop("refresh_token", None)
        if secret:
            entry["secret_fingerprint"] = fingerprint(secret)
        return entry

    def written(self, entry):
        """What a rewrite keeps, in its order; every other member is lost."""
        names = COMMON + (TAXONOMY if self.version == "0.18.2" else ()) + EXTRA
        names += () if self.version == "0.10.0" else ("secret_source", "secret_fingerprint")
        always = ("id", "request_count", *ALWAYS) + (("failure_confirmations",) if self.version == "0.18.2" else ())
        defaults = {"request_count": 0, "failure_confirmations": 0}
        out = {name: entry.get(name, defaults.get(name)) for name in names if name in always
               or entry.get(name) is not None}
        return self.stripped(out)

    # --- load_pool ---

    def seeds(self, provider, suppressed):
        """(source, label, key, base URL) of what this process finds."""
        if provider in self.custom():
            name, key, url = self.custom()[provider]
            if key and f"config:{name}" not in suppressed:
                yield f"config:{name}", name, key, url
            return
        variables, url = REGISTRY[provider]
        for name in variables:
            key = self.variables().get(name)
            if key and f"env:{name}" not in suppressed:
                yield f"env:{name}", name, key, url

    def load(self, provider):
        store = self.load_store()
        disk = store.get("credential_pool", {}).get(provider, [])
        suppressed = store.get("suppressed_sources", {}).get(provider, [])
        entries = [dict(entry, id=entry.get("id") or uuid.uuid4().hex[:6], source=entry.get("source") or "manual")
                   for entry in disk]
        before = [self.written(entry) for entry in entries] if self.version != "0.10.0" else [dict(entry)
                                                                                              for entry in entries]
        migrated = self.version != "0.10.0" and any(self.borrowed(e) and e.get("access_token") for e in entries)
        active = set()
        for source, label, key, url in self.seeds(provider, suppressed):
            active.add(source)
            entries = self.upsert(entries, source,
                                  {"label": label, "auth_type": "api_key", "access_token": key, "base_url": url})
        if self.version == "0.18.2" and provider == "anthropic":
            for entry in entries:
                if (entry.get("access_token") or "").startswith("sk-ant-oat"):
                    entry["auth_type"] = "oauth"
        if self.version == "0.18.2":
            for entry in entries:
                entry["auth_type"] = entry.get("auth_type") or "api_key"
        kept = [entry for entry in entries if not self.prunable(provider, entry, active)]
        removed = {entry["id"] for entry in entries} - {entry["id"] for entry in kept}
        kept.sort(key=lambda entry: entry.get("priority", 0))
        if provider == "anthropic":
            kept.sort(key=self.anthropic_rank)
            for number, entry in enumerate(kept):
                entry["priority"] = number
        after = [self.written(entry) for entry in kept] if self.version != "0.10.0" else kept
        if removed or migrated or sorted(map(str, before)) != sorted(map(str, after)):
            self.save(provider, kept, removed)
        return kept

    def upsert(self, entries, source, seen):
        same = [entry for entry in entries if entry["source"] == source]
        if self.version == "0.18.2":
            entries = [entry for entry in entries if entry not in same[1:]]
        if same:
            same[0] |= seen  # the status is not touched, whatever the key is now
            if self.version != "0.10.0":
                same[0]["secret_fingerprint"] = fingerprint(seen["access_token"])
            return entries
        priority = max((entry.get("priority", 0) for entry in entries), default=-1) + 1
        return entries + [{"id": uuid.uuid4().hex[:6], "priority": priority, "source": source,
                           "request_count": 0} | seen]

    def prunable(self, provider, entry, active):
        source = entry["source"].lower()
        if source == "" or source == "manual" or source.startswith("manual:") or entry["source"] in active:
            return False
        if self.version == "0.10.0":
            return source.startswith("env:")
        if self.version == "0.18.2" and source.startswith("env:"):
            return provider.startswith("custom:")
        return self.borrowed(entry)

    @staticmethod
    def anthropic_rank(entry):
        order = ["env:ANTHROPIC_TOKEN", "env:CLAUDE_CODE_OAUTH_TOKEN", "hermes_pkce", "claude_code",
                 "env:ANTHROPIC_API_KEY"]
        source = entry["source"]
        return 0 if source == "manual" or source.startswith("manual:") else 1 + (order + [source]).index(source)

    # --- select and mark ---

    def until(self, entry):
        if entry.get("last_error_reset_at"):
            return entry["last_error_reset_at"]
        if not entry.get("last_status_at"):
            return 0
        short = self.version != "0.10.0" and entry.get("last_error_code") == 401
        long = self.version == "0.18.2" and entry.get("last_failure_kind") == "auth_permanent"
        return entry["last_status_at"] + (21600 if long else 300 if short else 3600)

    def available(self, provider, entries):
        now, changed, removed, out = self.clock(), False, set(), []
        for entry in list(entries):
            if self.version == "0.18.2" and entry["auth_type"] == "api_key" and not entry.get("access_token"):
                continue
            if self.version != "0.10.0" and entry.get("last_status") == "dead":
                since = entry.get("last_status_at")
                if entry["source"].startswith("manual") and since and now - since > 86400:
                    entries.remove(entry)
                    removed.add(entry["id"])
                continue
            if entry.get("last_status") == "exhausted":
                if now < self.until(entry):
                    continue
                entry |= dict.fromkeys(ALWAYS) | {"last_status": "ok"}
                changed = True
            out.append(entry)
        if changed or removed:
            self.save(provider, entries, removed)
        return out

    def select(self, provider):
        """The entry of the next message; LookupError when there is none."""
        entries = self.load(provider)
        usable = self.available(provider, entries)
        if not usable:
            raise LookupError(f"{provider}: pool_exhausted")
        strategy = self.strategies.get(provider, "fill_first")
        if strategy == "round_robin" and len(usable) > 1:
            entries.remove(usable[0])
            entries.append(usable[0])
            for number, entry in enumerate(entries):
                entry["priority"] = number
            self.save(provider, entries)
        if strategy == "least_used":
            return min(usable, key=lambda entry: (entry.get("request_count", 0), entry["priority"]))
        return usable[0]

    def key(self, provider):
        return self.select(provider).get("access_token") or ""

    def mark(self, provider, key, code=429, reset_at=None, reason=None, entries=None):
        """The provider answered CODE to KEY. ENTRIES: what the process loaded some time ago."""
        entries = self.load(provider) if entries is None else entries
        entry = next((entry for entry in entries if entry.get("access_token") == key), None)
        if entry is None:
            return
        dead = self.version != "0.10.0" and code == 401 and reason in ("token_revoked", "invalid_grant")
        entry |= {"last_status": "dead" if dead else "exhausted", "last_status_at": self.clock(),
                  "last_error_code": code,
                  "last_error_reason": reason, "last_error_message": None, "last_error_reset_at": reset_at}
        self.save(provider, entries)
