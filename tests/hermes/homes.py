"""Homes as people have them, made from a seed: homes.make(seed) is one, and the same one each time.

A home is plain data, so that it can be cut down (cuts) and written (write): {"config": {...}, ".env": [lines],
"auth": {...}, "managed config": {...}, "managed .env": [lines], ".op.env": [lines], "plugin": name or None,
"root": {...} or None, "clone": "", "removed": False, "asks": [[pool, name], ...], "status": 429, "settled": False,
"edit": [kind, number], "reset": False, "second": None}. With a root, the home is a profile of it; clone: its
`auth.json`, or what is in the root but for the sources ("home"), was copied there behind the root's compile; removed: a
person took our entries out; settled: Hermes has seen it compiled. What a process that holds its pool lives to see:
`edit` made the home from what it was before (earlier), a `reset`, and a `second` process whose key is answered with
that status."""
import copy, hashlib, json, os, random, re

import yaml

NOW_OFFSETS = {"resting": -30, "over": -90000}
REGISTRY = {  # id: variables, base-URL variable, URL, aliases
    "xiaomi": (["XIAOMI_API_KEY"], "XIAOMI_BASE_URL", "https://api.xiaomimimo.com/v1", ["mimo"]),
    "deepseek": (["DEEPSEEK_API_KEY"], "DEEPSEEK_BASE_URL", "https://api.deepseek.com/v1", ["deepseek-chat"]),
    "xai": (["XAI_API_KEY"], "XAI_BASE_URL", "https://api.x.ai/v1", ["grok"]),
    "gemini": (["GOOGLE_API_KEY", "GEMINI_API_KEY"], "GEMINI_BASE_URL",
               "https://generativelanguage.googleapis.com/v1beta", ["google"]),
    "kimi-coding": (["KIMI_API_KEY", "KIMI_CODING_API_KEY"], "KIMI_BASE_URL", "https://api.moonshot.ai/v1", ["kimi"]),
    "minimax": (["MINIMAX_API_KEY"], "MINIMAX_BASE_URL", "https://api.minimax.io/anthropic", []),
    "alibaba": (["DASHSCOPE_API_KEY"], "DASHSCOPE_BASE_URL",
                "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", ["dashscope"]),
    "nvidia": (["NVIDIA_API_KEY"], "NVIDIA_BASE_URL", "https://integrate.api.nvidia.com/v1", ["nim"]),
    "huggingface": (["HF_TOKEN"], "HF_BASE_URL", "https://router.huggingface.co/v1", ["hf"]),
    "ollama-cloud": (["OLLAMA_API_KEY"], "OLLAMA_BASE_URL", "https://ollama.com/v1", []),
    "openai-api": (["OPENAI_API_KEY"], "OPENAI_BASE_URL", "https://api.openai.com/v1", []),
    "openrouter": (["OPENROUTER_API_KEY"], "OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1", []),
    "anthropic": (["ANTHROPIC_API_KEY", "ANTHROPIC_TOKEN"], "ANTHROPIC_BASE_URL", "https://api.anthropic.com",
                  ["claude"]),
    "lmstudio": (["LM_API_KEY"], "LM_BASE_URL", "http://127.0.0.1:1234/v1", ["lm-studio"]),
    "azure-foundry": (["AZURE_FOUNDRY_API_KEY"], "AZURE_FOUNDRY_BASE_URL", "", []),
    "zai": (["GLM_API_KEY", "ZAI_API_KEY"], "GLM_BASE_URL", "https://api.z.ai/api/paas/v4", ["glm"]),
    "ai-gateway": (["AI_GATEWAY_API_KEY"], "AI_GATEWAY_BASE_URL", "https://ai-gateway.vercel.sh/v1", ["vercel"]),
    "actual": (["ACTUAL_API_KEY"], "ACTUAL_BASE_URL", "https://api.actual.inc/v1", []),
    "opencode-zen": (["OPENCODE_ZEN_API_KEY"], "OPENCODE_ZEN_BASE_URL", "https://opencode.ai/zen/v1", []),
}
LOGINS = ["openai-codex", "nous", "xai-oauth", "qwen-oauth"]  # no key of a file is theirs
CUSTOM = [  # map key, display name, URL
    ("my-llm", "My LLM", "https://llm.example.com/v1"), ("acme", "Acme", "https://api.acme.example/v1"),
    ("acme-two", "Acme Two", "https://api.acme.example/v1"), ("box", "Local Box", "http://127.0.0.1:8000/v1"),
    ("lan", "LAN vLLM", "http://192.168.1.20:8000/v1"), ("ACME", "ACME", "https://other.acme.example/v1"),
    ("groq", "Groq", "https://api.groq.com/openai/v1"),
    ("ds-proxy", "DS Proxy", "https://proxy.example.net/deepseek/v1"),
]
PLACEHOLDERS = ["none", "dummy", "x", "no-key-required", "changeme", "ollama", "EMPTY", "your_api_key"]
VAULT = ["op://Private/DeepSeek/credential", "${vault:llm/key}", "vault:llm/key", "bws://1234", "ENC[AES256,data:x]"]


