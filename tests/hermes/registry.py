#!/usr/bin/env python3
"""Compares schema/provider_table.c with the registry of a Hermes checkout: registry.py CHECKOUT

Prints each difference in ids, aliases, variables, URLs, header and API dialect; ends with 1 when there is one, with 77
without a CHECKOUT."""
import ast, importlib, json, os, pathlib, re, subprocess, sys

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"
HEADERS = {"anthropic_messages": "x-api-key"}  # any other dialect: bearer


def ours():
    """{id: {member of struct provider_row: value}}; the table is C that reads as a Python literal."""
    struct = re.search(r"struct provider_row \{(.*?)\n\};", (SCHEMA / "provider_table.h").read_text(), re.S)[1]
    members = re.findall(r"(\w+)(?:\[\d+\])?;", re.sub(r"/\*.*?\*/", "", struct, flags=re.S))
    table = re.search(r"provider_table\[\] = (\{.*?\n\});", (SCHEMA / "provider_table.c").read_text(), re.S)[1]
    rows = table.replace("{", "[").replace("}", "]").replace("NULL", "None")
    rows = re.sub(r"\bPROVIDER_\w+", lambda name: f'"{name[0]}"', re.sub(r"/\*.*?\*/", "", rows, flags=re.S))
    return {row[0]: dict(zip(members, row)) for row in ast.literal_eval(rows)}


def theirs(checkout):
    """The registry as the checkout has it, asked in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--dump", *sorted(names(ours()))], cwd="/", text=True, check=True,
                          env={"PATH": "/usr/bin:/bin", "PYTHONPATH": checkout, "HOME": "/nonexistent"},
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout)


def names(table):
    return {name for row in table.values() for name in (row["id"], *filter(None, row["aliases"]))}


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def dump(known):
    """In the checkout's own Python: {"registry": {...}, "names": {name: id or None}}"""
    out = os.dup(1)
    os.dup2(2, 1)
    auth, providers, catalogue = (module(f"hermes_cli.{name}") for name in ("auth", "providers", "models"))
    plugins = module("providers")
    profiles = list(plugins.list_providers()) if plugins else []
    asked = set(known) | set(auth.PROVIDER_REGISTRY) | {alias for profile in profiles for alias in profile.aliases}
    for place in (getattr(providers, "ALIASES", {}), getattr(catalogue, "_PROVIDER_ALIASES", {})):
        asked |= set(place)
    registry = {row.id: {"auth": row.auth_type, "base_url": row.inference_base_url,
                         "base_url_env": row.base_url_env_var, "key_envs": list(row.api_key_env_vars),
                         "dialect": dialect(providers, row), "native_gemini": native_gemini(row)}
                for row in auth.PROVIDER_REGISTRY.values()}
    names = {name: resolved(auth, name) for name in sorted(asked)}
    os.write(out, json.dumps({"registry": registry, "names": names}).encode())


def resolved(auth, name):
    try:
        return auth.resolve_provider(name)
    except Exception:
        return None


def dialect(providers, row):
    try:
        return providers.determine_api_mode(row.id, row.inference_base_url)
    except Exception:
        return None


def native_gemini(row):
    """Whether Hermes speaks Gemini's own protocol there, whatever the dialect."""
    adapter = module("agent.gemini_native_adapter")
    return row.id == "gemini" and bool(adapter and adapter.is_native_gemini_base_url(row.inference_base_url))


def differences(table, hermes):
    for id in sorted(set(hermes["registry"]) - set(table)):
        yield f"{id}: not in our table: {hermes['registry'][id]}"
    for id in sorted(set(table) - set(hermes["registry"]) - {"custom", "openrouter"}):
        yield f"{id}: not in this Hermes"
    for id, row in table.items():
        yield from (f"{id}: {problem}" for problem in row_differences(row, hermes["registry"].get(id)))
    yield from name_differences(table, hermes)


def row_differences(row, other):
    if other is None:
        return
    ours_auth = "api_key" if row["auth"] == "PROVIDER_API_KEY" else "another"
    theirs_auth = "api_key" if other["auth"] in ("api_key", "copilot") else "another"
    pairs = [("auth", ours_auth, theirs_auth), ("base URL", row["base_url"], other["base_url"].rstrip("/")),
             ("base-URL variable", row["base_url_env"] or "", other["base_url_env"] or ""),
             ("variables", list(filter(None, row["key_envs"])), other["key_envs"])]
    if other["dialect"] and ours_auth == "api_key":
        header = "x-goog-api-key" if other["native_gemini"] else HEADERS.get(other["dialect"], "bearer")
        pairs.append(("header", row["header"], header))
    for what, mine, hers in pairs:
        if mine != hers:
            yield f"{what}: {mine} here, {hers} there"


def name_differences(table, hermes):
    mine = {name: row["id"] for row in table.values() for name in (row["id"], *filter(None, row["aliases"]))}
    for name, id in sorted(hermes["names"].items()):
        if id != mine.get(name) and (id or mine.get(name) in hermes["registry"]):
            yield f"name {name}: {mine.get(name)} here, {id} there"


def main():
    if sys.argv[1:2] == ["--dump"]:
        return dump(sys.argv[2:])
    if len(sys.argv) != 2:
        print("SKIP: no CHECKOUT of Hermes was named")
        return 77
    found = list(differences(ours(), theirs(os.path.abspath(sys.argv[1]))))
    print("\n".join(found) or "no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
