"""The projection in memory, by tests/projector: text in, text out, nothing on disk."""
import subprocess

from harness import BUILD


class Projector:
    def __init__(self):
        self.process = subprocess.Popen([BUILD / "tests/projector"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        self.process.stdin.close()
        code = self.process.wait()
        self.process.stdout.close()
        assert code == 0, f"the projector ended with {code}"

    def project(self, config, env, pool, memory="", now=1795000000.0):
        """(auth.json as it shall be or None, memory, changes)"""
        parts = [part.encode() for part in (config, env, pool or "", memory)]
        sizes = [len(parts[0]), len(parts[1]), -1 if pool is None else len(parts[2]), len(parts[3])]
        self.process.stdin.write(f"{now!r} {' '.join(map(str, sizes))}\n".encode() + b"".join(parts))
        self.process.stdin.flush()
        sizes = [int(word) for word in self.process.stdout.readline().split()]
        texts = [self.process.stdout.read(max(size, 0)).decode() for size in sizes]
        return texts[0] if sizes[0] >= 0 else None, texts[1], texts[2]
