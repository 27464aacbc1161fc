#!/usr/bin/env python3
"""A fleet on three members of etcd while they are killed, stopped, cut off, compacted and filled; with TLS and users.
Each fault: no machine loses its revision, none is left behind, and none goes back. The last line counts them."""
import json, os, re, signal, subprocess, threading, unittest

from fleet import Etcd, FleetHome
from harness import PATIENCE, fingerprint
from test_fleet import EXIT_INVALID, EXIT_IO, EXIT_OK, FleetCase, NEW, OLD

TRIED, SURVIVED = {}, {}


class fault:
    """Counts what is tried under NAME, and what came out of it as it should."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        TRIED[self.name] = TRIED.get(self.name, 0) + 1

    def __exit__(self, kind, *_):
        SURVIVED[self.name] = SURVIVED.get(self.name, 0) + (kind is None)


def leader(etcd):
    told = etcd.ctl("endpoint", "status", "-w", "json", check=False).stdout
    for member in json.loads(told):
        if member["Status"]["leader"] == member["Status"]["header"]["member_id"]:
            return next(m for m in etcd.members if m.url == member["Endpoint"])


class Three(unittest.TestCase):
    def setUp(self):
        self.etcd = Etcd(3)
        first = FleetHome(self.etcd)
        self.homes = [first.start(), FleetHome(self.etcd, key=first.key).start()]
        self.number = 0

    def tearDown(self):
        for home in self.homes:
            home.close()
        self.etcd.close()

    def push(self):
        """A new key; the next revision."""
        self.number += 1
        self.key = f"sk-test-fault-{self.number:04}"
        code, out, err = self.homes[0].push(f"XIAOMI_API_KEY={self.key}\n")
        self.assertEqual((code, err), (EXIT_OK, ""))
        self.assertTrue(out.startswith(f"revision {self.number} "), out)

    def arrive(self):
        for home in self.homes:
            home.wait_revision(self.number)
            self.assertEqual(home.first_key(), fingerprint(self.key))

    def wait_machines(self):
        """Until both have written that they have the revision: they write no more then."""
        with self.etcd.watching("/hermes-watch/prod/machines/") as lines:
            while [m["revision"] for m in self.homes[0].status()["machines"]] != [self.number] * 2:
                lines.readline()

    def test_each_member_killed_and_back(self):
        self.push(), self.arrive()
        for member in self.etcd.members:
            with fault("kill -9 of a member"):
                member.kill()
                self.push(), self.arrive()
                member.start()
                self.push(), self.arrive()

    def test_the_leader_killed_in_the_middle_of_a_push(self):
        self.push(), self.arrive()
        for _ in range(3):
            with fault("kill -9 of the leader in mid-push"):
                member = leader(self.etcd)
                done = []
                pusher = threading.Thread(target=lambda: done.append(self.homes[0].push(f"XIAOMI_API_KEY={NEW}\n")))
                pusher.start()
                member.kill()
                pusher.join()
                code, out, err = done[0]
                self.assertIn(code, (EXIT_OK, EXIT_IO), err)  # nobody is told that it is done when it is not
                if code == EXIT_IO:
                    self.assertRegex(err, "^hermes-fleet: http://127")
                member.start()
                status = self.homes[0].status()
                self.number = status["revision"]
                self.push(), self.arrive()

    def test_a_majority_lost_and_back(self):
        self.push(), self.arrive()
        with fault("a majority lost and back"):
            for member in self.etcd.members[:2]:
                member.kill()
            for home in self.homes:
                home.wait_state(heard=False)
                self.assertEqual(home.first_key(), fingerprint(self.key))
            self.assertEqual(self.homes[0].push(f"XIAOMI_API_KEY={NEW}\n")[0], EXIT_IO)
            self.homes[1].write(".env", "EDITED=1\n")
            self.homes[1].wait_for(lambda: self.homes[1].snapshot()["content"]["env"].get("EDITED"), "the edit")
            for member in self.etcd.members[:2]:
                member.start(wait=False)
            for member in self.etcd.members[:2]:
                member.wait_ready()
            for home in self.homes:
                home.wait_state(heard=True)
            self.number = self.homes[0].status()["revision"]  # a push that was not answered may have come through
            self.push(), self.arrive()

    def test_a_member_that_is_stopped(self):
        self.push(), self.arrive()
        for member in self.etcd.members:
            with fault("SIGSTOP of a member"):
                member.signal(signal.SIGSTOP)
                self.push(), self.arrive()  # a machine that listens to this one notices when it renews its lease
                member.signal(signal.SIGCONT)
                self.push(), self.arrive()

    def test_a_watcher_under_compaction(self):
        self.push(), self.arrive()
        home = self.homes[1]
        with fault("compaction under a watcher"):
            child, = home.children()
            os.kill(child, signal.SIGSTOP)
            for _ in range(3):
                self.push()
            told = json.loads(self.etcd.ctl("endpoint", "status", "-w", "json").stdout)
            self.etcd.ctl("compact", str(told[0]["Status"]["header"]["revision"]))
            os.kill(child, signal.SIGCONT)
            self.push(), self.arrive()

    def test_a_lease_that_ended(self):
        self.push(), self.arrive()
        with fault("a lease that ended"):
            self.wait_machines()
            leases = self.etcd.ctl("lease", "list").stdout.split()[3:]
            self.assertEqual(len(leases), 2)
            for lease in leases:
                self.etcd.ctl("lease", "revoke", lease)
            self.wait_machines()
            self.assertEqual(set(leases) & set(self.etcd.ctl("lease", "list").stdout.split()), set())

    def test_fifty_pushes_at_once(self):
        import concurrent.futures
        with fault("50 racing pushes"):
            with concurrent.futures.ThreadPoolExecutor(10) as pool:
                done = list(pool.map(lambda i: self.homes[0].push(f"XIAOMI_API_KEY=sk-test-race-{i:04}\n"), range(50)))
            won = [int(re.match("revision ([0-9]+)", out)[1]) for code, out, err in done if code == EXIT_OK]
            self.assertEqual(sorted(won), list(range(1, len(won) + 1)))
            self.assertEqual({code for code, out, err in done} - {0, 3}, set())
            for home in self.homes:
                home.wait_revision(len(won))
            self.assertEqual(self.homes[0].first_key(), self.homes[1].first_key())


class Full(unittest.TestCase):
    def test_an_etcd_that_is_full(self):
        etcd = Etcd(options=["--quota-backend-bytes", str(4 * 1024 * 1024)])
        home = FleetHome(etcd).start()
        try:
            home.push(f"XIAOMI_API_KEY={OLD}\n")
            home.wait_revision(1)
            with fault("a full etcd"):
                blob = "x" * 1000000
                while subprocess.run(["etcdctl", "--endpoints", etcd.endpoints, "put", "blob"], input=blob, text=True,
                                     env=dict(os.environ, ETCDCTL_API="3"), capture_output=True).returncode == 0:
                    pass
                code, out, err = home.push(f"XIAOMI_API_KEY={NEW}\n")
                self.assertEqual((code, out), (EXIT_INVALID, ""))
                self.assertIn("etcdserver: mvcc: database space exceeded", err)
                self.assertEqual(home.first_key(), fingerprint(OLD))
                etcd.ctl("del", "blob")
                told = json.loads(etcd.ctl("endpoint", "status", "-w", "json").stdout)
                etcd.ctl("compact", str(told[0]["Status"]["header"]["revision"]))
                etcd.ctl("defrag")
                etcd.ctl("alarm", "disarm")
                self.assertEqual(home.push(f"XIAOMI_API_KEY={NEW}\n")[0], EXIT_OK)
                home.wait_revision(2)
        finally:
            home.close()
            etcd.close()


class Users(unittest.TestCase):
    def test_users_and_roles(self):
        etcd = Etcd()
        ctl = etcd.ctl
        home = FleetHome(etcd, env="ETCD_PASSWORD=sk-test-etcd-pass\n")
        config = (home.path / "config.yaml").read_text()
        with_user = lambda name: config + f"    username: {name}\n    password_env: ETCD_PASSWORD\n"
        try:
            ctl("user", "add", "root:sk-test-root-pass"), ctl("user", "grant-role", "root", "root")
            for name, writes in (("machine", ("cooldowns/", "machines/", "resets/")), ("pusher", ("",))):
                ctl("user", "add", f"{name}:sk-test-etcd-pass"), ctl("role", "add", name)
                ctl("role", "grant-permission", name, "read", "--prefix=true", "/hermes-watch/prod/")
                for place in writes:
                    ctl("role", "grant-permission", name, "readwrite", "--prefix=true", "/hermes-watch/prod/" + place)
                ctl("user", "grant-role", name, name)
            ctl("auth", "enable")
            with fault("no user"):
                code, out, err = home.fleet("status")
                self.assertEqual(code, EXIT_INVALID)
                self.assertIn("etcdserver: user name is empty", err)
            with fault("a wrong user"):
                home.write("config.yaml", with_user("nobody"))
                code, out, err = home.fleet("status")
                self.assertEqual(code, EXIT_INVALID)
                self.assertIn("authentication failed, invalid user ID or password", err)
            home.write("config.yaml", with_user("pusher"))
            self.assertEqual(home.push(f"XIAOMI_API_KEY={OLD}\n")[0], EXIT_OK)
            home.write("config.yaml", with_user("machine"))
            home.start().wait_revision(1)
            home.wait_state(heard=True)
            with fault("a user who may not push"):
                code, out, err = home.push(f"XIAOMI_API_KEY={NEW}\n")
                self.assertEqual(code, EXIT_INVALID)
                self.assertIn("permission denied", err)
            home.wait_for(lambda: len(home.status()["machines"]) == 1, "the machine's record")
            home.close()
            self.assertNotIn(b"sk-test-etcd-pass", home.printed)
        finally:
            home.close()
            etcd.close()


class Tls(unittest.TestCase):
    def certificates(self, home, *more, days="2"):
        """A CA, a certificate for 127.0.0.1, and one for a client."""
        folder = home.root / "tls"
        folder.mkdir()

        def openssl(*args, before=()):
            subprocess.run([*before, "openssl", *args], cwd=folder, check=True, capture_output=True)

        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=test CA", "-keyout", "ca-key.pem", "-out", "ca.pem")
        for name, usage in (("server", "serverAuth,clientAuth"), ("client", "clientAuth"), ("nameless", "clientAuth"),
                            ("expired", "serverAuth")):
            # etcd's gateway calls etcd with the server's certificate
            (folder / "extensions").write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\n")
            openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/O=machines" if name == "nameless" else f"/CN={name}",
                    "-keyout", f"{name}-key.pem", "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
                    "-extfile", "extensions", "-out", f"{name}.pem", "-days", "2",
                    before=["faketime", "-f", "-30d"] if name == "expired" else [])
        return folder

    def setUp(self):
        class Nowhere:
            endpoints = "https://127.0.0.1:1"

        self.home = FleetHome(Nowhere)
        self.tls = self.certificates(self.home)

    def tearDown(self):
        self.home.close()

    def join(self, etcd, more):
        config = (self.home.path / "config.yaml").read_text()
        self.home.write("config.yaml", re.sub(r"endpoints: \[.*\]", f"endpoints: [{etcd.endpoints}]", config) +
                        "".join(f"    {name}: {self.tls / file}\n" for name, file in more.items()))

    def test_mutual_tls_and_a_user(self):
        """As the guide has it: three members that know each other by certificates, machines with theirs, users."""
        etcd = Etcd(3, tls=self.tls)
        plain = (self.home.path / "config.yaml").read_text()
        try:
            with fault("a certificate of a stranger"):
                self.join(etcd, {})
                code, out, err = self.home.fleet("status")
                self.assertEqual(code, EXIT_INVALID)
                self.assertRegex(err, "SSL certificate problem: ")
            with fault("no certificate of one's own"):
                self.home.write("config.yaml", plain)
                self.join(etcd, {"ca_file": "ca.pem"})
                self.assertNotEqual(self.home.fleet("status")[0], EXIT_OK)
            self.home.write("config.yaml", plain)
            self.join(etcd, {"ca_file": "ca.pem", "cert_file": "client.pem", "cert_key_file": "client-key.pem"})
            self.home.start()
            self.assertEqual(self.home.push(f"XIAOMI_API_KEY={OLD}\n")[0], EXIT_OK)
            self.home.wait_revision(1)
            etcd.ctl("user", "add", "root:sk-test-etcd-pass"), etcd.ctl("user", "grant-role", "root", "root")
            etcd.ctl("auth", "enable")
            self.home.write(".env", "ETCD_PASSWORD=sk-test-etcd-pass\n")
            config = (self.home.path / "config.yaml").read_text()
            config += "    username: root\n    password_env: ETCD_PASSWORD\n"
            self.home.write("config.yaml", config)
            with fault("a certificate with a name, and users"):
                code, out, err = self.home.push(f"XIAOMI_API_KEY={NEW}\n")
                self.assertEqual(code, EXIT_INVALID)
                self.assertIn("refuses a client certificate that has a common name (CN): use one without it\n", err)
            self.home.write("config.yaml", config.replace("client", "nameless"))
            self.assertEqual(self.home.push(f"XIAOMI_API_KEY={NEW}\n")[::2], (EXIT_OK, ""))
            self.home.wait_revision(2)
        finally:
            self.home.watch and self.home.watch.close()
            self.home.watch = None
            etcd.close()

    def test_a_certificate_that_has_expired(self):
        for kind in ("", "-key"):
            os.replace(self.tls / f"expired{kind}.pem", self.tls / f"server{kind}.pem")
        (self.tls / "client.pem").unlink()
        etcd = Etcd(tls=self.tls)
        try:
            with fault("an expired certificate"):
                self.join(etcd, {"ca_file": "ca.pem"})
                code, out, err = self.home.fleet("status")
                self.assertEqual(code, EXIT_INVALID)
                self.assertIn("SSL certificate problem: certificate has expired", err)
        finally:
            etcd.close()


def tearDownModule():
    print("fault                                 tried  survived")
    for name, count in TRIED.items():
        print(f"{name:36}  {count:5}  {SURVIVED.get(name, 0):8}")


if __name__ == "__main__":
    unittest.main()
