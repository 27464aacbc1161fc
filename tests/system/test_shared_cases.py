"""The cases that were made by running Hermes's own readers: what they accept, refuse and make of a text, so do we."""
import json, pathlib, re, unittest

from harness import SHARED, Home, shared

ENV = SHARED / "data/env-cases.tsv"
# Refused here although PyYAML accepts them: Hermes ends in a RecursionError, or the nesting has a limit of its own.
ON_PURPOSE = {"42-recursive", "50-deep"}
# The first ends the start of Hermes; Hermes 0.20.2 takes the second off, that of these cases lost its first variable.
ENV_DIFFERS = {"UTF32LE BOM", "BOM"}
# Lines that were glued together: the Hermes of these cases parted them, none does since 0.19.1.
GLUED = {"concat known", "concat quoted", "concat empty first", "repeat same key", "concat three"}
# At its start Hermes rewrites the file, and then both readers agree; or the case has a shell of its own.
ENV_MENDED = {"UTF16LE BOM", "UTF16BE BOM", "UTF16LE no BOM", "UTF32LE BOM", "NUL", "NUL with bad byte",
              "ref own old value (override)", "ref process env"}


class SharedCases(unittest.TestCase):
    def setUp(self):
        self.home = Home()

    def tearDown(self):
        self.home.close()

    def test_yaml_is_refused_at_the_same_place(self):
        for path in shared("data/yaml-cases/*.yaml"):
            with self.subTest(path.stem):
                self.home.write("config.yaml", path.read_bytes())
                _, _, err = self.home.compile("--check")
                refused = re.findall(r"^config\.yaml(?::(\d+):(\d+))?: error\[(?:yaml|not-utf|recursive|alias|nest)",
                                     err,
                                     re.M)
                error = path.with_suffix(".err")
                if error.exists() or path.stem in ON_PURPOSE:
                    self.assertTrue(refused, err)
                else:
                    self.assertFalse(refused, err)
                places = re.findall(r"line\D{0,3}(\d+)\D+col\w*\D{0,3}(\d+)",
                                    error.read_text()) if error.exists() else []
                if places:
                    self.assertIn(refused[0], places)

    @unittest.skipUnless(ENV.exists(), "SKIP: no ../shared/data here")
    def test_env_files_give_what_the_gateway_has_after_its_start(self):
        self.home.write("config.yaml", "hermes_watch:\n  env_files: [earlier.env]\n")
        self.home.write("earlier.env", "PENV=penv\n")
        for line in ENV.read_text().split("\n")[1:]:
            if not line or line.split("\t")[0] in ENV_DIFFERS | GLUED:
                continue
            name, text, _, _, boot = line.split("\t")[:5]
            with self.subTest(name):
                self.home.write(".env", text.encode().decode("unicode_escape").encode("latin-1"))
                self.assertEqual(self.home.compile("--quiet")[0], 0)
                expected = {"PENV": "penv"} | {k: v for k, v in json.loads(boot).items() if not k.startswith("!")}
                self.assertEqual(self.home.snapshot()["content"]["env"], expected)

    @unittest.skipUnless(ENV.exists(), "SKIP: no ../shared/data here")
    def test_a_word_wherever_the_second_env_reader_reads_something_else(self):
        for line in ENV.read_text().split("\n")[1:]:
            if not line or line.split("\t")[0] in ENV_MENDED | GLUED:
                continue
            name, text, _, second, boot = line.split("\t")[:5]
            if "$" in text:
                continue  # the second reader of these cases replaced references, which none does that is published
            second, boot = ({k: v for k, v in json.loads(found).items() if not k.startswith("!")}
                            for found in (second, boot))
            with self.subTest(name):
                self.home.write(".env", text.encode().decode("unicode_escape").encode("latin-1"))
                _, _, err = self.home.compile("--check")
                if second == boot:
                    self.assertNotIn("env-parsers-differ", err)
                else:
                    self.assertIn("warning[env-", err)


if __name__ == "__main__":
    unittest.main()
