"""The relay's status page in headless Chromium: what a user sees, live, on a telephone, without a token, and when the
relay is gone; and that nothing on it is a secret."""
import re, unittest

import browser
from harness import Home, Watch, fingerprint
from mock_provider import MockProvider, http, limited
from relay import Relay

ONE, TWO, THREE, FOUR = (f"sk-test-page-{name}-1111" for name in ("one", "two", "three", "four"))
MARKUP = "<img src=x onerror=document.title='run'>"


@unittest.skipUnless(browser.is_here(), "SKIP: chromium and chromedriver are not installed")
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.browser = browser.Browser()
        except browser.NoBrowser as why:
            raise unittest.SkipTest(f"SKIP: Chromium does not start here: {why}") from None
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.home, self.provider = Home(), MockProvider()
        self.addCleanup(self.home.close)
        self.addCleanup(self.provider.close)

    def configure(self, first=ONE, more=""):
        self.home.write("config.yaml",
                        f"model:\n  provider: xiaomi\n  default: m\n  base_url: {self.provider.url}\n  api_key: {first}\n"
                        f"credential_pool_sources:\n  xiaomi: [MORE_ONE, MORE_TWO]\n{more}")
        self.home.write(".env", f"MORE_ONE={TWO}\nMORE_TWO={THREE}\n")

    def compile(self, **kwargs):
        self.configure(**kwargs)
        code, out, err = self.home.compile()
        self.assertEqual(code, 0, out + err)

    def relay(self, *args, **kwargs):
        relay = Relay(self.home, *args, **kwargs)
        self.addCleanup(relay.close)
        return relay

    def show(self, relay):
        self.url = f"http://{relay.address}/"
        self.browser.console()
        self.browser.open(f"{self.url}?token={relay.token}")
        self.browser.wait_text("Live")
        self.addCleanup(self.check, relay.token)

    def check(self, token):
        """Nothing secret is on the page, and the browser had nothing to complain of."""
        page = self.browser.run("return document.documentElement.outerHTML + location.href + document.cookie")
        for secret in (token, ONE, TWO, THREE, FOUR):
            self.assertNotIn(secret, page)
        # the relay ended; JSON has no icon
        expected = re.compile("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|/favicon.ico")
        self.assertEqual([line for line in self.browser.console() if not expected.search(line)], [])

    def row(self, key):
        return self.browser.run("return document.querySelector(`[data-key='${arguments[0]}']`).innerText",
                                fingerprint(key))

    def wait_row(self, key, text):
        self.browser.wait("(document.querySelector(`[data-key='${args[0]}']`) || {innerText: ''}).innerText.includes(args[1])",
                          fingerprint(key), text)

    def test_without_a_token_a_browser_is_told_where_it_lies(self):
        self.compile()
        relay = self.relay()
        self.browser.ask("DELETE", "/cookie")
        self.browser.open(f"http://{relay.address}/")
        text = self.browser.text()
        self.assertIn("compiled/relay.token", text)
        self.assertNotIn("xiaomi", text)
        self.browser.run("document.querySelector('input').value = arguments[0]; document.querySelector('button').click()", relay.token)
        self.browser.wait_text("Live")
        self.assertEqual(self.browser.run("return location.href"), f"http://{relay.address}/")
        self.assertTrue(any("401" in line for line in self.browser.console()))

    def test_keys_with_their_origins_and_what_became_of_them(self):
        self.compile()
        relay = self.relay()
        self.show(relay)
        self.wait_row(ONE, "is used next")
        self.assertIn("config.yaml:5:12", self.row(ONE))
        self.assertIn("MORE_ONE", self.row(TWO))
        self.provider.answers = {ONE: limited(300),
                                 TWO: http(401, {"error": {"message": "revoked", "code": "token_revoked"}})}
        answer = relay.chat()
        self.wait_row(ONE, "cooling")
        self.assertRegex(self.row(ONE), r"cooling [45]:\d\d\s+HTTP 429, rule 429-retry-after")
        self.assertRegex(self.row(TWO), r"dead\s+HTTP 401, rule 401-revoked; until its source changes")
        self.assertRegex(self.row(THREE), r"usable\s+in use, is used next\s+1 time")
        link = self.browser.run("return document.querySelector('a[href^=\"/requests/\"]').href")
        self.assertEqual(link, self.url + "requests/" + answer.headers["x-hermes-request-id"])
        self.assertIn("HTTP 401, rule 401-revoked; another one went on",
                      self.browser.run("return document.getElementById('news').textContent"))
        before = self.row(ONE)
        self.browser.wait("!document.querySelector(`[data-key='${args[0]}']`).innerText.includes(args[1])",  # it ticks
                          fingerprint(ONE), re.search(r"\d:\d\d", before).group())
        self.browser.open(link)
        self.assertIn('"attempts":[{', self.browser.text())
        self.browser.open(self.url)
        self.browser.wait_text("Live")

    def test_a_rotated_key_appears_by_itself_and_what_has_the_focus_keeps_it(self):
        self.compile()
        relay = self.relay()
        self.show(relay)
        self.provider.answers = {ONE: limited(300)}
        relay.chat()
        self.wait_row(ONE, "cooling")
        self.browser.run("document.querySelector('a').focus()")
        self.compile(first=FOUR)
        self.wait_row(FOUR, "is used next")
        self.assertIn("Generation 2 is in force",
                      self.browser.run("return document.getElementById('news').textContent"))
        self.assertEqual(self.browser.run("return document.querySelectorAll(`[data-key='${arguments[0]}']`).length",
                                          fingerprint(ONE)), 0)
        self.provider.answers = {FOUR: limited(300)}
        self.browser.wait("document.activeElement.tagName === 'A'")
        focused = self.browser.run("return document.activeElement.href")
        relay.chat()
        self.browser.wait("document.querySelectorAll('a[href^=\"/requests/\"]').length === 2")
        self.assertEqual(self.browser.run("return document.activeElement.href"), focused)

    def test_the_watcher_its_diagnostics_and_its_end(self):
        self.configure(more=f"modle: x\n\"{MARKUP}\": 1\n")
        watch = Watch(self.home)
        self.show(self.relay())
        self.browser.wait_text("did you mean `model`?")
        self.browser.wait_text("generation 1")
        self.assertIn("config.yaml:8:1", self.browser.text())
        self.assertEqual(self.browser.run("return document.images.length"), 0)
        watch.abandon()
        self.browser.wait_text("Stale: process")
        (self.home.path / "compiled/status.json").unlink()
        self.browser.wait_text("hermes-watch is not running")

    def test_drift_and_words_with_markup_are_text(self):
        self.compile()
        self.home.write("compiled/status.json",
                        """{"pid": 1, "version": "1", "state": "ok", "status": "%s", "generation": 1,\n
            "started_at": null, "last_compile_at": null, "drift": [{"where": "gateway 77", "variable": "XIAOMI_API_KEY",
            "found": "%s", "expected": "%s", "matters": true, "message": "an older value", "help": "restart it"}]}"""
                        % (MARKUP, fingerprint(FOUR), fingerprint(ONE)))
        self.show(self.relay())
        self.browser.wait_text("disagrees gateway 77")
        self.browser.wait_text(f"XIAOMI_API_KEY is {fingerprint(FOUR)}, not {fingerprint(ONE)}; an older value")
        self.assertIn(MARKUP, self.browser.text())
        self.assertEqual(self.browser.run("return document.images.length"), 0)

    def test_no_snapshot_yet(self):
        self.show(self.relay())
        self.browser.wait_text("There is no snapshot yet")
        self.compile()
        self.wait_row(ONE, "usable")
        self.assertNotIn("There is no snapshot yet", self.browser.text())

    def test_offline_and_back(self):
        self.compile()
        relay = Relay(self.home)
        self.show(relay)
        relay.close()
        self.browser.wait_text("Offline since")
        self.relay(listen=relay.address)
        self.browser.wait_text("Live")
        self.assertNotIn("Offline", self.browser.text())

    def test_on_a_telephone_nothing_runs_out_of_the_screen(self):
        self.compile(more=f"custom_providers:\n  - name: {'long' * 20}\n    base_url: {self.provider.url}/{'path/' * 40}\n    api_key: {FOUR}\n")
        relay = self.relay()
        self.show(relay)
        self.provider.answers = {ONE: limited(300)}
        relay.chat()
        self.wait_row(ONE, "cooling")
        self.addCleanup(self.browser.resize, 1200, 900)
        for width in (360, 600, 800, 1000, 1200):
            self.browser.resize(width, 800)
            self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width)

    def test_what_a_screen_reader_goes_by(self):
        self.compile()
        self.show(self.relay())
        self.wait_row(ONE, "usable")
        tree = self.browser.command("Accessibility.getFullAXTree")["nodes"]
        roles = [node["role"]["value"] for node in tree if not node["ignored"]]
        for role in ("banner", "main", "status", "table", "columnheader", "cell"):
            self.assertIn(role, roles)
        names = [node["name"]["value"] for node in tree if node["role"]["value"] == "table" and not node["ignored"]]
        self.assertIn("Keys of xiaomi", names)
        live = self.browser.run("return [...document.querySelectorAll('[aria-live], [role=status]')].filter(e => e.querySelector('time')).length")
        self.assertEqual(live, 0)  # nobody has each second read out


if __name__ == "__main__":
    unittest.main()