class Maker:
    """The dice of one home, and the keys it has handed out."""

    def __init__(self, seed):
        self.dice, self.keys, self.seed = random.Random(seed), [], seed
        self.home = {"config": {}, ".env": [], "auth": {}, "managed config": {}, "managed .env": [], ".op.env": [],
                     "plugin": None, "root": None, "clone": "", "removed": False, "asks": [], "status": 429,
                     "settled": seed % 2 == 1, "edit": None, "reset": False, "second": None}

    def odds(self, share):
        return self.dice.random() < share

    def pick(self, things):
        return self.dice.choice(things)

    def key(self, again=0.2):
        """A key, sometimes one that stands somewhere else already."""
        if self.keys and self.odds(again):
            return self.pick(self.keys)
        self.keys.append(f"sk-test-{self.seed:x}-{self.dice.randrange(1 << 40):010x}")
        return self.keys[-1]

    def value(self):
        """What stands where a key is meant."""
        if self.odds(0.03):
            return self.pick(PLACEHOLDERS)
        if self.odds(0.02):
            return self.pick(VAULT)
        if self.odds(0.1):
            return self.reference(self.variable("EXTRA_KEY", self.key()))
        return self.key()

    def reference(self, name):
        return self.pick(["${%s}", "${env:%s}", "${ %s }", "${%s}"]) % name

    def variable(self, name, value, lines=None):
        """Sets NAME in .env, in one of the ways people write it."""
        form = self.pick(["%s=%s"] * 6 + ["export %s=%s", "%s='%s'", '%s="%s"', "%s = %s", "%s=%s # mine",
                                          '%s="%s" # mine'])
        (self.home[".env"] if lines is None else lines).append(form % (name, value))
        return name


def make(seed):
    maker = Maker(seed)
    names = registry_names(maker) + custom_names(maker) + maker.dice.sample(LOGINS, maker.pick([0] * 9 + [1]))
    maker.dice.shuffle(names)
    model(maker, names)
    strategies(maker, names)
    side_tasks(maker, names)
    more_variables(maker, names)
    pools(maker, names)
    outside(maker, names)
    home = maker.home
    home["asks"] = [[pool, name] for pool, name in {pool_of(name): name for name in names[:4]}.items()] + [["", ""]]
    home["status"] = maker.pick([429, 429, 429, 401, 402, 503])
    home["edit"] = [maker.pick([None, "rotated", "rotated", "rotated", "added", "removed"]), maker.dice.randrange(64)]
    home["reset"] = maker.odds(0.15)
    home["second"] = maker.pick([None, None, 429, 401, 402])
    return home


