"""The order in which a publish reaches the disk, which is all that a loss of power leaves to rely on; and that a
compile without news writes nothing."""
import re, unittest

from injection import WRITES, Fault, calls

TEMPORARY = re.compile(r'"\.hermes-compile\.([a-z.]+)\.[0-9a-f]{16}"')
FILES = ("snapshot.json", "cooldowns.json", "auth.json")


def events(found):
    """(what, name) for each call on a file or a folder of the home; a folder's name is its path."""
    names, out = {}, []
    for call in found:
        result = call.text.rsplit("= ", 1)[1].split()[0]
        first = call.text.split(",")[0].split(")")[0]
        temporary = TEMPORARY.search(call.text)
        if call.name == "openat" and not result.startswith("-"):
            names[result] = temporary[1] if temporary else call.text.split('"')[1]
            if "O_WRONLY" in call.text or "O_RDWR" in call.text:
                out.append(("create", names[result]))
        elif call.name == "renameat":
            out.append(("rename", call.text.split('"')[3]))
        elif call.name == "mkdir" and result == "0":
            out.append(("mkdir", call.text.split('"')[1]))
        elif call.name in ("writev", "fsync") and first in names:
            out.append((call.name, names[first]))
        elif call.name == "unlinkat":
            out.append(("unlink", call.text))
        elif call.name == "close":
            names.pop(first, None)
    return out


class Order(Fault):
    def test_of_a_publish(self):
        for home in self.homes():
            seen = events(calls(home, WRITES, "-f"))
            there = [name for name in FILES if ("rename", name) in seen]
            self.assertEqual(there, list(FILES))
            visible = seen.index(("rename", "snapshot.json"))
            for name in there:
                steps = [seen.index((what, name)) for what in ("create", "writev", "fsync", "rename")]
                self.assertEqual(steps, sorted(steps), name)
                self.assertLess(steps[2], visible, f"{name} is not durable when the first file becomes visible")
                folder = str(home.path if name == "auth.json" else home.path / "compiled")
                self.assertIn(("fsync", folder), seen[steps[3]:])
            renames = [seen.index(("rename", name)) for name in there]
            self.assertEqual(renames, sorted(renames))
            made = ("mkdir", str(home.path / "compiled"))
            if made in seen:
                self.assertIn(("fsync", str(home.path)), seen[seen.index(made):visible])

    def test_nothing_new_nothing_written(self):
        for home in self.homes():
            self.assertEqual(home.compile()[0], 0)
            before = self.state(home)
            locks = {str(home.path / "compiled/compile.lock"), str(home.path / "auth.lock")}
            for what, name in events(calls(home, WRITES)):
                self.assertEqual((what, name in locks), ("create", True), name)
            self.assertEqual(self.state(home), before)

    @staticmethod
    def state(home):
        paths = sorted(path for path in home.path.rglob("*"))
        return [(path, path.lstat().st_ino, path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in paths]


if __name__ == "__main__":
    unittest.main()
