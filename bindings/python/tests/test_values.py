"""parse, normalize, defang, refang: the same answers as Rust, row by row."""

import copy
import pickle
import re
import subprocess
import sys
import unittest

import indicia
from support import REPOSITORY, rows


class Vectors(unittest.TestCase):
    def test_every_row_of_default_1(self):
        table = rows("default-1.jsonl")
        self.assertGreater(len(table), 500)
        codes = indicia.reasons()
        wrong = []
        for row in table:
            try:
                found = indicia.parse(row["raw"], row.get("kind"), refang=row.get("refang", "off"))
                got = {"kind": found.kind, "value": found.value, "key": found.key}
            except indicia.ParseError as error:
                self.assertEqual(error.code, codes[error.reason])
                got = error.reason
            if got != row.get("expect", row.get("error")):
                wrong.append((row, got))
        self.assertEqual(wrong, [])

    def test_every_row_of_the_other_profiles(self):
        table = rows("profiles-1.jsonl")
        self.assertGreater(len(table), 120)
        for row in table:
            arguments = {"refang": row.get("refang", "off"), "profile": row["profile"]}
            with self.subTest(**row):
                try:
                    found = indicia.parse(row["raw"], row.get("kind"), **arguments)
                except indicia.ParseError as error:
                    self.assertEqual(error.reason, row.get("error"))
                    continue
                self.assertEqual((found.value, found.key), (row.get("value"), row.get("key")))
                self.assertEqual(found.profile, row["profile"] if found.kind == "url" else "default@1")
                self.assertEqual(indicia.normalize(row["raw"], row.get("kind"), **arguments), row["value"])
                self.assertEqual(pickle.loads(pickle.dumps(found)), found)

    def test_pickled_observables_are_the_same(self):
        for row in rows("default-1.jsonl"):
            if "expect" in row:
                found = indicia.parse(row["raw"], row.get("kind"), refang=row.get("refang", "off"))
                self.assertEqual(pickle.loads(pickle.dumps(found)), found)


class Values(unittest.TestCase):
    def test_parse(self):
        url = indicia.parse("hxxps://Bad[.]Example/%7Ea")
        self.assertEqual((url.kind, url.value, url.key), ("url", "https://bad.example/~a", "bad.example/~a"))
        self.assertEqual(indicia.normalize("EVIL.example.", "domain"), "evil.example")
        self.assertEqual(indicia.defang("http://bad.example/a"), "hxxp://bad[.]example/a")
        self.assertEqual(indicia.defang("http://a.bad.example/", style="last-dot"), "hxxp://a.bad[.]example/")
        self.assertEqual(indicia.defang("http://bad.example/", style="draft"), "[http]://bad[.]example/")
        with self.assertRaises(ValueError):
            indicia.defang("bad.example", style="other")
        self.assertEqual(indicia.refang("hxxps[:]//bad[.]example/a"), "https://bad.example/a")
        self.assertEqual(indicia.refang("bad[.]example", "off"), "bad[.]example")
        self.assertEqual(indicia.refang("bad[.]example", False), "bad[.]example")

    def test_an_observable_is_a_value(self):
        one, two = indicia.parse("bad.example"), indicia.parse("BAD.example.")
        self.assertEqual(one, two)
        self.assertEqual(hash(one), hash(two))
        self.assertNotEqual(one, indicia.parse("192.0.2.7"))
        self.assertNotEqual(one, "bad.example")
        self.assertEqual(copy.deepcopy(one), one)
        match one:
            case indicia.Observable("domain", value):
                self.assertEqual(value, "bad.example")
            case _:
                self.fail("__match_args__")
        with self.assertRaises(AttributeError):
            one.kind = "url"
        with self.assertRaises(TypeError):
            indicia.Observable("domain", "x")

    def test_repr_cannot_be_clicked(self):
        self.assertEqual(
            repr(indicia.parse("https://bad.example/a")), "Observable(kind='url', value='hxxps://bad[.]example/a')"
        )

    def test_kinds(self):
        names = indicia.kinds()
        self.assertEqual((names[0], names[-1], len(names)), ("ipv4", "other", 58))


class Errors(unittest.TestCase):
    def refusal(self, *arguments, **keywords):
        with self.assertRaises(indicia.ParseError) as caught:
            indicia.parse(*arguments, **keywords)
        return caught.exception

    def test_code_and_reason(self):
        error = self.refusal("192.0.2.07", "ipv4")
        self.assertEqual((error.code, error.reason), (111, "ipv4-leading-zero"))
        self.assertIsInstance(error, ValueError)
        self.assertNotIn("192", str(error))
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((type(again), str(again), again.code, again.reason), (type(error), str(error), 111, error.reason))

    def test_the_table_is_that_of_the_core(self):
        source = (REPOSITORY / "crates/indicia-core/src/error.rs").read_text(encoding="utf-8")
        table = {slug: int(code) for code, slug in re.findall(r'^    \w+ = (\d+) "([a-z0-9-]+)" "', source, re.M)}
        self.assertGreater(len(table), 50)
        self.assertEqual(indicia.reasons(), table)

    def test_arguments(self):
        for wrong in ["nonsense", "", "IPV4"]:
            with self.assertRaises(ValueError):
                indicia.parse("192.0.2.7", wrong)
        with self.assertRaises(ValueError):
            indicia.parse("192.0.2.7", refang="much")
        for wrong in [None, 7, b"192.0.2.7", ["192.0.2.7"]]:
            with self.assertRaises(TypeError):
                indicia.parse(wrong)

    def test_hostile_values(self):
        for raw in ["", " ", "\0", "a\0b.example", "x" * 1_000_000, "\ud800.example", "[" * 100_000, "." * 70_000, "://"]:
            self.refusal(raw)
            self.assertIsInstance(indicia.refang(raw), str)
            for kind in indicia.kinds():
                try:
                    indicia.parse(raw, kind)
                except indicia.ParseError as error:
                    self.assertGreaterEqual(error.code, 100)

    def test_newer_tables_come_first_or_not_at_all(self):
        program = """
import indicia, sys, tempfile, pathlib
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "tlds.txt").write_text("# Version 2099010100\\nCOM\\nUNHEARD\\n")
(folder / "page.html").write_text("<html>\\n")
for psl, wrong in [(folder / "page.html", ValueError), (folder / "none", FileNotFoundError)]:
    try:
        indicia.use_tables(psl=psl)
        sys.exit("taken")
    except wrong as error:
        assert psl.name in str(error), error
indicia.use_tables(tlds=folder / "tlds.txt")
assert [e.value for e in indicia.extract("at evil.unheard now")] == ["evil.unheard"]
try:
    indicia.use_tables(tlds=str(folder / "tlds.txt"))
    sys.exit("taken twice")
except ValueError as error:
    assert "in use already" in str(error), error
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_panic_is_an_ordinary_exception(self):
        from indicia import _indicia

        if not hasattr(_indicia, "_panic"):
            self.skipTest("only in debug builds")
        with self.assertRaises(indicia.InternalError) as caught:
            _indicia._panic()
        self.assertIsInstance(caught.exception, Exception)
        self.assertEqual((caught.exception.code, caught.exception.reason), (4, "panic"))


if __name__ == "__main__":
    unittest.main()
