"""The differences that are meant: each rule has the row of README's table or the diagnostic that tells of it."""
import re

import homes


def leaves(value, path=""):
    """(path as a diagnostic writes it, text), for each text in a part of config.yaml."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, value


def environment(home):
    """The variables of the env files, the managed one last, as python-dotenv reads them."""
    found = {}
    for line in home[".env"] + home.get("managed .env", []):
        if "=" in line:
            name, value = line.removeprefix("export ").split("=", 1)
            found[name.strip()] = resolved(value.split(" #")[0].strip().strip("'\""), found)
    return found


def resolved(value, variables):
    if value.startswith("${") and value.endswith("}"):
        return variables.get(value[2:-1].strip().removeprefix("env:"), value)
    return value


def places(home):
    """{fingerprint: the places in config.yaml, and the variables it names, where that key stands}"""
    found = {}
    variables = environment(home)
    for path, value in [*leaves(home["config"]), *leaves(home["managed config"])]:
        if not path.startswith(("model", "providers.", "custom_providers")):
            continue
        named = path.endswith("key_env") and value in variables
        key = homes.fingerprint(resolved(variables[value] if named else value, variables))
        found.setdefault(key, set()).update([path, value] if named else [path])
    return found


def declared(home):
    """(fingerprint, URL) of the entries of the user's own providers."""
    variables, pairs = environment(home), set()
    for part in ("config", "managed config"):
        entries = list((home[part].get("providers") or {}).values()) + list(home[part].get("custom_providers") or [])
        for entry in filter(lambda entry: isinstance(entry, dict), entries):
            url = next((entry[name].rstrip("/") for name in ("base_url", "api", "url") if entry.get(name)), None)
            keys = [resolved(str(entry.get("api_key", "")), variables), variables.get(entry.get("key_env"), "")]
            pairs |= {(homes.fingerprint(key), url) for key in keys if key and url}
            pairs |= {("a command", url)} if entry.get("key_cmd") else set()
    return pairs


def of_table(home):
    """(fingerprint, URL) of the variables of providers, which a version may not know that the home knows."""
    variables = environment(home)
    return {(homes.fingerprint(variables[name]), url) for names, _, url, _ in homes.REGISTRY.values()
            for name in names if name in variables}


def key_of(side):
    return (side or [None])[0] if isinstance(side, list) else side


def ask_name(home, difference):
    ask = difference["ask"]
    return ask if isinstance(ask, str) else home["asks"][ask][1]


def said(diagnostics, *codes):
    return any(diagnostic["code"] in codes for diagnostic in diagnostics)


def config_key_first(home, difference, diagnostics, _):
    """A key of config.yaml that Hermes ignores, or has behind another, and a diagnostic that names its place."""
    here = places(home).get(key_of(difference["after"]), ())
    texts = [text for diagnostic in diagnostics if diagnostic["code"] in ("hermes-ignores", "shadowed-key")
             for text in (diagnostic["message"], diagnostic.get("note", ""))]
    another = difference["field"].endswith(("rests", "next")) and said(diagnostics, "hermes-ignores")
    return another or any(place in text for place in here for text in texts)


def stale_state(home, difference, *_):
    """A row whose booking is of a key that it no longer has: Hermes's rows keep the fingerprint of the one that was."""
    if difference["field"].endswith("later pool") and difference["after"] is None:
        return True  # one key in two entries, of which one failed: both rest
    current = set(places(home)) | {homes.fingerprint(value) for value in environment(home).values()}
    if difference["field"] in ("later key", "later pool") and (home["edit"] or [None])[0] is not None:
        return key_of(difference["after"]) in current  # the entry was marked for the key before the edit
    rows = home["auth"].get("credential_pool", {})
    pool = homes.pool_of(ask_name(home, difference))
    rows = [row for row in rows.get(pool, sum(rows.values(), [])) if row.get("last_status") in ("exhausted", "dead")]
    return any(row["source"].startswith(("env:", "config:")) and row.get("secret_fingerprint") not in current | {None}
               or key_of(difference["before"]) in (  # the same key rests, in an entry of another variable
                   homes.fingerprint(row.get("access_token") or ""), row.get("secret_fingerprint"))
               for row in rows)