def earlier(home):
    """HOME as it was before its edit: one key was another, one was not there yet, or one was there that is gone."""
    kind, number = home["edit"] or [None, 0]
    before = copy.deepcopy(home)
    lines = [at for at, line in enumerate(home[".env"]) if "sk-test-" in line]
    leaves = [path for path in paths_of(home["config"], ()) if path[-1] in ("api_key", "api")
              and str(value_at(home["config"], path)).startswith("sk-test-")]
    if kind == "removed":
        unset = [names[0] for names, *_ in REGISTRY.values() if value_of_line(home[".env"], names[0]) is None]
        before[".env"].append(f"{unset[number % len(unset)]}=sk-test-gone-{number}" if unset else "")
    elif kind and lines + leaves:
        place = (lines + leaves)[number % len(lines + leaves)]
        old = None if kind == "added" else f"sk-test-old-{number}"
        if not isinstance(place, tuple):
            before[".env"][place] = re.sub(r"sk-test-[-\w]+", old, home[".env"][place]) if old else ""
        elif old:
            value_at(before["config"], place[:-1])[place[-1]] = old
        else:
            before = without(before, ("config", *place))
    return before


def value_at(value, path):
    for name in path:
        value = value[name]
    return value


def pool_of(name):
    return name if name in REGISTRY or name in LOGINS else "custom:" + name.lower().replace(" ", "-")


def registry_names(maker):
    """Providers of the table, with their variables and entries in `providers`."""
    names = maker.dice.sample(sorted(REGISTRY), maker.pick([0, 1, 1, 1, 2]))
    for name in names:
        variables, base_url, url, _ = REGISTRY[name]
        for variable in variables:
            if maker.odds(0.6):
                maker.variable(variable, maker.value())
                if maker.odds(0.05):
                    for number in maker.pick([[2], [2, 3], [3]]):
                        maker.variable(f"{variable}_{number}", maker.key())
        if maker.odds(0.12) or not url:
            maker.variable(base_url, maker.pick(["https://proxy.example.net/v1", url or "https://az.example.net/v1"]))
        if maker.odds(0.15):
            maker.home["config"].setdefault("providers", {})[name] = entry(maker, name, url, 0.5)
    return names


def entry(maker, name, url, keyed):
    """An entry of `providers` or `custom_providers`."""
    made, variable = {}, "".join(c if c.isalnum() else "_" for c in name).upper()
    if url and maker.odds(0.9):
        made[maker.pick(["base_url", "base_url", "base_url", "api", "url"])] = url
    if maker.odds(keyed):
        made["api_key"] = maker.value()
    if maker.odds(0.35):
        made["key_env"] = maker.pick([variable + "_KEY", f"HERMES_CUSTOM_{variable}_API_KEY"])
        if maker.odds(0.85):
            maker.variable(made["key_env"], maker.value())
    if maker.odds(0.05):
        made["key_cmd"] = "printf sk-test-short-lived"
    if maker.odds(0.06):
        made["enabled"] = maker.pick([False, True])
    return made


def custom_names(maker):
    """Custom providers: the map, the list, or both."""
    names = []
    for key, name, url in maker.dice.sample(CUSTOM, maker.pick([0, 0, 1, 1, 2])):
        made = entry(maker, key, url, 0.6)
        if maker.odds(0.5):
            if maker.odds(0.4):
                made["name"] = name
            maker.home["config"].setdefault("providers", {})[key] = made
            names.append(made.get("name", key))
        else:
            made = {"name": name} | made
            maker.home["config"].setdefault("custom_providers", []).append(made)
            names.append(name)
    return names


