"""Ways a file can change that leave few traces: through another name, without a close, behind a mount, with its folder;
and writers that take their time."""
import hashlib, json, mmap, os, pathlib, shutil, signal, subprocess, threading, unittest

from harness import OWN_MOUNTS, PATIENCE, WATCH, Home, Watch, has_own_mounts


def config(key):
    return f"model:\n  provider: xiaomi\n  api_key: {key}\nhermes_watch:\n  env_files: [extra.env]\n"


class Files(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.finish)  # after the watcher's own clean-up
        self.config = self.home.write("config.yaml", config("sk-test-files-1"))
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-files-env\n")
        self.home.write("extra.env", "DEEPSEEK_API_KEY=sk-test-files-extra\n")

    def finish(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def start(self, prefix=()):
        self.watch = Watch(self.home, prefix=prefix)
        self.addCleanup(self.watch.close)
        self.assertEqual(self.home.generation(), 1)

    def arrives(self, key, generation=None):
        """The next generation has KEY: nothing was published in between."""
        generation = generation or self.home.generation() + 1
        self.watch.wait_generation(generation)
        self.assertEqual((self.home.generation(), self.key()), (generation, key))

    def key(self):
        return self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]["secret"]

    def put(self, path, key, flags=os.O_TRUNC):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
        os.write(fd, config(key).encode())
        os.close(fd)

    def test_through_a_hard_link_elsewhere(self):
        other = self.home.root / "other"
        os.link(self.config, other)
        self.start()
        self.put(other, "sk-test-files-2")
        self.arrives("sk-test-files-2", 2)
        other.unlink()
        self.put(self.config, "sk-test-files-3")
        self.arrives("sk-test-files-3", 3)
        os.link(self.config, other)  # made while it was watched
        self.put(other, "sk-test-files-4")
        self.arrives("sk-test-files-4", 4)

    def test_truncate_by_its_path(self):
        self.home.write("config.yaml", config("sk-test-files-1") + "# a comment\n")
        self.start()
        os.truncate(self.config, len(config("sk-test-files-1")))
        self.watch.wait_generation(2)
        sources = self.home.snapshot()["content"]["sources"]
        self.assertEqual(sources[0]["bytes"], len(config("sk-test-files-1")))

    def test_mapped_memory_counts_when_it_is_unmapped(self):
        self.start()
        with open(self.config, "r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        at = memory.find(b"files-1") + 6
        memory[at:at + 1] = b"2"
        memory.flush()  # gives no event
        self.watch.process.send_signal(signal.SIGUSR1)
        self.watch.wait(lambda status: "config.yaml open for writing" in status)
        self.assertEqual(self.home.generation(), 1)
        memory.close()
        self.arrives("sk-test-files-2", 2)

    def test_a_writer_that_never_closes_is_named(self):
        writer = open(self.config, "r+b")
        self.addCleanup(writer.close)
        self.watch = Watch(self.home)  # and is ready all the same
        self.addCleanup(self.watch.close)
        self.assertIn("another process has config.yaml open for writing", self.watch.status)
        writer.close()
        self.arrives("sk-test-files-1", 1)

    def test_byte_by_byte_in_every_place(self):
        managed = self.home.root / "managed"
        managed.mkdir()
        (managed / "config.yaml").write_text("agent:\n  max_turns: 1\n")
        (managed / ".env").write_text("DEEPSEEK_API_KEY=sk-test-files-managed\n")
        for path in managed.iterdir():
            path.chmod(0o600)
        self.home.write(".op.env", "XAI_API_KEY=sk-test-files-op\n")
        self.start()
        for path in (self.config, self.home.path / ".env", self.home.path / ".op.env", self.home.path / "extra.env",
                     managed / "config.yaml", managed / ".env"):
            with self.subTest(path.name):
                before, text = self.home.generation(), path.read_bytes() + b"# the end\n"
                fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
                for byte in text:
                    os.write(fd, bytes([byte]))
                    os.fsync(fd)
                self.assertEqual(self.home.generation(), before)
                os.close(fd)
                self.watch.wait_generation(before + 1)
                found = [s["bytes"] for s in self.home.snapshot()["content"]["sources"]
                         if s["path"].endswith(path.name)]
                self.assertIn(len(text), found)

    def test_each_prefix_a_file_of_its_own(self):
        """Then nobody can know which is the last; but what is no configuration is never published."""
        self.start()
        text, seen = config("sk-test-files-2"), set()
        for end in range(1, len(text) + 1):
            self.home.write("config.yaml", text[:end])
            seen.add(json.dumps(self.home.snapshot()["content"]["sources"][0]))
        whole = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        while self.home.snapshot()["content"]["sources"][0]["digest"] != whole:
            self.watch.wait(lambda status: True)
        in_force = f"generation {self.home.generation()},"  # the pool follows the snapshot
        if not self.watch.status.startswith(in_force):
            self.watch.wait(lambda status: status.startswith(in_force))
        self.assertEqual(self.home.compile("--diff", "--quiet")[0], 0)

    def test_an_emptied_env_file_is_held_back(self):
        self.start()
        for name in (".env", "extra.env"):
            before = self.home.generation()
            text = (self.home.path / name).read_text()
            self.home.write(name, "")
            self.watch.wait(lambda status: "empty or missing" in status)
            self.home.write(name, text + "# again\n")
            self.watch.wait_generation(before + 1)
        self.home.write(".env", "")
        self.watch.wait(lambda status: "empty or missing" in status)
        self.watch.wait(lambda status: ".env is empty, and had content before" in status)
        self.watch.stop()
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-files-whole\n")
        self.home.write(".env", "")  # another text was lost, and it was not to be seen
        self.watch.resume()
        self.watch.wait(lambda status: "empty or missing" in status)
        self.watch.wait(lambda status: ".env is empty, and had content before" in status)
        self.home.write(".env", "")  # somebody means it
        self.watch.wait_generation(4)
        self.assertNotIn("XIAOMI_API_KEY", self.home.snapshot()["content"]["env"])

    def test_two_that_are_emptied_are_confirmed_one_by_one(self):
        """Zeros are what a loss of power leaves, and a mark alone is what an editor makes of nothing."""
        self.start()
        texts = {".env": bytes(40), "extra.env": b"\xef\xbb\xbf"}
        for name, text in texts.items():
            self.home.write(name, text)
        self.watch.wait(lambda status: ".env is empty, and had content before" in status)
        self.home.write(".env", "")
        self.watch.wait(lambda status: "extra.env is empty, and had content before" in status)
        self.assertEqual(self.home.generation(), 1)
        self.home.write("extra.env", "")
        self.watch.wait_generation(2)
        self.assertEqual(self.home.snapshot()["content"]["env"], {})

    def test_a_folder_in_the_place_of_a_file(self):
        """Container engines make one where the file that they are to mount is missing."""
        secrets = self.home.root / "secrets"
        (secrets / "extra.env").mkdir(parents=True)
        (self.home.path / "extra.env").unlink()
        os.symlink(secrets / "extra.env", self.home.path / "extra.env")
        self.watch = Watch(self.home)
        self.addCleanup(self.watch.close)
        self.assertIn("extra.env is a directory, not a file", self.watch.status)
        self.watch.process.send_signal(signal.SIGHUP)
        self.watch.wait(lambda status: status == "reloaded")  # what it found out is watched
        (secrets / "extra.env").rmdir()
        self.home.write("../secrets/extra.env", "DEEPSEEK_API_KEY=sk-test-files-extra\n")
        self.watch.wait_generation(1)

    def test_a_folder_deleted_and_made_again(self):
        store = self.home.root / "store"
        store.mkdir()
        self.config.unlink()
        self.put(store / "config.yaml", "sk-test-files-1")
        os.symlink(store / "config.yaml", self.config)
        self.start()
        for number in (2, 3, 4):
            shutil.rmtree(store)
            store.mkdir()
            self.put(store / "config.yaml", f"sk-test-files-{number}")
            self.arrives(f"sk-test-files-{number}", number)
        self.put(store / "config.yaml", "sk-test-files-5")
        self.arrives("sk-test-files-5", 5)

    def test_a_home_deleted_and_made_again_is_still_watched_by_one(self):
        self.start()
        os.rename(self.home.path, self.home.root / "away")  # at once, before anything derived can come back
        self.home.path.mkdir(mode=0o700)
        self.put(self.config, "sk-test-files-2")
        while self.home.generation() != 1:  # a compile that was under way ended in the old folder
            self.watch.wait_generation(1)
        self.put(self.config, "sk-test-files-3")
        self.arrives("sk-test-files-3", 2)
        second = Watch(self.home, name="second")
        self.assertIn(f"process {self.watch.process.pid} already watches", second.status)
        second.close()

    def test_links_of_links_of_folders(self):
        """As Nix and stow build them: each link on the way is swapped once, and once a folder that one lies in."""
        root = self.home.root
        for version in "1234":
            (root / "store" / version / "etc").mkdir(parents=True)
            self.put(root / "store" / version / "etc/config.yaml", f"sk-test-files-{version}")
        (root / "profiles").mkdir()
        os.symlink("../store/1", root / "profiles/system-1")
        os.symlink("system-1", root / "profiles/system")
        self.config.unlink()
        os.symlink("../profiles/system/etc/config.yaml", self.config)
        self.start()

        def swap(link, target):
            os.symlink(target, root / "swap")
            os.rename(root / "swap", link)

        swap(root / "profiles/system-1", "../store/2")
        self.arrives("sk-test-files-2", 2)
        swap(root / "profiles/system", "../store/3")
        self.arrives("sk-test-files-3", 3)
        swap(self.config, "../store/4/etc/config.yaml")
        self.arrives("sk-test-files-4", 4)
        os.rename(root / "store", root / "away")
        self.watch.wait(lambda status: "empty or missing" in status)
        self.put(root / "away/4/etc/config.yaml", "sk-test-files-5")
        os.rename(root / "away", root / "store")
        self.arrives("sk-test-files-5", 5)

    @unittest.skipUnless(shutil.which("stow"), "SKIP: stow is not installed")
    def test_stow(self):
        for package in ("one", "two"):
            (self.home.root / "dots" / package).mkdir(parents=True)
            self.put(self.home.root / "dots" / package / "config.yaml", f"sk-test-files-{package}")
        self.config.unlink()
        stow = ["stow", "-d", self.home.root / "dots", "-t", self.home.path]
        subprocess.run([*stow, "one"], check=True)
        self.start()
        subprocess.run([*stow, "-D", "one", "-S", "two"], check=True)
        self.arrives("sk-test-files-two", 2)

    @unittest.skipUnless(shutil.which("git"), "SKIP: git is not installed")
    def test_git_changes_several_sources_at_once(self):
        git = ["git", "-C", self.home.path, "-c", "user.name=t", "-c", "user.email=t@t.invalid"]
        run = lambda *args: subprocess.run([*git, *args], check=True, capture_output=True)
        run("init", "-q", "-b", "one")
        run("add", "-f", "config.yaml", ".env", "extra.env")
        run("commit", "-qm", "one")
        run("branch", "three")
        run("checkout", "-qb", "two")
        self.put(self.config, "sk-test-files-2")
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-files-env2\n")
        run("commit", "-qam", "two")
        run("checkout", "-q", "three")
        run("commit", "-qm", "three", "--allow-empty")
        run("checkout", "-q", "two")
        self.start()
        for command, key, env in ((["checkout", "-q", "one"], "1", "env"), (["checkout", "-q", "two"], "2", "env2"),
                                  (["reset", "-q", "--hard", "one"], "1", "env"),
                                  (["reset", "-q", "--hard", "ORIG_HEAD"], "2", "env2"),
                                  (["checkout", "-q", "one"], "1", "env"),
                                  (["rebase", "-q", "three", "two"], "2", "env2")):
            with self.subTest(command):
                run(*command)
                while True:
                    content = self.home.snapshot()["content"]
                    found = content["providers"]["xiaomi"]["credentials"][0]["secret"], content["env"]["XIAOMI_API_KEY"]
                    if found == (f"sk-test-files-{key}", f"sk-test-files-{env}"):
                        break
                    self.watch.wait(lambda status: True)
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-files-mine\n")
        while self.home.snapshot()["content"]["env"]["XIAOMI_API_KEY"] != "sk-test-files-mine":
            self.watch.wait(lambda status: True)
        run("stash", "-q")
        while self.home.snapshot()["content"]["env"]["XIAOMI_API_KEY"] != "sk-test-files-env2":
            self.watch.wait(lambda status: True)


@unittest.skipUnless(has_own_mounts(), "SKIP: needs a mount namespace of its own")
class Mounts(Files):
    """hermes-watch in a mount namespace of its own, in which things are mounted."""

    def mount(self, *command):
        subprocess.run(["nsenter", "-t", str(self.watch.process.pid), "-m", *command], check=True, timeout=PATIENCE)

    def start(self, prefix=()):
        super().start(OWN_MOUNTS)

    def test_bind_mount_over_the_file(self):
        other = self.home.root / "other.yaml"
        self.put(other, "sk-test-files-2")
        self.start()
        self.mount("mount", "--bind", other, self.config)
        self.arrives("sk-test-files-2", 2)
        self.put(other, "sk-test-files-3")  # as a container sees an edit on the host
        self.arrives("sk-test-files-3", 3)
        self.mount("umount", self.config)
        self.arrives("sk-test-files-1", 4)

    def test_bind_mounts_among_what_is_no_news(self):
        """What is found while the watches are put in order, and has no event, is news all the same."""
        other, pool, through = self.home.root / "other.yaml", self.home.path / "auth.json", threading.Event()
        self.put(other, "sk-test-files-2")
        self.start()

        def touch():
            while not through.wait(0.001):
                os.chmod(pool, 0o600)

        thread = threading.Thread(target=touch)
        thread.start()
        try:
            for i in range(2, 22, 2):
                self.mount("mount", "--bind", other, self.config)
                self.arrives("sk-test-files-2", i)
                self.mount("umount", self.config)
                self.arrives("sk-test-files-1", i + 1)
        finally:
            through.set()
            thread.join()

    def test_bind_mount_over_a_folder_on_the_way(self):
        root = self.home.root
        for name in ("one", "two"):
            (root / name).mkdir()
            self.put(root / name / "config.yaml", f"sk-test-files-{name}")
        self.config.unlink()
        os.symlink(root / "one/config.yaml", self.config)
        self.start()
        self.mount("mount", "--bind", root / "two", root / "one")
        self.arrives("sk-test-files-two", 2)
        self.put(root / "two/config.yaml", "sk-test-files-2")
        self.arrives("sk-test-files-2", 3)
        self.mount("umount", root / "one")
        self.arrives("sk-test-files-one", 4)

    def test_home_on_a_disk_that_goes_and_returns(self):
        self.start()
        self.mount("mount", "-t", "tmpfs", "-o", "mode=0700", "none", self.home.path)
        self.watch.wait(lambda status: "empty or missing" in status or "no-sources" in status)
        inside = pathlib.Path(f"/proc/{self.watch.process.pid}/root{self.home.path}")
        self.put(inside / "config.yaml", "sk-test-files-2")
        self.watch.wait_generation(1)  # another home, with its own numbers
        self.assertIn("sk-test-files-2", (inside / "compiled/snapshot.json").read_text())
        self.mount("umount", "-l", self.home.path)
        self.put(self.config, "sk-test-files-3")
        while self.key() != "sk-test-files-3":  # a compile may have begun on the disk
            self.watch.wait(lambda status: True)


for name in [name for name in vars(Files) if name.startswith("test_")]:
    setattr(Mounts, name, None)  # once is enough

if __name__ == "__main__":
    unittest.main()
