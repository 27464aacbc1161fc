"""Claude Code and Codex, asked something in a shell through hermes-relay, against a provider that limits by key.

They are 660 MB: HERMES_CLIENT_PROGRAMS=1 installs them beside the build, and from then on they are used."""
import os, pathlib, shutil, subprocess, sys, unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "system"))
from harness import BUILD, PATIENCE
from mock_provider import limited
from test_clients import A, B, WORDS, ClientCase
import sdk_provider

PROGRAMS = {"claude": "@anthropic-ai/claude-code-*/claude", "codex": "@openai/codex-*/vendor/*/bin/codex"}
FOLDER = BUILD.parent / "client-programs"


def find(name):
    return next(map(str, (FOLDER / "node_modules").glob(PROGRAMS[name])), None)


def install():
    """As package-lock.json pins them."""
    FOLDER.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "programs" / name, FOLDER)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER, timeout=500)


class Programs(ClientCase):
    def ask(self, name, *arguments, **environment):
        program = find(name)
        if program is None:
            self.skipTest(f"SKIP: {name} cannot be had")
        house = self.home.path.parent / "house"
        house.mkdir(exist_ok=True)
        done = subprocess.run([program, *arguments], cwd=house, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE, env={"PATH": os.environ["PATH"], "HOME": str(house),
                                                                **environment})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout.strip()

    def ask_claude(self):
        return self.ask("claude", "-p", "say hello", "--model", "m", ANTHROPIC_BASE_URL=f"http://{self.relay.address}",
                        ANTHROPIC_API_KEY=self.relay.token, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
                        DISABLE_AUTOUPDATER="1")

    def ask_codex(self):
        relay = f'{{name="relay",base_url="http://{self.relay.address}/v1",env_key="RELAY",wire_api="responses"}}'
        return self.ask("codex", "exec", "--skip-git-repo-check", "-s", "read-only", "-m", "m", "-c",
                        'model_provider="relay"', "-c", f"model_providers.relay={relay}", "say hello",
                        RELAY=self.relay.token)

    def test_claude_code_is_answered_and_a_second_key_steps_in_unnoticed(self):
        self.start("anthropic", (A, B))
        self.assertEqual(self.ask_claude(), "".join(WORDS))
        self.only(A)
        self.provider.answers = {A: limited(3600)}
        self.assertEqual(self.ask_claude(), "".join(WORDS))
        self.assertEqual({request.headers.get("x-api-key") for request in self.provider.seen}, {A, B})

    def test_codex_is_answered_and_a_second_key_steps_in_although_the_first_began_a_stream(self):
        self.start("xiaomi", (A, B))
        self.assertEqual(self.ask_codex(), "one two")
        self.only(A)
        self.provider.answers = {A: lambda request, connection: sdk_provider.send_events(
            connection, sdk_provider.LIMITED_RESPONSE) or b""}
        self.assertEqual(self.ask_codex(), "one two")
        self.assertEqual(self.provider.keys()[-2:], [A, B])


if __name__ == "__main__":
    if "HERMES_CLIENT_PROGRAMS" in os.environ and shutil.which("npm"):
        install()
    if not any(map(find, PROGRAMS)):
        print("SKIP: Claude Code and Codex are not installed beside the build (HERMES_CLIENT_PROGRAMS=1 does it)")
        sys.exit(77)
    unittest.main()
