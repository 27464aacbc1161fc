"""The files that the programs write for themselves, below compiled/, damaged in every way: each byte flipped, each
beginning of them alone, another kind of value at every place, something else in their place. No program ends in a
signal or hangs over it, nothing that is published changes, and a compile leaves a file that the next one has nothing to
say about."""
import json, os, pathlib, re, shutil, socket, subprocess, time, unittest

from injection import BUILD, CONFIG, ENV, LONG, NEW, PATIENCE, Home, Pending, Watch

RELAY, TRY_EACH_KEY = BUILD / "hermes-relay", BUILD / "examples/try_each_key"
DEEP = 5000  # levels; a reader that recurses for each would run out of stack
# Texts, so that a number can be one that no double holds.
VALUES = ("null", "true", "0", "-1", "1e999", "9" * 400, '""', '"text"', '"\\u0000"', "[]", "{}", "[[]]", '{"a": {}}',
          "[" * DEEP + "]" * DEEP)


def flips(text):
    for at in range(len(text)):
        all_ways = LONG or at + 1 == len(text)  # what follows the last one
        for bits in (0x01, 0x80, 0xFF) if all_ways else (0x01 if at % 2 else 0xFF,):
            yield f"byte {at} ^ {bits:#04x}", text[:at] + bytes([text[at] ^ bits]) + text[at + 1:]


def beginnings(text):
    for length in range(len(text)):
        yield f"the first {length} bytes", text[:length]


