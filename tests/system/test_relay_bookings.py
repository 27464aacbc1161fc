"""hermes-relay and a table of bookings that somebody else treats badly while it is in use."""
import os, unittest

from harness import fingerprint
from mock_provider import limited
from relay_case import KEY, SPARE, RelayCase


class Damage(RelayCase):
    def test_a_table_that_is_truncated_while_it_is_mapped_costs_no_connection(self):
        self.openai.answers = {KEY: limited(300)}
        relay = self.relay()
        path = self.home.path / "compiled/bookings"
        client = relay.client()
        self.assertEqual(relay.chat(client=client).headers["x-hermes-attempts"], "2")
        whole = path.read_bytes()
        for length in (0, 4096, 0, len(whole) - 1, 0):
            os.truncate(path, length)  # in place, under the relay
            self.assertEqual(relay.chat(client=client).status, 200)
        self.restore(path, whole)
        for _ in range(3):
            self.assertEqual(relay.chat(client=client).status, 200)
        self.assertIsNone(relay.process.poll())
        self.assertEqual(relay.chat(client=client).headers["x-hermes-key"], fingerprint(SPARE))  # it is cooling again

    @staticmethod
    def restore(path, whole):
        with open(path, "wb") as file:  # as cp does
            file.write(whole)


if __name__ == "__main__":
    unittest.main()