def env_readers(home, difference, diagnostics, _):
    """Hermes's own reader of .env, which seeds the pool, keeps comments and ${NAME}; python-dotenv does not."""
    files = [home, *filter(None, [home["root"]])]
    lines = [line for each in files for line in each[".env"] + each.get("managed .env", [])]
    differing = [line for line in lines if (" #" in line or "${" in line) and "=" in line]
    names = {line.removeprefix("export ").split("=")[0].strip() for line in differing}
    values = {value for each in files for name, value in environment(each).items() if name in names}
    after = difference["after"] if isinstance(difference["after"], list) else [difference["after"]]
    variables = homes.REGISTRY.get(ask_name(home, difference), ([],))[0]
    if difference["field"].endswith(("rests", "next")):  # two keys to Hermes, which has one of them as it stands
        return said(diagnostics, "env-parsers-differ") and bool(
            {re.sub(r"_\d$", "", name) for name in names} & set(variables))
    return said(diagnostics, "env-parsers-differ") and any(
        side in values or side in map(homes.fingerprint, values) for side in after)


def names_of(lines):
    return {line.split("=")[0].removeprefix("export ").strip() for line in lines if "=" in line}


def managed_first(home, difference, diagnostics, _):
    """The administrator's .env goes before the user's; Hermes's pool has it the other way round."""
    managed = names_of(home["managed .env"])
    values = {homes.fingerprint(value): name for name, value in environment(home).items() if name in managed}
    name = values.get(key_of(difference["after"]))
    return name is not None and (not difference["before"] or name in names_of(home[".env"]) and said(
        diagnostics, "shadowed-key", "unusable-key", "env-unset-reference"))


def entry_without_url(home, difference, *_):
    """A key by hand without a URL goes nowhere up to 0.20; here it goes to its provider's."""
    rows = home["auth"].get("credential_pool", {}).get(ask_name(home, difference), [])
    return difference["field"].endswith(("rests", "next")) and any(
        row["source"] == "manual" and not row.get("base_url") for row in rows)


def numbered(home, difference, *_):
    """NAME_2 is a key of the provider that NAME belongs to."""
    values = {homes.fingerprint(value) for name, value in environment(home).items() if re.search(r"_\d$", name)}
    return key_of(difference["after"]) in values


def disabled(home, difference, diagnostics, _):
    """enabled: false, which Hermes before 0.19.0 does not know."""
    return said(diagnostics, "disabled-provider") and difference["field"] == "refused"


def references(home, difference, *_):
    """A reference that nothing replaces, or a word that stands for no key: Hermes sends the text."""
    parts = [value for part in ("config", "managed config") for _, value in leaves(home[part])]
    parts += [value for value in environment({".env": home[".env"], "managed .env": []}).values()]
    parts += [line.split("=", 1)[1].strip() for line in home[".env"] if "=" in line]
    is_none = lambda text: text.startswith(("${", "op:", "vault:", "bws:", "ENC[")) or text in homes.PLACEHOLDERS
    texts = {homes.fingerprint(written) for part in parts for written in (part, part.strip("'\""))
             if is_none(part.split(" #")[0].strip().strip("'\""))}
    fallback = difference["field"].endswith(("next", "pool")) and bool(texts & {fp for fp, _ in declared(home)})
    before = key_of(difference["before"])
    return (isinstance(before, str) and before in texts) or fallback or (
        key_of(difference["after"]) in texts and difference["field"].endswith("sent"))


def config_url_first(_, difference, diagnostics, __):
    """A base URL of config.yaml beside a base-URL variable: Hermes goes by the variable, and a warning says so."""
    return difference["field"].endswith(("url", "pool", "sent")) and said(diagnostics, "base-url-shadowed")