def places(value, path=()):
    """The path of each value in VALUE."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from places(member, path + (name,))


def with_other(value, path, mark):
    if not path:
        return mark
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_other(copy[path[0]], path[1:], mark)
    return copy


def other_values(text):
    whole = json.loads(text)
    for path in places(whole):
        for value in VALUES:
            marked = json.dumps(with_other(whole, path, "@value@"))
            yield f"{value[:20]} at {path}", marked.replace('"@value@"', value).encode()


def understood(text):
    """Whether TEXT is an object to a reader that minds no control characters, bytes that are no UTF-8, or 0 before a
    number."""
    text = "".join(c if c >= " " else " " for c in text.decode(errors="replace"))
    text = re.sub(r":0(?=\d)", ":", text)
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


class OwnFiles(unittest.TestCase):
    def setUp(self):
        self.home = Pending()
        self.addCleanup(self.home.close)

    def check(self, *command, **kwargs):
        """Standard error of a run that ends by itself, with one of the exit statuses that there are."""
        done = subprocess.run(command, env=self.home.env, capture_output=True, timeout=PATIENCE,
                              **({"stdin": subprocess.DEVNULL} | kwargs))
        self.home.printed += done.stdout + done.stderr
        self.assertIn(done.returncode, range(5), done.stderr)
        return done.returncode, done.stderr.decode(errors="replace")

    def compile(self):
        return self.check(BUILD / "hermes-compile", "--home", self.home.path)

    def departed(self):
        """A home that remembers a cooldown and a variable that left."""
        home = self.home
        home.write(".env", f"XIAOMI_API_KEY={ENV}\nOPENROUTER_API_KEY=sk-test-leaves-0001\n")
        self.assertEqual(self.compile()[0], 0)
        home.write(".env", f"XIAOMI_API_KEY={ENV}\n")
        self.assertEqual(self.compile()[0], 0)

    def memory(self, name):
        self.departed()
        path = self.home.path / "compiled" / name
        whole = path.read_bytes()
        published = [self.home.bytes_of(each) for each in ("compiled/snapshot.json", "auth.json")]
        for kind in flips, beginnings, other_values:
            for what, text in kind(whole):
                with self.subTest(name, what=what):
                    path.write_bytes(text)
                    self.damaged(path, text, published)

    def damaged(self, path, text, published):
        code, said = self.compile()
        self.assertEqual(code, 0, said)
        self.assertEqual([self.home.bytes_of(each) for each in ("compiled/snapshot.json", "auth.json")], published)
        if not understood(text):
            self.assertIn(path.name, said)
        if path.name in said:
            self.assertIsInstance(json.loads(path.read_bytes()), dict)
            self.assertNotIn(path.name, self.compile()[1])

    def test_the_memory_of_cooldowns(self):
        self.memory("cooldowns.json")

    def test_the_memory_of_variables_that_left(self):
        self.memory("departed.json")

    def book(self, answer=b"429 60\n"):
        return self.check(TRY_EACH_KEY, self.home.path, stdin=None, input=answer)

    def test_bookings(self):
        self.assertEqual(self.compile()[0], 0)
        self.book()
        path = self.home.path / "compiled/bookings"
        whole = path.read_bytes()
        used = [at for at in range(0, len(whole), 64) if any(whole[at:at + 64])]
        self.assertGreater(len(used), 1)
        for slot in used:
            for at in range(slot, slot + 64):
                for bits in (0x01, 0x80, 0xFF):
                    with self.subTest(at=at, bits=bits):
                        path.write_bytes(whole[:at] + bytes([whole[at] ^ bits]) + whole[at + 1:])
                        self.book()
        for length in (*range(0, 130), 4095, 4096, 4097, len(whole) // 2, len(whole) - 64, len(whole) - 1):
            with self.subTest(length=length):
                path.write_bytes(whole[:length])
                self.book()
                self.assertEqual(path.stat().st_size, len(whole))
        for command in ("--status", "--reset"):
            path.write_bytes(whole[:64] + os.urandom(len(whole) - 64))
            self.check(BUILD / "hermes-compile", "--home", self.home.path, command, *(["all"] * (command == "--reset")))

    def serve(self):
        """Starts a relay, which reads its token, and ends it: what it says."""
        place = self.home.root / "relay.socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(self.home.root / "notify"))
            notify.settimeout(PATIENCE)
            process = subprocess.Popen([RELAY, "--home", self.home.path, "--listen", f"unix:{place}"],
                                       env=dict(self.home.env, NOTIFY_SOCKET=str(self.home.root / "notify")),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            try:
                while b"READY=1" not in notify.recv(65536):
                    pass
            finally:
                process.terminate()
                said = process.communicate(timeout=PATIENCE)[0].decode(errors="replace")
                (self.home.root / "notify").unlink()
        self.assertEqual(process.returncode, 0, said)
        return said

    @unittest.skipUnless(RELAY.exists(), "SKIP: this libmicrohttpd or libcurl is too old for the relay")
    def test_the_token_of_the_relay(self):
        self.assertEqual(self.compile()[0], 0)
        self.serve()
        path = self.home.path / "compiled/relay.token"
        whole = path.read_bytes()
        damages = [*flips(whole), *beginnings(whole), ("zeros", bytes(len(whole))), ("twice", whole * 2),
                   ("long", b"x" * 99999)]
        for what, text in damages:
            if len(text) == len(whole) and re.fullmatch(rb"hr-[0-9a-f]*\n", text):
                continue  # another token, as good as any
            with self.subTest(what=what):
                path.write_bytes(text)
                self.check(RELAY, "--home", self.home.path, "--print-env")
        path.write_bytes(whole[:20])
        self.assertIn("relay.token", self.serve())
        self.assertRegex(path.read_bytes(), rb"^hr-[0-9a-f]{64}\n$")
        self.assertNotIn("relay.token", self.serve())

    def test_the_state_of_the_watcher(self):
        home = self.home
        watch = Watch(home)
        self.addCleanup(watch.close)
        path = home.path / "compiled/status.json"
        end = time.monotonic() + PATIENCE
        while not path.exists():  # it is written when everything else is done, and nobody is told
            self.assertLess(time.monotonic(), end)
            os.sched_yield()
        whole = path.read_bytes()
        for kind in (flips, beginnings, other_values):
            for i, (what, text) in enumerate(kind(whole)):
                if not LONG and i % 3:
                    continue
                with self.subTest(what=what):
                    path.write_bytes(text)
                    for command in (("--status",), ("--status", "--format", "json"))[:1 + (i % 2)]:
                        code, said = self.check(BUILD / "hermes-compile", "--home", home.path, *command)
                        self.assertEqual(code, 0, said)
        for text in (b"", b"[]", b"{", b'{"pid": "x"}', b"[" * DEEP):
            path.write_bytes(text)
            self.check(BUILD / "hermes-compile", "--home", home.path, "--check", "--live")
        home.write("config.yaml", CONFIG % "sk-test-status-0001")
        watch.wait(lambda status: "generation" in status and "kept" not in status)

    def things(self):
        """What may stand where a file of ours belongs, each put there by a function of the path."""
        elsewhere = self.home.root / "elsewhere"
        return {
            "a folder": lambda path: path.mkdir(),
            "a folder with a file": lambda path: (path.mkdir(), (path / "kept").write_text("")),
            "a pipe": os.mkfifo,
            "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
            "a link to a file": lambda path: path.symlink_to(elsewhere),
            "a link to nothing": lambda path: path.symlink_to(self.home.root / "nothing"),
            "a link to itself": lambda path: path.symlink_to(path),
            "a file that nothing may read": lambda path: (path.write_text("{}"), path.chmod(0)),
            "a file that anyone may write to": lambda path: (path.write_text("{}"), path.chmod(0o666)),
            "an empty file": lambda path: path.write_text(""),
            "17 MiB": lambda path: path.write_bytes(b" " * (17 << 20)),
        }

    def test_other_things_in_their_places(self):
        names = ("cooldowns.json", "departed.json", "status.json", "metrics.prom", "bookings", "relay.token",
                 "compile.lock", "watch.lock")
        self.departed()
        self.book()
        shutil.rmtree(self.home.template)
        shutil.copytree(self.home.path, self.home.template)
        for name in names:
            for what, put in self.things().items():
                with self.subTest(name, what=what):
                    self.home.back()
                    (self.home.root / "elsewhere").write_text("not ours\n")
                    (self.home.root / "nothing").unlink(missing_ok=True)
                    self.put(self.home.path / "compiled" / name, put)
                    self.everything(0 if what != "a folder with a file" else 4)
                    self.assertEqual((self.home.root / "elsewhere").read_text(), "not ours\n")
                    self.assertFalse((self.home.root / "nothing").exists())

    def put(self, path, put):
        path.unlink(missing_ok=True)
        put(path)

    def everything(self, worst):
        self.home.write("config.yaml", CONFIG % NEW)
        code, said = self.compile()
        self.assertIn(code, (0, worst), said)
        if code != 0:
            self.assertRegex(said, r"error\[")
            self.assertIn("compiled", said)
        for command in (("--status",), ("--check",), ("--diff",), ("--explain", "xiaomi"), ("--reset", "all"),
                        ("--withdraw",)):
            self.check(BUILD / "hermes-compile", "--home", self.home.path, *command)
        self.book()
        if RELAY.exists():
            self.check(RELAY, "--home", self.home.path, "--print-env")


if __name__ == "__main__":
    unittest.main()
