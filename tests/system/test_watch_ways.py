"""Every way a source can change reaches the snapshot; what is half done does not."""
import fcntl, json, os, pathlib, pty, shutil, signal, stat, subprocess, termios, time, unittest

from harness import COMPILE, PATIENCE, WATCH, Home, Watch, fingerprint


def config(key):
    return f"model:\n  provider: xiaomi\n  api_key: {key}\n"


class Ways(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.finish)  # after the watcher's own clean-up

    def finish(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def start(self):
        self.home.write("config.yaml", config("sk-test-ways-1"))
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        self.assertEqual(self.home.generation(), 1)
        return watch

    def key(self):
        return self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]["secret"]

    def test_git_checkout(self):
        git = ["git", "-C", self.home.path, "-c", "user.name=t", "-c", "user.email=t@t.invalid"]
        run = lambda *args: subprocess.run([*git, *args], check=True, capture_output=True)
        self.home.write("config.yaml", config("sk-test-ways-1"))
        run("init", "-q")
        run("add", "config.yaml")
        run("commit", "-qm", "one")
        run("checkout", "-qb", "two")
        self.home.write("config.yaml", config("sk-test-ways-2"))
        run("commit", "-qam", "two")
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        run("checkout", "-q", "-")
        watch.wait_generation(2)
        self.assertEqual(self.key(), "sk-test-ways-1")

    def test_what_is_in_force_is_said_also_when_nothing_is_published(self):
        self.home.write("config.yaml", config("sk-test-ways-1"))
        self.home.compile()
        watch = Watch(self.home)
        self.home.write("config.yaml", "model: [")
        watch.wait(lambda status: "yaml-syntax" in status)
        self.home.write("config.yaml", config("sk-test-ways-1"))
        watch.wait_generation(1)
        watch.close()
        said = [line for line in (self.home.root / "watch.log").read_text().splitlines() if "generation" in line]
        self.assertEqual(said, [f"generation 1 active, watching {self.home.path}",
                                "nothing published; generation 1 stays active",
                                f"valid again: generation 1 active, watching {self.home.path}"])

    def test_deletion_is_held_back_and_return_is_seen(self):
        watch = self.start()
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-ways-env\n")
        watch.wait_generation(2)
        os.rename(self.home.path / "config.yaml", self.home.root / "away")
        watch.wait(lambda status: "kept" in status)
        self.assertEqual(self.key(), "sk-test-ways-1")
        os.rename(self.home.root / "away", self.home.path / "config.yaml")
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-ways-env2\n")
        watch.wait_generation(3)
        self.assertEqual(self.key(), "sk-test-ways-1")

    def test_deletion_for_good_is_believed(self):
        watch = self.start()
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-ways-env\n")
        watch.wait_generation(2)
        (self.home.path / "config.yaml").unlink()
        watch.wait_generation(3)
        self.assertEqual(self.key(), "sk-test-ways-env")

    def test_home_that_appears_later_and_goes_and_returns(self):
        shutil.rmtree(self.home.path)
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        self.assertIn("does not exist yet", watch.status)
        self.home.path.mkdir(mode=0o700)
        self.home.write("config.yaml", config("sk-test-ways-1"))
        watch.wait_generation(1)
        os.rename(self.home.path, self.home.root / "elsewhere")
        watch.wait(lambda status: "is gone" in status)
        (self.home.root / "elsewhere/config.yaml").write_text(config("sk-test-ways-2"))
        os.rename(self.home.root / "elsewhere", self.home.path)
        watch.wait_generation(2)
        self.assertEqual(self.key(), "sk-test-ways-2")
        os.rename(self.home.path, self.home.root / "elsewhere")
        watch.wait(lambda status: "is gone" in status)
        os.rename(self.home.root / "elsewhere", self.home.path)
        watch.wait_generation(2)
        self.home.write("config.yaml", config("sk-test-ways-3"))
        watch.wait_generation(3)
        self.assertIn("valid again: generation 2 active", (self.home.root / "watch.log").read_text())

    def test_links_on_the_way(self):
        watch = self.start()
        store = self.home.root / "store"
        for name in ("..v1", "..v2"):
            (store / name).mkdir(parents=True)
            (store / name / "config.yaml").write_text(config("sk-test-ways-" + name[-2:]))
            os.chmod(store / name / "config.yaml", 0o600)
        os.symlink("..v1", store / "..data")
        os.symlink("..data/config.yaml", store / "config.yaml")
        os.symlink(store / "config.yaml", self.home.path / "new")
        os.rename(self.home.path / "new", self.home.path / "config.yaml")
        watch.wait_generation(2)
        os.symlink("..v2", store / "..data_tmp")
        os.rename(store / "..data_tmp", store / "..data")
        watch.wait_generation(3)
        self.assertEqual(self.key(), "sk-test-ways-v2")

    def test_a_writer_that_pauses_is_waited_for(self):
        watch = self.start()
        whole = config("sk-test-ways-2").encode() + b"# the end\n"
        fd = os.open(self.home.path / "config.yaml", os.O_WRONLY | os.O_TRUNC)
        for byte in whole:
            os.write(fd, bytes([byte]))
            os.fsync(fd)
        self.assertEqual(self.home.generation(), 1)
        os.close(fd)
        watch.wait_generation(2)
        self.assertEqual(self.home.snapshot()["content"]["sources"][0]["bytes"], len(whole))

    def test_hermes_forgets_what_a_key_earned_and_undoes_our_work(self):
        self.home.write(".env", "XIAOMI_API_KEY=sk-test-ways-2\n")
        watch = self.start()
        store = json.loads((self.home.path / "auth.json").read_text())
        seeded = {"id": "6daf30", "label": "XIAOMI_API_KEY", "auth_type": "api_key", "priority": 5,
                  "source": "env:XIAOMI_API_KEY", "last_status": "exhausted", "last_status_at": time.time(),
                  "last_error_code": 429, "last_error_reason": None, "last_error_message": None,
                  "last_error_reset_at": time.time() + 3600, "base_url": "https://api.xiaomimimo.com/v1",
                  "request_count": 0, "secret_fingerprint": fingerprint("sk-test-ways-0")}
        store["credential_pool"]["xiaomi"][1:] = [seeded]
        beside = self.home.path / "auth.json.tmp.1"
        beside.write_text(json.dumps(store, indent=2) + "\n")
        os.rename(beside, self.home.path / "auth.json")
        while self.home.pool()[1]["last_status"] is not None:  # another key earned it
            watch.wait(lambda status: True)
        self.assertEqual(self.home.pool()[1]["secret_fingerprint"], fingerprint("sk-test-ways-2"))
        # a process of 0.10.0 drops our entry
        store["credential_pool"]["xiaomi"] = [seeded | {"last_status_at": time.time()}]
        beside.write_text(json.dumps(store, indent=2) + "\n")
        os.rename(beside, self.home.path / "auth.json")
        while len(self.home.pool()) != 2:
            watch.wait(lambda status: True)
        self.assertEqual([e["last_status"] for e in self.home.pool()], [None, None])

    @unittest.skipUnless(shutil.which("strace"), "SKIP: needs strace")
    def test_an_undoing_right_after_the_renames_is_seen(self):
        """By somebody who takes no lock; the disk takes its time here, and the work is not through."""
        self.home.write("config.yaml", config("sk-test-ways-1"))
        self.home.compile()
        self.home.env["ASAN_OPTIONS"] = "detect_leaks=0"  # it cannot look for leaks beside a tracer
        watch = Watch(self.home, prefix=("strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e",
                                         "inject=fsync:delay_exit=200000"))
        self.addCleanup(watch.close)
        beside = self.home.path / "auth.json.tmp.1"
        for generation, name in ((2, "auth.json"), (3, "compiled/snapshot.json")):
            path = self.home.path / name
            before, text = path.stat().st_ino, path.read_bytes()
            self.home.write("config.yaml", config(f"sk-test-ways-{generation}"))
            end = time.monotonic() + PATIENCE
            while path.stat().st_ino == before and time.monotonic() < end:
                os.sched_yield()
            beside.write_bytes(text)
            beside.chmod(0o600)
            os.rename(beside, path)
            while f"sk-test-ways-{generation}".encode() not in path.read_bytes():
                watch.wait(lambda status: True)

    def test_a_second_watcher_waits_for_the_first(self):
        first = self.start()
        second = Watch(self.home, name="second")
        self.addCleanup(second.close)
        self.assertEqual(second.status,
                         f"process {first.process.pid} already watches {self.home.path}; waiting for it to end")
        first.process.terminate()
        first.process.wait()
        second.wait_generation(1)
        self.home.write("config.yaml", config("sk-test-ways-2"))
        second.wait_generation(2)
        self.assertEqual(self.key(), "sk-test-ways-2")

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root for a process namespace")
    def test_a_second_watcher_in_a_container_waits(self):
        namespace = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
        if subprocess.run([*namespace, "true"], capture_output=True).returncode != 0:
            self.skipTest("SKIP: no process namespaces here")
        self.start()
        second = Watch(self.home, prefix=namespace, name="second")
        self.addCleanup(second.abandon)
        self.assertIn(f"another container's process already watches {self.home.path}", second.status)

    def test_it_ends_with_the_terminal_that_it_was_started_in(self):
        ours, theirs = pty.openpty()
        watch = Watch(self.home, stdin=theirs, preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
        self.addCleanup(watch.abandon)
        os.close(theirs)
        os.kill(watch.process.pid, signal.SIGHUP)  # as long as it is there that is a reload
        watch.wait(lambda status: status == "reloaded")
        os.close(ours)
        self.assertEqual(watch.process.wait(PATIENCE), 0)

    def test_an_emptied_config_is_held_until_somebody_means_it(self):
        watch = self.start()
        path = self.home.path / "config.yaml"
        path.write_text("")
        watch.wait(lambda status: "is empty, and had content before" in status)
        self.assertEqual(self.key(), "sk-test-ways-1")
        self.home.write("config.yaml", config("sk-test-ways-2"))
        watch.wait_generation(2)
        path.write_text("")
        watch.wait(lambda status: "is empty, and had content before" in status)
        path.write_text(" \n")  # saved once more
        watch.wait_generation(3)
        self.home.write("config.yaml", config("sk-test-ways-4"))
        watch.wait_generation(4)
        path.write_text("")
        watch.wait(lambda status: "is empty, and had content before" in status)
        os.kill(watch.process.pid, signal.SIGHUP)
        watch.wait_generation(5)
        self.assertEqual(self.home.snapshot()["content"]["providers"], {})

    def test_what_a_program_leaves_of_a_config_is_empty_too(self):
        path = self.home.path / "config.yaml"
        for number, nothing in enumerate(("{}\n", "---\n...\n", "null\n")):
            with self.subTest(nothing):
                self.home.write("config.yaml", config(f"sk-test-ways-1{number}"))
                watch = Watch(self.home)
                path.write_text(nothing)
                watch.wait(lambda status: "is empty, and had content before" in status)
                self.assertEqual(self.key(), f"sk-test-ways-1{number}")
                os.kill(watch.process.pid, signal.SIGHUP)
                watch.wait(lambda status: ", 0 providers" in status)
                watch.close()
                again = Watch(self.home)  # it was meant, and is from then on
                generation = self.home.generation()
                self.home.write(".env", f"A={number}\n")
                again.wait_generation(generation + 1)
                again.close()

    def test_a_snapshot_that_others_may_write_is_made_anew(self):
        watch = self.start()
        snapshot = self.home.path / "compiled/snapshot.json"
        inode = snapshot.stat().st_ino
        snapshot.chmod(0o620)
        while snapshot.stat().st_ino == inode:
            os.sched_yield()
        self.assertEqual(stat.S_IMODE(snapshot.stat().st_mode), 0o600)
        for path in (self.home.path / "compiled", *(self.home.path / "compiled").iterdir()):
            path.chmod(path.stat().st_mode | 0o070)
        while stat.S_IMODE((self.home.path / "compiled").stat().st_mode) != 0o700:
            os.sched_yield()
        os.kill(watch.process.pid, signal.SIGHUP)
        watch.wait(lambda status: status == "reloaded")
        self.assertEqual({path.name for path in (self.home.path / "compiled").iterdir() if path.stat().st_mode & 0o077},
                         set())

    def test_a_snapshot_that_others_may_read_is_closed(self):
        self.start()
        snapshot = self.home.path / "compiled/snapshot.json"
        snapshot.chmod(0o644)
        until = time.monotonic() + PATIENCE
        while stat.S_IMODE(snapshot.stat().st_mode) != 0o600:
            self.assertLess(time.monotonic(), until)
            os.sched_yield()

    @unittest.skipUnless(os.getuid() == 0, "SKIP: needs root for a folder of another user")
    def test_nothing_is_written_where_another_users_link_leads(self):
        watch = self.start()
        compiled, trap = self.home.path / "compiled", self.home.root / "trap"
        trap.mkdir()
        os.chown(trap, 65534, 65534)
        os.rename(compiled, self.home.root / "away")
        os.symlink(trap, compiled)
        self.home.write("config.yaml", config("sk-test-ways-2"))
        watch.wait(lambda status: "Operation not permitted" in status)
        watch.process.terminate()
        watch.process.wait()
        self.assertEqual(list(trap.iterdir()), [])

    def test_a_pool_that_is_left_alone_is_no_ok(self):
        watch = self.start()
        (self.home.path / "auth.json").write_text("{")
        watch.wait(lambda status: "auth.json is left alone" in status)
        self.home.write("config.yaml", config("sk-test-ways-2"))
        status = watch.wait(lambda status: status.startswith("generation 2"))
        self.assertIn("auth.json is left alone", status)
        self.assertEqual(self.key(), "sk-test-ways-2")
        (self.home.path / "auth.json").unlink()
        self.assertIn("watching", watch.wait(lambda status: "left alone" not in status))

    def test_a_profile_follows_what_it_inherits(self):
        pool = {"version": 1, "providers": {}, "credential_pool": {"xiaomi": [
            {"id": "000001", "label": "k", "auth_type": "api_key", "priority": 0, "source": "manual",
             "access_token": "sk-test-ways-root", "base_url": "https://api.xiaomimimo.com/v1"}]}}
        profile = self.home.path / "profiles/coder"
        profile.mkdir(mode=0o700, parents=True)
        self.home.write("profiles/coder/config.yaml", "model:\n  provider: xiaomi\n  default: m\n")
        self.home.write("profiles/coder/auth.json", json.dumps({**pool, "credential_pool": {}}))
        self.home.write("auth.json", json.dumps(pool))
        watch = Watch(self.home, "--home", profile)
        self.addCleanup(watch.close)
        snapshot = profile / "compiled/snapshot.json"
        if "sk-test-ways-root" not in snapshot.read_text():
            return  # as newer versions of Hermes have it
        beside = self.home.write("auth.json.tmp.1", json.dumps(pool).replace("ways-root", "ways-next"))
        os.rename(beside, self.home.path / "auth.json")
        watch.wait_generation(2)
        self.assertIn("sk-test-ways-next", snapshot.read_text())

    def test_a_name_steers_neither_a_terminal_nor_the_manager(self):
        odd = self.home.root / "a\nWATCHDOG=trigger\u009b31m\x1b[2J"
        odd.mkdir(mode=0o700)
        (odd / "config.yaml").write_text(config("sk-test-ways-1"))
        (odd / "config.yaml").chmod(0o600)
        watch = Watch(self.home, "--home", odd, "--home", self.home.path)
        watch.close()
        self.assertNotIn("\n", watch.status)
        said = (self.home.root / "watch.log").read_bytes()
        self.assertIn(b"??31m?[2J", said)
        for bad in (b"\x1b", b"\xc2\x9b"):
            self.assertNotIn(bad, said + self.home.printed.replace(os.fsencode(odd), b""))

    def test_a_home_without_a_name_is_wrong_usage(self):
        for program in (WATCH, COMPILE):
            done = subprocess.run([program, "--home", ""], env=self.home.env, cwd=self.home.path, capture_output=True,
                                  text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--home", done.stderr)

    def test_an_overflowed_queue_means_look_again(self):
        watch = self.start()
        watch.stop()
        watch.overflow()
        self.home.write("config.yaml", config("sk-test-ways-2"))
        watch.resume()
        watch.wait_generation(2)
        self.assertEqual(self.key(), "sk-test-ways-2")

    def test_what_is_derived_comes_back(self):
        watch = self.start()
        before = self.home.snapshot()["content"]
        (self.home.path / "compiled/snapshot.json").unlink()
        watch.wait_generation(1)
        self.assertEqual(self.home.snapshot()["content"], before)
        text = (self.home.path / "compiled/snapshot.json").read_text()
        (self.home.path / "compiled/snapshot.json").write_text(text.replace("sk-test-ways-1", "sk-test-ways-9"))
        watch.wait_generation(2)
        self.assertEqual(self.home.snapshot()["content"], before)
        os.rename(self.home.path / "compiled", self.home.root / "away")  # at one stroke: hermes-watch writes into it
        watch.wait_generation(1)
        self.assertEqual(self.home.snapshot()["content"], before)

    def test_reload(self):
        watch = self.start()
        os.kill(watch.process.pid, 1)
        watch.wait(lambda status: status == "reloaded")


if __name__ == "__main__":
    unittest.main()