def model(maker, names):
    """The section `model`: one of the providers, by one of its names, or none."""
    name = maker.pick(names) if names else None
    made = {"default": "some-model"} if maker.odds(0.9) else {}
    if maker.odds(0.02):
        maker.home["config"]["secrets"] = {maker.pick(["onepassword", "bitwarden", "command"]): {"enabled": True}}
    if name and maker.odds(0.85):
        made["provider"] = maker.pick([name] * 4 + REGISTRY.get(name, ([], "", "", []))[3] + [map_key(maker, name)])
    elif maker.odds(0.4):
        made["provider"] = maker.pick(["auto", "custom", "ollama", "nobody"])
    if maker.odds(0.2):
        made["base_url"] = maker.pick(["https://proxy.example.net/v1", "https://openrouter.ai/api/v1",
                                       "http://127.0.0.1:8000/v1", "https://api.acme.example/v1", "localhost:11434/v1",
                                       "http://plain.example.org/v1"])
    if maker.odds(0.25):
        made[maker.pick(["api_key"] * 5 + ["api"])] = maker.value()
    if maker.odds(0.05):
        made[maker.pick(["key_env", "api_key_env"])] = maker.variable("MODEL_KEY", maker.value())
    if maker.odds(0.04):
        maker.variable("HERMES_INFERENCE_PROVIDER", name or "custom")
    if maker.odds(0.03):
        maker.variable("CUSTOM_BASE_URL", "https://custom.example.net/v1")
    maker.home["config"] = ({"model": made} if made or maker.odds(0.5) else {}) | maker.home["config"]
    if maker.odds(0.02):
        maker.home["config"]["model"] = f"{name}/some-model"


def map_key(maker, name):
    """The other name of an entry of `providers`, or its name as a pool has it."""
    for key, made in maker.home["config"].get("providers", {}).items():
        if made.get("name") == name:
            return key
    return name if name in REGISTRY else maker.pick(["custom:" + name, name.lower(), "custom"])


def strategies(maker, names):
    if names and maker.odds(0.08):
        maker.home["config"]["credential_pool_strategies"] = {
            pool_of(maker.pick(names)): maker.pick(["round_robin", "least_used", "fill_first"])}


def side_tasks(maker, names):
    """Fallbacks, auxiliary, delegation, aliases: what must not move anybody's main requests."""
    config, some = maker.home["config"], names or ["deepseek"]
    own = lambda: {"provider": maker.pick(some + ["custom"])} | (
        {"base_url": "https://side.example.org/v1"} if maker.odds(0.5) else {}) | (
        {"api_key": maker.value()} if maker.odds(0.5) else {})
    if maker.odds(0.12):
        config["fallback_providers"] = [own() | {"model": "m"} for _ in range(maker.pick([1, 2]))]
    if maker.odds(0.06):
        config["fallback_model"] = own() | {"model": "m"}
    if maker.odds(0.1):
        config["auxiliary"] = {maker.pick(["vision", "compression", "title_generation"]): own()}
    if maker.odds(0.05):
        config["delegation"] = own()
    if maker.odds(0.05):
        config["model_aliases"] = {"fast": own() | {"model": "m"}}
    if maker.odds(0.04):
        config["hermes_watch"] = {"settle_ms": 30}


def more_variables(maker, names):
    """Variables of others, comments, lines that mean nothing."""
    lines = maker.home[".env"]
    if maker.odds(0.15):
        other = maker.pick(sorted(REGISTRY))
        maker.variable(REGISTRY[other][0][0], maker.key())
    if maker.odds(0.05):
        maker.variable(maker.pick(["OPENAI_API_KEY", "OPENROUTER_API_KEY", "CUSTOM_API_KEY"]), maker.key())
    if maker.odds(0.05):
        lines.append(maker.pick(["# a comment", "", "NOT A LINE", "EMPTY_API_KEY=", "DEEPSEEK_API_KEY=", "A=b=c"]))
    if maker.odds(0.02):
        lines.append(f"FIRST_API_KEY={maker.key()}{REGISTRY[maker.pick(sorted(REGISTRY))][0][0]}={maker.key()}")
    if maker.odds(0.03):
        maker.variable(variables_of(maker.pick(names or ["xai"]))[0], maker.key(), maker.home[".op.env"])
    if lines and maker.odds(0.06):
        name = lines[0].removeprefix("export ").split("=")[0].strip()
        lines.append(f"{name}={maker.key()}" if maker.odds(0.5) else f"XIAOMI_API_KEY=${{{name}}}")
    maker.dice.shuffle(lines)


