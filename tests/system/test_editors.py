"""Real editors under a terminal, with each of their ways to save: one save is one generation, and it has the new
key."""
import os, pathlib, pty, select, shutil, subprocess, time, unittest

from harness import PATIENCE, Home, Watch

CONFIG = "model:\n  provider: xiaomi\n  api_key: sk-test-editors-1"  # its last character is the one that is edited
EMACS = '(search-forward "editors-") (delete-char 1) (insert "2") (save-buffer) (kill-emacs)'
SUBSTITUTE = "%s/editors-1/editors-2/"
REWRITE = """
import os, sys, tempfile
text = open(sys.argv[1]).read().replace("editors-1", "editors-2")
fd, name = tempfile.mkstemp(dir=os.path.dirname(sys.argv[1]))
os.write(fd, text.encode()); os.fsync(fd); os.close(fd)
os.rename(name, sys.argv[1])
"""


def tool(name):
    return unittest.skipUnless(shutil.which(name), f"SKIP: {name} is not installed")


class Editors(unittest.TestCase):
    def setUp(self):
        self.home = Home()
        self.addCleanup(self.finish)  # after the watcher's own clean-up
        self.path = self.home.write("config.yaml", CONFIG + "\n")
        self.watch = Watch(self.home)
        self.addCleanup(self.watch.close)

    def finish(self):
        self.assertNotIn(b"sk-test", self.home.printed)
        self.home.close()

    def arrives(self):
        self.watch.wait_generation(2)
        key = self.home.snapshot()["content"]["providers"]["xiaomi"]["credentials"][0]["secret"]
        self.assertEqual((self.home.generation(), key), (2, "sk-test-editors-2"))

    def edit(self, command, sees=None, types=b"", then=None):
        """Runs COMMAND on a terminal; once the screen shows SEES, TYPES the keys."""
        try:
            pid, terminal = pty.fork()
        except OSError as error:
            self.skipTest(f"SKIP: no terminal to be had: {error}")
        if pid == 0:
            os.chdir(self.home.path)
            os.execvpe(str(command[0]), [str(word) for word in command],
                       dict(self.home.env, TERM="xterm", LINES="24", COLUMNS="80"))
        screen, deadline = b"", time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                screen += os.read(terminal, 65536)
            except OSError:  # it ended
                break
            if sees is not None and sees in screen:
                os.write(terminal, types)
                sees, types, then, screen = then and then[0], then and then[1], None, b""
        os.close(terminal)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.assertEqual(status, 0, screen[-500:])
        self.arrives()

    def run_tool(self, *command, **kwargs):
        subprocess.run([str(word) for word in command], check=True, cwd=self.home.path, timeout=PATIENCE,
                       capture_output=True, **kwargs)
        self.arrives()

    def vim(self, *settings):
        self.edit(["vim", "-u", "NONE", "-N", *(word for s in settings for word in ("--cmd", f"set {s}")), "-c",
                   SUBSTITUTE, "-c", "wq", self.path])

    @tool("vim")
    def test_vim(self):
        self.vim()

    @tool("vim")
    def test_vim_writes_in_place(self):
        self.vim("backupcopy=yes", "backup")

    @tool("vim")
    def test_vim_renames_the_old_one(self):
        self.vim("backupcopy=no", "writebackup")

    @tool("vim")
    def test_vim_without_a_backup(self):
        self.vim("nobackup", "nowritebackup", "noswapfile", "fsync")

    @tool("nano")
    def test_nano(self):
        self.edit(["nano", "-I", "+3,99", self.path], b"^X", b"\x7f2\x0f\r", (b"Wrote", b"\x18"))

    @tool("nano")
    def test_nano_with_a_backup(self):
        self.edit(["nano", "-I", "-B", "+3,99", self.path], b"^X", b"\x7f2\x0f\r", (b"Wrote", b"\x18"))

    @tool("emacs")
    def test_emacs(self):
        self.edit(["emacs", "-nw", "-Q", self.path, "--eval", f"(progn (goto-char (point-min)) {EMACS})"])

    @tool("emacs")
    def test_emacs_that_writes_by_renaming(self):
        self.edit(["emacs", "-nw", "-Q", self.path, "--eval", f"(progn (setq file-precious-flag t) {EMACS})"])

    @tool("micro")
    def test_micro(self):
        self.edit(["micro", "+3:27", self.path], b"config.yaml", b"\x1b[F\x7f2\x13", (b"Saved", b"\x11"))

    @tool("ed")
    def test_ed(self):
        self.run_tool("ed", "-s", self.path, input=b",s/editors-1/editors-2/\nw\nq\n")

    @tool("sed")
    def test_sed(self):
        self.run_tool("sed", "-i", "s/editors-1/editors-2/", self.path)

    @tool("sed")
    def test_sed_with_a_backup(self):
        self.run_tool("sed", "-i.bak", "s/editors-1/editors-2/", self.path)

    @tool("perl")
    def test_perl(self):
        self.run_tool("perl", "-i", "-pe", "s/editors-1/editors-2/", self.path)

    def test_a_program_that_rewrites(self):
        self.run_tool("/usr/bin/python3", "-c", REWRITE, self.path)

    def test_a_shell(self):
        self.run_tool("sh", "-c", 'text=$(sed s/editors-1/editors-2/ config.yaml); printf "%s\\n" "$text" >config.yaml')

    def test_copied_over(self):
        self.run_tool("sh", "-c", "sed s/editors-1/editors-2/ config.yaml >../new; cp -p ../new config.yaml")

    def test_moved_over_from_another_file_system(self):
        self.run_tool("sh", "-c",
                      "sed s/editors-1/editors-2/ config.yaml >/dev/shm/$$; chmod 600 /dev/shm/$$; "
                      "mv /dev/shm/$$ config.yaml")


if __name__ == "__main__":
    unittest.main()