def placeholder(home, difference, diagnostics, _):
    """A word that stands for no key is none, so that the key behind it counts; Hermes sends a local server no key."""
    return key_of(difference["before"]) == homes.fingerprint("no-key-required") and said(
        diagnostics, "unusable-key") and bool(places(home).get(key_of(difference["after"])))


def entrys_own_key(home, difference, *_):
    """The key that key_env of a custom provider names, behind the key that Hermes has in the pool: one more key."""
    if difference["field"].endswith("rests"):
        name, variables = ask_name(home, difference), environment(home)
        entries = [(made.get("name", key), made) for part in ("config", "managed config")
                   for key, made in (home[part].get("providers") or {}).items()]
        entries += [(made.get("name"), made) for made in home["config"].get("custom_providers") or []]
        return any(other == name and made.get("key_env") in variables for other, made in entries)
    held = difference["field"] == "held pool" and difference["before"] is None  # the entry of the key before an edit
    return (held or difference["field"].endswith("next")) and tuple(difference["after"] or ()) in declared(home)


def root_hidden(home, difference, diagnostics, _):
    """A profile with a key of its own no longer falls back to the root's pool."""
    texts = [diagnostic["message"] for diagnostic in diagnostics if diagnostic["code"] == "root-pool-hidden"]
    here = places(home).get(key_of(difference["after"]), ())
    return bool(texts) and (difference["field"].endswith("next") or any(f"finds {place} " in text for place in here
                                                                        for text in texts))


def lent_by_root(home, difference, diagnostics, _):
    """What the root's files put into its pool is lent to a profile that has no key, or whose entry a person took out;
    where that asks, it is said."""
    root = (home["root"] or {"config": {}, ".env": []}) | {"managed config": {}, "managed .env": []}
    custom = ask_name(home, difference) not in homes.REGISTRY
    told = said(diagnostics, "inherited-key") or home["removed"] and said(diagnostics, "removed-entry")
    return key_of(difference["after"]) in places(root) and (
        told or custom and not difference["before"] and difference["field"].endswith(("pool", "sent")))


def url_without_scheme(_, difference, diagnostics, __):
    """A base URL that leads nowhere, though another one may count for Hermes."""
    return said(diagnostics, "url-without-scheme") and difference["field"] == "refused"


# name, README's row or the diagnostic, whether it is this
EXPLAINED = [
    ("config.yaml's key first", "never uses `model.api_key`, `providers.ID.api_key` and `providers.ID.key_env`",
     config_key_first),
    ("a comment behind a value", "has two env readers, and three more for side tasks", env_readers),
    ("the managed .env first", "takes the user's `.env` before the managed one for the pool", managed_first),
    ("an entry without a URL", "sends a key of the pool that has no URL nowhere", entry_without_url),
    ("a numbered variable", "reads no numbered variable (`NAME_2`), and sends a key of the pool", numbered),
    ("a provider that is switched off", "ignores `enabled: false` before 0.19.0", disabled),
    ("a reference is no key", "sends the text `vault:...`, `op://...` or `${vault:...}`", references),
    ("config.yaml's URL first", "ignores `model.base_url` beside a base-URL variable or an alias", config_url_first),
    ("a placeholder is no key", "accepts `changeme` through the pool, and a base URL without a scheme", placeholder),
    ("key_env in the pool", "makes no entry of the pool from `key_env` of a custom provider", entrys_own_key),
    ("the root's pool is hidden", "lends a profile without a key the root's entries made by hand", root_hidden),
    ("lent by the root", "lends a profile without a key the root's entries made by hand", lent_by_root),
    ("a URL without a scheme", "accepts `changeme` through the pool, and a base URL without a scheme",
     url_without_scheme),
    ("a cooldown belongs to a key", "keeps a cooldown when the key changes", stale_state),
]


def explanation(home, difference, diagnostics, before):
    """The name of the rule that explains DIFFERENCE, or None."""
    return next((name for name, _, rule in EXPLAINED if rule(home, difference, diagnostics, before)), None)
