"""The relay's status page in headless Chromium: what a user sees, live, on a telephone, without a token, and when the
relay is gone; and that nothing on it is a secret."""
import re, subprocess, unittest

import browser
from harness import BUILD, Home, Watch, fingerprint
from mock_provider import MockProvider, http, limited
from relay import Relay

ONE, TWO, THREE, FOUR = (f"sk-test-page-{name}-1111" for name in ("one", "two", "three", "four"))
# Text that stands out too little from what is behind it.
CONTRAST = """
const parse = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
const bad = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node; (node = walker.nextNode());) {
  const e = node.parentElement;
  if (!node.data.trim() || !e.getClientRects().length || ["SCRIPT", "NOSCRIPT"].includes(e.tagName)) continue;
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) bad.push(node.data + " " + ((a + .05) / (b + .05)).toFixed(2));
}
return bad;"""
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
                        f"model:\n  provider: xiaomi\n  default: m\n  base_url: {self.provider.url}\n"
                        f"  api_key: {first}\n"
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
        self.browser.wait("(document.querySelector(`[data-key='${args[0]}']`) || {innerText: "
                          "''}).innerText.includes(args[1])",
                          fingerprint(key), text)

    def test_without_a_token_a_browser_is_told_where_it_lies(self):
        self.compile()
        relay = self.relay()
        self.browser.ask("DELETE", "/cookie")
        self.browser.open(f"http://{relay.address}/")
        text = self.browser.text()
        self.assertIn("compiled/relay.token", text)
        self.assertNotIn("xiaomi", text)
        self.browser.run("document.querySelector('input').value = arguments[0]; "
                         "document.querySelector('button').click()", relay.token)
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

    def test_a_rotated_key_appears_by_itself_and_what_has_the_focus_keeps_it(self):
        self.compile()
        relay = self.relay()
        self.show(relay)
        self.provider.answers = {ONE: limited(300)}
        relay.chat()
        self.wait_row(ONE, "cooling")
        self.browser.run("document.querySelector('.requests a').focus()")
        self.compile(first=FOUR)
        self.wait_row(FOUR, "is used next")
        self.assertIn("Generation 2 is active",
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
        self.browser.wait_text("did you mean model?")
        self.browser.wait_text("generation 1")
        self.assertIn("config.yaml:8:1", self.browser.text())
        self.assertEqual(self.browser.run("return document.images.length"), 0)
        watch.abandon()
        self.browser.wait_text("Stale: process")
        (self.home.path / "compiled/status.json").unlink()
        self.browser.wait_text("hermes-watch is not running")

    def title(self, words):
        """The tab's, when it begins so."""
        return self.browser.wait("document.title.startsWith(args[0]) && document.title", words)

    def first(self):
        return self.browser.run("return document.querySelector('main').firstElementChild.innerText")

    def test_what_is_wrong_stands_first_and_in_the_tab(self):
        self.configure()
        watch = Watch(self.home)
        relay = self.relay()
        self.show(relay)
        self.title("3 usable")
        self.provider.answers = {key: http(401, {"error": {"message": "revoked", "code": "token_revoked"}})
                                 for key in (ONE, TWO, THREE)}
        relay.chat()
        self.title("xiaomi has no usable key")
        self.assertIn("each has been refused for good", self.first())
        config = self.home.path / "config.yaml"
        config.write_text(config.read_text() + "broken: : :\n")
        self.title("The configuration has 1 error")
        self.assertIn("config.yaml:8:", self.first())
        self.configure()
        self.title("xiaomi has no usable key")
        watch.close()
        self.browser.wait_text("hermes-watch is not running: edits take effect only after hermes-compile.")
        code, out, err = self.home.compile("--reset", "xiaomi")
        self.assertEqual(code, 0, err)
        self.title("hermes-watch is not running")

    def show_cooling(self):
        """The page with its first key at rest."""
        self.compile()
        relay = self.relay()
        self.provider.answers = {ONE: limited(300)}
        relay.chat()
        self.show(relay)
        self.wait_row(ONE, "cooling")
        return relay

    def test_each_key_has_the_command_that_makes_it_usable_again(self):
        self.show_cooling()
        copied = self.browser.run("""
            const code = document.querySelector(`[data-key='${arguments[0]}'] .copy`), range = document.createRange();
            range.selectNodeContents(code);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            return [getSelection().toString(), getComputedStyle(code).userSelect];""", fingerprint(ONE))
        self.assertEqual(copied[1], "all")
        done = subprocess.run(["sh", "-c", copied[0]], capture_output=True, text=True,
                              env=self.home.env | {"PATH": f"{BUILD}:{self.home.env['PATH']}"})
        self.assertEqual(done.returncode, 0, (copied, done.stderr))
        self.wait_row(ONE, "usable")

    def test_connect_a_client_shows_what_print_env_prints(self):
        self.compile()
        relay = self.relay()
        self.show(relay)
        printed = subprocess.run([BUILD / "hermes-relay", "--home", self.home.path, "--print-env", "--listen",
                                  relay.address], capture_output=True, text=True, env=self.home.env).stdout
        self.browser.wait_text("Connect a client")
        self.assertEqual(self.browser.run("return document.querySelector('pre').textContent"), printed.strip())

    def test_the_route_shows_who_serves_now(self):
        self.compile(more=f"custom_providers:\n  - name: spare\n    base_url: {self.provider.url}\n"
                          f"    api_key: {FOUR}\n"
                          f"fallback_providers:\n  - provider: custom:spare\n    model: backup-model\n")
        relay = self.relay()
        self.show(relay)
        steps = "[...document.querySelectorAll('.route li')].map(step => [step.className, step.innerText])"
        serves = (f"{steps}.some(([style, text]) => style === 'now' && text.includes(args[0]) && "
                  "text.includes('serves now'))")
        self.browser.wait(serves, "xiaomi")
        self.assertEqual(len(self.browser.run(f"return {steps}")), 2)
        self.assertIn("backup-model", self.browser.run(f"return {steps}")[1][1])
        self.provider.answers = {key: limited(300) for key in (ONE, TWO, THREE)}
        relay.chat()
        self.browser.wait(serves, "custom:spare")
        self.assertIn("no usable key", self.browser.run(f"return {steps}")[0][1])

    def test_each_request_has_a_page_and_programs_get_json(self):
        self.compile()
        relay = self.relay()
        self.provider.answers = {ONE: limited(300),
                                 TWO: http(200, {"usage": {"prompt_tokens": 1843, "completion_tokens": 412}})}
        answer = relay.chat(model="some/model")
        path = "/requests/" + answer.headers["x-hermes-request-id"]
        self.show(relay)
        self.browser.wait("document.querySelector('.requests tbody')")
        row = self.browser.run("return document.querySelector('.requests tbody').innerText").split("\n")[0]
        for part in ("200", "some/model", "xiaomi", fingerprint(TWO), "1.84", "412 out", "ms"):
            self.assertIn(part, row)
        self.browser.open(self.browser.run("return document.querySelector(`a[href='${arguments[0]}']`).href", path))
        self.browser.wait("document.title.startsWith('Request ')")
        self.browser.wait_text("HTTP 429")
        text = self.browser.text()
        for part in ("some/model", "POST /v1/chat/completions", "cooling, rule 429-retry-after", "HTTP 200",
                     fingerprint(ONE)):
            self.assertIn(part, text)
        self.assertEqual(relay.get(path).json()["attempts"][0]["status"], 429)
        self.assertTrue(relay.get(path).json()["over"])
        self.browser.open(self.url + "requests/0123456789abcdef")
        self.browser.wait_text("The relay knows no such request")
        self.browser.ask("DELETE", "/cookie")
        self.browser.open(self.url + path[1:])
        self.assertIn("compiled/relay.token", self.browser.text())
        self.assertTrue(all(re.search("40[14]", line) for line in self.browser.console()))

    def test_the_last_hour_is_drawn_by_provider(self):
        self.compile()
        relay = self.relay()
        self.show(relay)
        self.browser.wait_text("Keys")
        self.assertEqual(self.browser.run("return document.querySelectorAll('svg').length"), 0)
        for status in (200, 200, 400):
            self.provider.answers = {ONE: http(status, {"usage": {"prompt_tokens": 2000, "completion_tokens": 50}})}
            relay.chat()
        self.browser.wait("(document.querySelector('.plots') || {innerText: ''}).innerText.includes('3 requests')")
        tree = self.browser.command("Accessibility.getFullAXTree")["nodes"]
        names = [node["name"]["value"] for node in tree
                 if node["role"]["value"] in ("image", "img") and not node["ignored"]]
        self.assertEqual(len(names), 3)
        self.assertIn("Requests in each minute of the last hour: 3 in all, 1 failed, at most", names[0])
        self.assertRegex(names[1], r"Time to the first byte in each minute of the last hour: usually .*\sms")
        self.assertEqual(names[2], "Tokens in each minute of the last hour: 6000 in, 150 out")
        drawn = self.browser.run("return [...document.querySelectorAll('.plots path')].map("
                                 "path => path.getAttribute('d').length)")
        self.assertTrue(all(drawn), drawn)

    def test_on_a_telephone_a_key_is_one_line_until_all_of_it_is_wanted(self):
        relay = self.show_cooling()
        self.addCleanup(self.browser.resize, 1200, 900)
        self.browser.resize(390, 844)
        row = "document.querySelector(`[data-key='${arguments[0]}']`)"
        heights = [self.browser.run(f"return {row}.getBoundingClientRect().height", fingerprint(key))
                   for key in (ONE, TWO, THREE)]
        self.assertTrue(all(height < 40 for height in heights), heights)
        shown = self.row(ONE)
        self.assertIn(fingerprint(ONE)[7:], shown)
        self.assertRegex(shown, r"cooling [45]:\d\d")
        self.assertNotIn("config.yaml", shown)
        self.assertIn("next", self.row(TWO))
        self.browser.run(f"{row}.querySelector('button').click()", fingerprint(ONE))
        for part in ("config.yaml:5:12", "hermes-compile --reset", "429-retry-after", fingerprint(ONE)):
            self.assertIn(part, self.row(ONE))
        relay.chat()  # it stays open when the relay tells more
        self.browser.wait("document.querySelectorAll('.requests tbody tr').length === 2")
        self.assertIn("config.yaml:5:12", self.row(ONE))

    def test_words_can_be_read_in_light_and_in_dark(self):
        """WCAG AA: a contrast of 4.5 to what lies behind, for every piece of text."""
        self.compile(more="nobody: knows this\n")
        relay = self.relay()
        self.provider.answers = {ONE: limited(300),
                                 TWO: http(401, {"error": {"message": "revoked", "code": "token_revoked"}})}
        relay.chat()
        self.show(relay)
        self.wait_row(TWO, "dead")
        self.addCleanup(self.browser.emulate, False)
        for dark in (False, True):
            self.browser.emulate(dark)
            with self.subTest(dark=dark):
                self.assertEqual(self.browser.run(CONTRAST), [])

    def test_drift_and_words_with_markup_are_text(self):
        self.compile()
        self.home.write("compiled/status.json",
                        """{"pid": 1, "version": "1", "state": "ok", "status": "%s", "generation": 1,\n
            "started_at": null, "last_compile_at": null, "drift": [{"where": "gateway 77", "variable": "XIAOMI_API_KEY",
            "found": "%s", "expected": "%s", "matters": true, "message": "an older value", "help": "restart it"}]}"""
                        % (MARKUP, fingerprint(FOUR), fingerprint(ONE)))
        self.show(self.relay())
        self.browser.wait_text("differs gateway 77")
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
        self.compile(more=f"custom_providers:\n  - name: {'long' * 20}\n"
                          f"    base_url: {self.provider.url}/{'path/' * 40}\n    api_key: {FOUR}\n")
        relay = self.relay()
        self.show(relay)
        self.provider.answers = {ONE: limited(300)}
        relay.chat()
        self.wait_row(ONE, "cooling")
        self.addCleanup(self.browser.resize, 1200, 900)
        for width in (360, 390, 600, 800, 1000, 1280):
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
        live = self.browser.run("return [...document.querySelectorAll('[aria-live], "
                                "[role=status]')].filter(e => e.querySelector('time')).length")
        self.assertEqual(live, 0)  # nobody has each second read out


if __name__ == "__main__":
    unittest.main()