def pools(maker, names):
    """auth.json as Hermes, `hermes auth`, and earlier versions of this program leave it."""
    pool, suppressed = {}, {}
    for name in names:
        if maker.odds(0.5):
            rows = pool_rows(maker, name)
            for priority, made in enumerate(rows):
                made["priority"] = priority
            pool[pool_of(name)] = rows
        if maker.odds(0.04):
            suppressed[pool_of(name)] = [maker.pick(["env:" + variables_of(name)[0], "config:" + name, "manual",
                                                     "manual:hermes-watch:model.api_key"])]
        if name not in REGISTRY and maker.odds(0.03):
            pool[name.lower()] = [row(maker, "manual", maker.key(), "https://own.example.org/v1")]  # its other pool
    if pool or suppressed or maker.odds(0.2):
        maker.home["auth"] = {"version": 1, "providers": {}, "credential_pool": pool} | (
            {"suppressed_sources": suppressed} if suppressed else {})


def pool_rows(maker, name):
    if name in LOGINS:
        return [login(maker, maker.pick(["device_code", "manual:device_code"])) for _ in range(maker.pick([1, 1, 2]))]
    url = REGISTRY[name][2] if name in REGISTRY else next((u for k, n, u in CUSTOM if name in (k, n)), "")
    rows = seeded_rows(maker, name, url) if maker.odds(0.75) else []
    for _ in range(maker.pick([0, 0, 0, 1, 1, 2])):
        rows.append(row(maker, "manual", maker.key(), maker.pick([url, url, "https://own.example.org/v1", None])))
    if maker.odds(0.15):
        for _ in range(maker.pick([1, 1, 1, 2])):
            rows.insert(0, row(maker, "manual:hermes-watch:" + maker.pick(["model.api_key"] + variables_of(name)),
                               maker.key(0.6), url))
    if maker.odds(0.04) and name in ("anthropic", "xai"):
        rows.append(login(maker, "manual:device_code") | {"base_url": url})
    maker.dice.shuffle(rows) if maker.odds(0.2) else None
    return rows


def login(maker, source):
    return row(maker, source, maker.key(0), None) | {"auth_type": "oauth", "refresh_token": "sk-test-refresh",
                                                     "expires_at": "2040-01-01T00:00:00+00:00"}


def variables_of(name):
    return REGISTRY[name][0] if name in REGISTRY else ["SOME_KEY"]


def seeded_rows(maker, name, url):
    """The rows that Hermes makes by itself; some of them of a key that has changed since."""
    rows = []
    if name not in REGISTRY:
        made = row(maker, "config:" + name, None, url)
        made["secret_fingerprint"] = fingerprint(key_of_entry(maker, name) or "sk-test-gone")
        return [made]
    for variable in REGISTRY[name][0]:
        value = value_of(maker, variable)
        if value or maker.odds(0.1):
            made = row(maker, "env:" + variable, None, url)
            made["secret_fingerprint"] = fingerprint(value if value and maker.odds(0.7) else "sk-test-before")
            rows.append(made)
    return rows


def key_of_entry(maker, name):
    config = maker.home["config"]
    entries = [(made.get("name", key), made) for key, made in config.get("providers", {}).items()]
    entries += [(made.get("name"), made) for made in config.get("custom_providers", [])]
    return next((made.get("api_key") for other, made in entries if other == name), None)


def value_of(maker, variable):
    return value_of_line(maker.home[".env"], variable)


