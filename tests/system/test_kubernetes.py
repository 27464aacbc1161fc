#!/usr/bin/env python3
"""The manifests of watcher/examples on this machine: volumes are laid out as a kubelet does it, the init container's
and hermes-watch's own commands are run in them, and a Secret is changed. No cluster is asked."""
import os, pathlib, re, subprocess, unittest

try:
    import yaml
except ImportError:
    yaml = None
from fleet import FLEET, Etcd
from harness import PATIENCE, Home, Watch

EXAMPLES = pathlib.Path(__file__).parents[2] / "watcher/examples"
OLD, NEW = "sk-or-test-kubernetes-1", "sk-or-test-kubernetes-2"


class Volume:
    """A folder that a kubelet fills: files are links to ..data, which is a link to the folder of this version."""

    def __init__(self, path, mode):
        self.path, self.mode, self.version = path, mode, 0
        path.mkdir()

    def fill(self, files):
        self.version += 1
        folder = self.path / f"..v{self.version}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
            (folder / name).chmod(self.mode)
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        (self.path / "..data_tmp").symlink_to(folder.name)
        os.rename(self.path / "..data_tmp", self.path / "..data")


class Pod(Home):
    """The volumes of the Deployment in manifest NAME; its paths are found below a folder of this test."""

    def __init__(self, name):
        super().__init__()
        documents = list(yaml.safe_load_all((EXAMPLES / name).read_text()))
        self.objects = {(d["kind"], d["metadata"]["name"]): d for d in documents}
        deployment = next(d for d in documents if d["kind"] == "Deployment")
        template = deployment["spec"]["template"]
        self.spec = template["spec"]
        self.labels = template["metadata"]["labels"], deployment["spec"]["selector"]["matchLabels"]
        container, = (c for c in self.spec["containers"] if c["name"] == "watch")
        self.command = container["command"]
        self.mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
        self.folders = {name: self.root / f"volume-{name}" for name in self.mounts}
        self.path = pathlib.Path(self.here(self.command[self.command.index("--home") + 1]))
        self.env["HERMES_MANAGED_DIR"] = self.here("/etc/hermes")

    def here(self, text):
        """TEXT with the paths of mounts where they are on this machine."""
        folders = {path: str(self.folders[name]) for name, path in self.mounts.items()}
        return re.sub(r"(?<![\w/])(" + "|".join(folders) + r")(?![\w-])", lambda found: folders[found[0]], text)

    def data(self, source):
        """The files of a volume's SOURCE, {"secret": {"name": ...}}."""
        (kind, named), = source.items()
        found = self.objects[{"secret": "Secret", "configMap": "ConfigMap"}[kind], named["name"]]
        return {name: self.here(text) for name, text in (found.get("stringData") or found["data"]).items()}

    def init(self):
        container, = self.spec["initContainers"]
        subprocess.run([self.here(word) for word in container["command"]], env=self.env, check=True)


@unittest.skipIf(yaml is None, "SKIP: no PyYAML")
class Manifests(unittest.TestCase):
    def pod(self, name):
        pod = Pod(name)
        self.addCleanup(pod.close)
        pod.folders["home"].mkdir()
        pod.folders["home"].chmod(0o2777)  # as an emptyDir with an fsGroup
        self.assertEqual(*pod.labels)
        self.assertEqual({volume["name"] for volume in pod.spec["volumes"]}, set(pod.mounts))
        for container in pod.spec["initContainers"] + pod.spec["containers"]:
            self.assertEqual({m["name"]: m["mountPath"] for m in container["volumeMounts"]}, pod.mounts)
        gateway, = (c for c in pod.spec["containers"] if c["name"] == "gateway")
        self.assertEqual({"name": "HERMES_HOME", "value": pod.command[-1]}, *gateway["env"])
        self.assertEqual(pod.command[:2], ["hermes-watch", "--home"])
        return pod

    def test_a_secret_that_changes(self):
        pod = self.pod("kubernetes-secret.yaml")
        projected, = (v["projected"] for v in pod.spec["volumes"] if v["name"] == "managed")
        files = {name: text for source in projected["sources"] for name, text in pod.data(source).items()}
        self.assertEqual(set(files), {".env", "config.yaml"})
        volume = Volume(pod.folders["managed"], projected["defaultMode"])
        volume.fill({**files, ".env": f"OPENROUTER_API_KEY={OLD}\n"})
        pod.init()
        watch = Watch(pod)
        try:
            self.assertEqual([entry["access_token"] for entry in pod.pool("openrouter")], [OLD])
            volume.fill({**files, ".env": f"OPENROUTER_API_KEY={NEW}\n"})
            watch.wait_generation(2)
            self.assertEqual([entry["access_token"] for entry in pod.pool("openrouter")], [NEW])
        finally:
            watch.close()

    def test_a_fleet_as_a_sidecar(self):
        etcd = Etcd()
        self.addCleanup(etcd.close)
        pod = self.pod("kubernetes-fleet.yaml")
        secret, = (v["secret"] for v in pod.spec["volumes"] if v["name"] == "fleet")
        config = pod.data({"configMap": {"name": "hermes-config"}})["config.yaml"]
        settings = yaml.safe_load(config)["hermes_watch"]["fleet"]
        subprocess.run([FLEET, "init", settings["name"]], env=pod.env, check=True, capture_output=True)
        key = (pod.root / ".config/hermes" / f"{settings['name']}.fleet-key").read_text()
        Volume(pod.folders["fleet"], secret["defaultMode"]).fill({"key": key, "ca.pem": ""})
        self.assertEqual(pathlib.Path(settings["ca_file"]), pod.folders["fleet"] / "ca.pem")
        local = config.replace(", ".join(settings["endpoints"]), etcd.endpoints).replace("ca_file", "# ca_file")
        Volume(pod.folders["managed"], 0o644).fill({"config.yaml": local})
        pod.init()
        watch = Watch(pod)
        try:
            done = subprocess.run([FLEET, "--home", pod.path, "push"], env=pod.env, timeout=PATIENCE,
                                  input=f"OPENROUTER_API_KEY={NEW}\n".encode(), capture_output=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            watch.wait_generation(2)
            self.assertEqual([entry["access_token"] for entry in pod.pool("openrouter")], [NEW])
        finally:
            watch.close()


if __name__ == "__main__":
    unittest.main()
