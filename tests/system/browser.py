"""Headless Chromium, driven through chromedriver by plain HTTP."""
import base64, http.client, json, pathlib, shutil, subprocess, tempfile

from harness import PATIENCE

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars"]


def is_here():
    return shutil.which("chromium") is not None and shutil.which("chromedriver") is not None


class NoBrowser(Exception):
    """There is one, but it does not start: in a chroot without what it wants of the kernel, for one."""


class Browser:
    def __init__(self, width=1200, height=900, dark=False):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hermes-browser-"))
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True,
                                       env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder)})
        self.port = int(next(line for line in self.driver.stdout
                             if "successfully on port" in line).rstrip(".\n").split()[-1])
        options = {"binary": shutil.which("chromium"), "args": [*FLAGS, f"--user-data-dir={self.folder / 'profile'}"]}
        self.session = ""
        try:
            self.session = "/session/" + self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
                "timeouts": {"script": PATIENCE * 1000}}}})["sessionId"]
        except AssertionError as error:
            self.end()
            raise NoBrowser(str(error).replace("\n", " ")) from None
        self.resize(width, height)
        self.emulate(dark)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * PATIENCE)
        connection.request(method, self.session + path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())["value"]
        connection.close()
        assert not (isinstance(answer, dict) and "error" in answer), answer["message"]
        return answer

    def command(self, name, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def resize(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                     mobile=width < 600)

    def emulate(self, dark):
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *args):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(args)})

    def text(self):
        return self.run("return document.body.innerText")

    def wait(self, condition, *args):
        """Until CONDITION, an expression, is true of the page: it is looked at after each change of the page."""
        return self.ask("POST", "/execute/async", {"args": list(args), "script": """
            const done = arguments[arguments.length - 1], args = arguments;
            const look = () => {
                const found = (() => { return %s; })();
                if (found) { watching.disconnect(); done(found); }
            };
            const watching = new MutationObserver(look);
            watching.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
            look();""" % condition})

    def wait_text(self, text):
        try:
            return self.wait("document.body.innerText.includes(args[0])", text)
        except AssertionError:
            raise AssertionError(f"{text!r} did not come:\n{self.text()}") from None

    def console(self):
        """What the browser complained of since the last call: failed requests and violations of the policy among it."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, path):
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self.end()

    def end(self):
        self.driver.terminate()
        self.driver.wait(PATIENCE)
        self.driver.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