def value_of_line(lines, variable):
    for line in lines:
        if line.removeprefix("export ").split("=")[0].strip() == variable:
            return line.split("=", 1)[1].split(" #")[0].strip().strip("'\"")
    return None


def row(maker, source, key, url):
    made = {"id": f"{maker.dice.randrange(1 << 24):06x}", "label": source.split(":")[-1], "auth_type": "api_key",
            "priority": 0, "source": source}
    made |= {"access_token": key} if key else {}
    made |= dict.fromkeys(("last_status", "last_status_at", "last_error_code", "last_error_reason",
                           "last_error_message", "last_error_reset_at"))
    made |= {"request_count": maker.pick([0, 0, 3])} | ({"base_url": url} if url is not None else {})
    state = maker.pick(["fresh"] * 7 + ["ok", "resting", "resting", "over", "dead"])
    if state in NOW_OFFSETS:
        made |= {"last_status": "exhausted", "last_status_at": NOW_OFFSETS[state], "last_error_code":
                 maker.pick([429, 429, 402, 401, 503])}
        if state == "resting" and maker.odds(0.3):
            made["last_error_reset_at"] = 7200
        if maker.odds(0.2):
            made["failure_reason"] = maker.pick(["billing", "rate_limit"])
    elif state == "dead":
        made |= {"last_status": "dead", "last_status_at": -600, "last_error_code": 401,
                 "last_error_reason": "token_revoked"}
    elif state == "ok":
        made["last_status"] = "ok"
    if maker.odds(0.05):
        made["model_cooldowns"] = {"some-model": 3600}
    if maker.odds(0.05):
        made["status_cleared_at"] = maker.pick([-10, -3600])
    return made


def outside(maker, names):
    """Managed files, a root above a profile."""
    if maker.odds(0.06):
        maker.home["managed config"] = {"model": {"provider": maker.pick(names or ["xai"])} | (
            {"api_key": maker.key()} if maker.odds(0.5) else {})}
    if maker.odds(0.06):
        name = maker.pick(names or ["xai"])
        maker.variable(variables_of(name)[0], maker.key(), maker.home["managed .env"])
    if maker.odds(0.1):
        above = make(maker.seed + (1 << 40))
        if maker.odds(0.5):  # the profile was made as a copy, and has keys of its own by now
            above = json.loads(json.dumps(maker.home).replace("sk-test-", "sk-test-root-"))
        maker.home["root"] = {part: above[part] for part in ("config", ".env", ".op.env", "auth")}
        maker.home["clone"] = maker.pick(["", "", "auth.json", "home"])
    maker.home["removed"] = maker.odds(0.04)
    if maker.odds(0.002):
        maker.home["plugin"] = "plugged"
        maker.variable("PLUGGED_API_KEY", maker.key())
        model = maker.home["config"].get("model")
        maker.home["config"]["model"] = (model if isinstance(model, dict) else {}) | {"provider": "plugged"}


