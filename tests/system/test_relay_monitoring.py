"""The alerts and the dashboard of runtime/examples/monitoring: promtool takes them, each alert is raised by what it is
for, and every metric in them is one that the programs write."""
import json, os, pathlib, re, shutil, subprocess, tempfile, time, unittest

from harness import PATIENCE, Watch
from mock_provider import limited
from relay_case import KEY, RelayCase

HERE = pathlib.Path(__file__).parent
MONITORING = HERE.parents[1] / "runtime/examples/monitoring"
ALERTS, DASHBOARD = MONITORING / "hermes-alerts.yml", MONITORING / "hermes-grafana.json"


@unittest.skipUnless(shutil.which("promtool"), "SKIP: promtool is not installed (Debian: prometheus)")
class Promtool(unittest.TestCase):
    def promtool(self, *args):
        done = subprocess.run(["promtool", *args], cwd=HERE, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_rules_are_valid(self):
        self.promtool("check", "rules", ALERTS)

    def test_the_configuration_is_valid(self):
        self.promtool("check", "config", "--syntax-only", MONITORING / "prometheus.yml")

    def test_each_alert_is_raised_by_what_it_is_for(self):
        self.promtool("test", "rules", "alerts.yml")

    def test_the_expressions_of_the_dashboard_are_valid(self):
        panels = json.loads(DASHBOARD.read_text())["panels"]
        rules = "groups:\n- name: dashboard\n  rules:\n"
        for query in (target for panel in panels for target in panel["targets"]):
            rules += f"  - {{record: a, expr: {json.dumps(query['expr'])}}}\n"
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(rules)
            file.flush()
            self.promtool("check", "rules", "--lint=none", file.name)


class Names(RelayCase):
    def test_every_alert_is_tested(self):
        tests = (HERE / "alerts.yml").read_text()
        for alert in re.findall(r"- alert: (\w+)", ALERTS.read_text()):
            self.assertEqual(len(re.findall(rf"alertname: {alert}\b", tests)), 2, f"{alert}: once raised, once not")

    def test_every_metric_and_label_is_written_by_the_programs(self):
        watch = Watch(self.home)
        self.addCleanup(watch.close)
        relay = self.relay()
        self.openai.answers = {KEY: limited(60)}
        relay.wait_log(relay.chat().headers["x-hermes-request-id"])
        end = time.monotonic() + PATIENCE
        while not (written := self.home.bytes_of("compiled/metrics.prom")):  # it tells nobody when it is written
            self.assertLess(time.monotonic(), end)
            os.sched_yield()
        text = written.decode() + relay.get("/metrics").body.decode()
        known = set(re.findall(r"^(hermes_\w+)\{?", text, re.M))
        labels = {name: set(re.findall(r'(\w+)="', given))
                  for name, given in re.findall(r"^(hermes_\w+)\{(.*)\}", text, re.M)}
        for path in ALERTS, DASHBOARD:
            used = path.read_text().replace('\\"', '"')
            for name in set(re.findall(r"\bhermes_(?:watch|relay)_\w+", used)):
                self.assertIn(name, known, path.name)
            for name, given in re.findall(r"\b(hermes_(?:watch|relay)_\w+)\{(.*?)\}", used):
                self.assertLessEqual(set(re.findall(r"(\w+)[=!]", given)), labels[name], path.name)


if __name__ == "__main__":
    unittest.main()
