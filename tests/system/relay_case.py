"""A home with providers on loopback and a relay in front of them."""
import unittest

from harness import Home
from mock_provider import MockProvider
from relay import Relay

KEY, SPARE = "sk-test-relay-key-1111", "sk-test-relay-spare-2222"
ANTHROPIC, EXTRA = "sk-ant-test-relay-3333", "sk-test-relay-extra-4444"
SECRETS = [KEY, SPARE, ANTHROPIC, EXTRA]


class RelayCase(unittest.TestCase):
    """`self.openai` serves xiaomi (the default), `self.anthropic` Anthropic's dialect, `self.extra` custom:extra."""
    env = {}
    tls = None

    def setUp(self):
        self.home = Home()
        self.addCleanup(self.home.close)
        self.openai, self.anthropic, self.extra = MockProvider(self.tls), MockProvider(path=""), MockProvider()
        for provider in (self.openai, self.anthropic, self.extra):
            self.addCleanup(provider.close)
        self.configure()

    def configure(self, more="", key=KEY, spare=SPARE):
        self.home.write("config.yaml", f"model:\n  provider: xiaomi\n  default: m\n  base_url: {self.openai.url}\n"
                        f"credential_pool_sources:\n  xiaomi: [MORE_ONE]\n"
                        f"custom_providers:\n  - name: extra\n    base_url: {self.extra.url}\n    api_key: {EXTRA}\n"
                        f"    extra_headers:\n      X-Tenant: blue\n      User-Agent: configured\n{more}")
        self.home.write(".env", f"XIAOMI_API_KEY={key}\nMORE_ONE={spare}\nANTHROPIC_API_KEY={ANTHROPIC}\n"
                                f"ANTHROPIC_BASE_URL={self.anthropic.url}\n")
        code, out, err = self.home.compile()
        self.assertEqual(code, 0, out + err)

    def relay(self, *args, **kwargs):
        relay = Relay(self.home, *args, env=self.env, **kwargs)
        self.addCleanup(self.check_secrets, relay)
        self.addCleanup(relay.close)
        return relay

    def check_secrets(self, relay):
        """No program ever printed a key, or the token."""
        for secret in [*SECRETS, relay.token]:
            self.assertNotIn(secret.encode(), self.home.printed)