def fingerprint(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()[:16]


# --- writing ---------------------------------------------------------------------------------------------------------

def write(home, folder, now):
    """Writes HOME below FOLDER: the paths of the home, of the managed folder, and of every home there, roots first."""
    managed, top = os.path.join(folder, "managed"), os.path.join(folder, "home")
    os.makedirs(managed)
    put(managed, "config.yaml", home["managed config"] and text_of(home["managed config"]))
    put(managed, ".env", "".join(line + "\n" for line in home["managed .env"]))
    homes = [top]
    if home["root"] is not None:
        homes.append(os.path.join(top, "profiles", "work"))
        put_home(top, home["root"], now)
    put_home(homes[-1], home, now)
    return homes[-1], managed, homes


def sources(path, home):
    """{path: text} of the files that people edit."""
    return {os.path.join(path, "config.yaml"): text_of(home["config"]),
            os.path.join(path, ".env"): "".join(line + "\n" for line in home[".env"])}


def put_home(path, home, now):
    os.makedirs(path, mode=0o700)
    for file, text in sources(path, home).items():
        put(path, os.path.basename(file), text)
    put(path, ".op.env", "".join(line + "\n" for line in home[".op.env"]))
    if home.get("plugin"):
        put_plugin(os.path.join(path, "plugins", "model-providers", home["plugin"]), home["plugin"])
    put(path, "auth.json", home["auth"] and json.dumps(dated(home["auth"], now), indent=2) + "\n")


def put_plugin(folder, name):
    """A provider that Hermes learns of by the user's own plugin."""
    os.makedirs(folder)
    put(folder, "__init__.py", "from providers import register_provider\nfrom providers.base import ProviderProfile\n"
        f"register_provider(ProviderProfile(name={name!r}, env_vars=({name.upper() + '_API_KEY'!r},), "
        f"base_url='https://{name}.example.org/v1'))\n")
    put(folder, "plugin.yaml", f"name: {name}\nkind: model-provider\n")


def put(folder, name, text):
    if text:
        with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(text)


def text_of(config):
    return yaml.dump(config, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


def dated(auth, now):
    """Times of rows are kept as seconds from now."""
    auth = copy.deepcopy(auth)
    for rows in auth.get("credential_pool", {}).values():
        for made in rows:
            for member in ("last_status_at", "last_error_reset_at", "status_cleared_at"):
                if made.get(member) is not None:
                    made[member] += now
            for model in made.get("model_cooldowns", {}):
                made["model_cooldowns"][model] += now
    return auth


def plain(home):
    """HOME without the rows that earlier versions of this program left."""
    home = copy.deepcopy(home)
    for part in (home, home["root"] or {}):
        drop_ours(part.get("auth", {}))
    return home


def drop_ours(auth):
    for rows in auth.get("credential_pool", {}).values():
        rows[:] = [row for row in rows if not row["source"].startswith("manual:hermes-watch:")]


# --- cutting down ----------------------------------------------------------------------------------------------------

def cuts(home):
    """Functions that take one thing out of a home, big things first; they return None where it is gone already."""
    paths = [path for part in ("root", "managed config", "managed .env", "auth", "config", ".env", ".op.env")
             for path in paths_of(home[part], (part,)) if not fixed(path)] + [("root",)] * (home["root"] is not None)
    for simpler in ({"clone": ""}, {"removed": False}, {"plugin": None}):
        yield lambda home, simpler=simpler: home | simpler
    for ask in home["asks"]:
        yield lambda home, ask=ask: home | {"asks": [ask]}
    for path in sorted(paths, key=lambda path: (len(path), -path[-1] if isinstance(path[-1], int) else 0)):
        yield lambda home, path=path: without(home, path)


def fixed(path):
    return path[0] == "auth" and path[-1] in (
        "version", "providers", "credential_pool", "auth_type", "id", "source", "secret_fingerprint")


def paths_of(value, path):
    for name in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*path, name)
        yield from paths_of(value[name], (*path, name))


def form(home):
    """HOME without its keys and the names of its providers: homes of one form show one fault."""
    text = json.dumps([home[part] for part in ("config", ".env", ".op.env", "auth", "managed config", "managed .env",
                                                 "root", "clone", "removed", "plugin")])
    for name, (variables, base_url, *_) in REGISTRY.items():
        for word in (name, base_url, *variables):
            text = text.replace(f'"{word}', '"NAME').replace(f":{word}", ":NAME")
    for word in (word for custom in CUSTOM for word in custom[:2]):
        text = text.replace(f'"{word}"', '"CUSTOM"')
    return re.sub(r'sk-test-[-\w]+|https?://[^"]*|"id": "\w+"|sha256:\w+', "", text)


def without(home, path):
    home = copy.deepcopy(home)
    if path == ("root",):
        return home | {"root": None, "clone": ""}
    place = home
    try:
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]
    except (KeyError, IndexError, TypeError):
        return None
    return home
