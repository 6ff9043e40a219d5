"""extract: offsets and pieces in every type of input."""

import array
import mmap
import pickle
import random
import tempfile
import unittest

import indicia

TEXT = "😀 hxxps://cdn[.]bad[.]example/a ü 192.0.2.7:8443, 漢字のbad.example。 user@bad.example 𝔘 d41d8cd98f00b204e9800998ecf8427e"


def tuples(found):
    return [(e.kind, e.value, e.raw, e.start, e.end, e.port) for e in found]


class Offsets(unittest.TestCase):
    def test_str_counts_code_points(self):
        found = list(indicia.extract(TEXT))
        self.assertEqual([e.value for e in found[:2]], ["https://cdn.bad.example/a", "192.0.2.7"])
        self.assertIn("user@bad.example", [e.value for e in found])
        self.assertEqual(found[-1].kind, "md5")
        self.assertEqual(found[1].port, 8443)
        for e in found:
            self.assertIsInstance(e.raw, str)
            self.assertEqual(TEXT[e.start : e.end], e.raw)

    def test_buffers_count_bytes(self):
        data = TEXT.encode()
        expected = tuples(indicia.extract(data))
        self.assertEqual([e[:2] for e in expected], [(e.kind, e.value) for e in indicia.extract(TEXT)])
        for kind, value, raw, start, end, port in expected:
            self.assertIsInstance(raw, bytes)
            self.assertEqual(data[start:end], raw)
        padded = data + b" " * (-len(data) % 8)
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                self.assertEqual(tuples(indicia.extract(mapped)), expected)
            with mmap.mmap(file.fileno(), 0) as mapped:
                self.assertEqual(tuples(indicia.extract(mapped)), expected)
        for buffer in [
            bytearray(data),
            memoryview(data),
            memoryview(bytearray(data)),
            memoryview(b"xx" + data)[2:],
            array.array("B", data),
            array.array("q", padded),
            memoryview(padded).cast("b"),
            memoryview(padded).cast("B", (2, len(padded) // 2)),
        ]:
            self.assertEqual(tuples(indicia.extract(buffer)), expected, type(buffer))

    def test_a_buffer_with_gaps_is_refused(self):
        with self.assertRaises(ValueError):
            indicia.extract(memoryview(b"192.0.2.7 " * 2)[::2])
        with self.assertRaises(ValueError):
            indicia.extract(memoryview(b"192.0.2.7")[::-1])
        for wrong in [None, 7, ["192.0.2.7"], object()]:
            with self.assertRaises(TypeError):
                indicia.extract(wrong)

    def test_blocks_do_not_show(self):
        """Many blocks, values at and across the places where a block may end, against one line at a time."""
        chance = random.Random(7)
        lines = []
        for number in range(12_000):
            filler = "é漢😀x "[chance.randrange(5)] * chance.randrange(20)
            lines.append(f"{filler} 203.0.113.{number % 256} {filler}")
        text = "\n".join(lines)
        found = list(indicia.extract(text))
        self.assertEqual(len(found), len(lines))
        for e in found:
            self.assertEqual(text[e.start : e.end], e.raw)
        self.assertEqual([e.value for e in found], [next(indicia.extract(line)).value for line in lines])
        data = text.encode()
        for buffer in [data, bytearray(data)]:
            found = list(indicia.extract(buffer))
            self.assertEqual(len(found), len(lines))
            self.assertTrue(all(data[e.start : e.end] == e.raw for e in found))

    def test_lone_surrogates(self):
        text = "\udcff 192.0.2.7 \ud83d bad.example \udc00"
        found = list(indicia.extract(text))
        self.assertEqual([e.value for e in found], ["192.0.2.7", "bad.example"])
        self.assertTrue(all(text[e.start : e.end] == e.raw for e in found))


class Options(unittest.TestCase):
    def values(self, *arguments, **keywords):
        return [e.value for e in indicia.extract(*arguments, **keywords)]

    def test_kinds(self):
        text = "bad.example 192.0.2.7"
        self.assertEqual(self.values(text, ["ipv4"]), ["192.0.2.7"])
        self.assertEqual(self.values(text, "ipv4"), ["192.0.2.7"])
        self.assertEqual(self.values(text, kinds=iter(["ipv4", "domain"])), ["bad.example", "192.0.2.7"])
        self.assertEqual(self.values(text, "all"), ["bad.example", "192.0.2.7"])
        with self.assertRaises(ValueError):
            indicia.extract(text, ["ipv5"])

    def test_refang(self):
        text = "bad[.]example bad[dot]example"
        self.assertEqual(self.values(text), ["bad.example"] * 2)
        self.assertEqual(self.values(text, refang=False), [])
        self.assertEqual(self.values(text, refang="strict"), ["bad.example"])
        with self.assertRaises(ValueError):
            indicia.extract(text, refang="much")

    def test_nested(self):
        self.assertEqual(self.values("http://bad.example/a", nested=True), ["http://bad.example/a", "bad.example"])


class Life(unittest.TestCase):
    def test_an_extraction_is_a_value(self):
        one, two = (next(indicia.extract("a 192.0.2.7:80")) for _ in range(2))
        self.assertEqual(one, two)
        self.assertEqual(hash(one), hash(two))
        self.assertEqual(pickle.loads(pickle.dumps(one)), one)
        self.assertEqual(repr(one), "Extraction(kind='ipv4', value='192[.]0[.]2[.]7', start=2, end=11, port=80)")

    def test_a_buffer_is_held_until_the_end(self):
        data = bytearray(b"192.0.2.7 198.51.100.7")
        found = indicia.extract(data)
        next(found)
        with self.assertRaises(BufferError):
            data.clear()
        self.assertEqual(len(list(found)), 1)
        data.clear()
        self.assertEqual(list(found), [])
        found = indicia.extract(data)
        del found
        data.extend(b"x")

    def test_hostile_input(self):
        self.assertEqual(list(indicia.extract("")), [])
        self.assertEqual(list(indicia.extract(b"")), [])
        self.assertEqual(list(indicia.extract(bytes(1_000_000))), [])
        broken = b"\xff\xfe192.0.2.7\x80\xc0\x00bad.example\xf8"
        self.assertEqual([e.value for e in indicia.extract(broken)], ["192.0.2.7", "bad.example"])
        for data in [b"[" * 300_000, b"." * 300_000, b"a." * 200_000, b"http://" * 20_000, b"\xed\xa0\x80" * 10_000]:
            list(indicia.extract(data))
        chance = random.Random(3)
        for _ in range(200):
            data = chance.randbytes(2_000)
            list(indicia.extract(data))
            list(indicia.extract(data.decode("latin-1")))


class Refused(unittest.TestCase):
    def test_rules(self):
        text = "run main.py on bad&#46;example.com, version 1.2.3.4"
        found = [(e.value, e.via, e.refused) for e in indicia.extract(text, explain=True)]
        self.assertEqual(
            found,
            [("main.py", None, "file-name"), ("bad.example.com", "entities", None), ("1.2.3.4", None, "version")],
        )
        self.assertEqual([e.value for e in indicia.extract(text)], ["bad.example.com"])
        self.assertIn("1.2.3.4", [e.value for e in indicia.extract(text, without="version")])
        self.assertRaises(ValueError, indicia.extract, text, without="no-such-rule")

    def test_values_that_a_line_cuts(self):
        digest = "0123456789abcdef" * 4
        text = ("text " * 20000) + digest[:40] + "\n> " + digest[40:] + "\n"
        self.assertEqual([e.value for e in indicia.extract(text)][-1:], [digest[:40]])
        text = ("text\n" * 13107) + digest[:30] + "\n> " + digest[30:] + "\n"
        [found] = indicia.extract(text, wrapped=True)
        self.assertEqual((found.value, found.via, found.raw), (digest, "wrapped", digest[:30] + "\n> " + digest[30:]))
        again = list(indicia.extract(text, explain=True))
        self.assertEqual(pickle.loads(pickle.dumps(again)), again)


class Fields(unittest.TestCase):
    EVE = (
        '{"dest_ip":"192.0.2.7","dest_port":443,"http":{"hostname":"bad.example.com","url":"/a"},'
        '"tls":{"ja3":{"hash":"d41d8cd98f00b204e9800998ecf8427e"}},"é":"see http://evil.example.net/x"}\n'
    )

    def test_records(self):
        for data in (self.EVE, self.EVE.encode()):
            found = list(indicia.extract(data, fields=True))
            self.assertEqual(
                [(e.kind, e.value, e.port, e.field) for e in found],
                [
                    ("ipv4", "192.0.2.7", 443, "dest_ip"),
                    ("url", "bad.example.com/a", None, "http.hostname+http.url"),
                    ("ja3", "d41d8cd98f00b204e9800998ecf8427e", None, "tls.ja3.hash"),
                    ("url", "http://evil.example.net/x", None, "é"),
                ],
            )
            for e in found:
                self.assertEqual(data[e.start : e.end], e.raw)
            self.assertEqual(pickle.loads(pickle.dumps(found)), found)
        only = indicia.extract(self.EVE, only_fields=["dest_ip"])
        self.assertEqual([e.field for e in only], ["dest_ip"])
        self.assertIsNone(next(indicia.extract(self.EVE)).field)

    def test_a_header_counts_beyond_its_block(self):
        data = "when,src,dst\n" + "1,192.0.2.1,192.0.2.2\n" * 10_000
        fields = [e.field for e in indicia.extract(data, fields=True)]
        self.assertEqual(fields, ["src", "dst"] * 10_000)


if __name__ == "__main__":
    unittest.main()
