"""scan and scan_file: hits, options, threads, files."""

import asyncio
import concurrent.futures
import gzip
import io
import json
import pickle
import random
import tarfile
import threading
import unittest

import indicia
from support import InFolder

LINE = "é GET http://www.bad.example/a 😀 from 192.0.2.7 to 198.51.100.7:443 漢 http://evil.example/x\n"


def shape(hits):
    return [(h.value, h.relation, h.indicator.value) for h in hits]


class Hits(InFolder):
    EXPECTED = [
        ("www.bad.example", "subdomain", "bad.example"),
        ("192.0.2.7", "network", "192.0.2.0/24"),
        ("198.51.100.7:443", "endpoint", "198.51.100.7:443"),
        ("http://evil.example/x", "exact", "http://evil.example/x"),
    ]

    def test_str(self):
        hits = list(self.set().scan(LINE))
        self.assertEqual(shape(hits), self.EXPECTED)
        for hit in hits:
            self.assertIsInstance(hit.raw, str)
            self.assertEqual(LINE[hit.start : hit.end], hit.raw)
            self.assertEqual(hit.contexts, hit.indicator.contexts)
            self.assertEqual((hit.path, hit.line), (None, None))

    def test_buffers(self):
        data = LINE.encode()
        for buffer in [data, bytearray(data), memoryview(data)]:
            hits = list(self.set().scan(buffer))
            self.assertEqual(shape(hits), self.EXPECTED)
            self.assertTrue(all(data[h.start : h.end] == h.raw for h in hits))
        with self.assertRaises(ValueError):
            self.set().scan(memoryview(data)[::2])
        with self.assertRaises(TypeError):
            self.set().scan(7)

    def test_a_hit_is_a_value(self):
        made = self.set()
        one, two = (next(made.scan(LINE)) for _ in range(2))
        self.assertEqual(one, two)
        self.assertEqual(hash(one), hash(two))
        again = pickle.loads(pickle.dumps(one))
        self.assertEqual(again, one)
        self.assertEqual(again.indicator.contexts[0].feed, "a")
        shown = repr(one)
        self.assertNotIn("bad.example", shown)
        self.assertIn("www[.]bad[.]example", shown)
        match one:
            case indicia.Hit(start=8 | 13, relation="subdomain"):
                pass
            case _:
                self.fail(shown)

    def test_blocks_do_not_show(self):
        made = self.set()
        chance = random.Random(11)
        lines = ["漢" * chance.randrange(90) + f" 192.0.2.{n % 256} x{n}.bad.example" for n in range(5_000)]
        text = "\n".join(lines)
        hits = list(made.scan(text))
        self.assertEqual([h.value for h in hits], [h.value for line in lines for h in made.scan(line)])
        self.assertTrue(all(text[h.start : h.end] == h.raw for h in hits))


class Options(InFolder):
    def values(self, made, text=LINE, *arguments, **options):
        return [h.value for h in made.scan(text, *arguments, **options)]

    def test_filters(self):
        made = self.set()
        self.assertEqual(self.values(made, roles="scanner"), ["192.0.2.7"])
        self.assertEqual(self.values(made, roles=["c2", "scanner"]), ["www.bad.example", "192.0.2.7"])
        self.assertEqual(self.values(made, labels=["LOADER"]), ["www.bad.example"])
        self.assertEqual(self.values(made, min_confidence=50), ["www.bad.example"])
        self.assertEqual(self.values(made, max_tlp="green"), ["192.0.2.7"])
        self.assertEqual(self.values(made, "198.51.100.7", ignore_ports=True), ["198.51.100.7"])
        self.assertEqual(self.values(made, "https://evil.example/x", strict_scheme=True), [])
        self.assertEqual(len(self.values(made, "https://evil.example/x")), 1)
        self.assertEqual([h.relation for h in made.scan("evil.example", url_hosts=True)], ["url-host"])
        self.assertEqual(self.values(made, "bad[.]example"), [])
        self.assertEqual(self.values(made, "bad[.]example", refang=True), ["bad.example"])
        self.assertEqual(self.values(made, "bad[.]example", refang="strict"), ["bad.example"])
        [hit] = made.scan("<p>bad&#46;example</p>", refang=True)
        self.assertEqual((hit.raw, hit.via, pickle.loads(pickle.dumps(hit)).via), ("bad&#46;example", "entities", "entities"))

    def test_options_are_made_once(self):
        made = self.set()
        options = indicia.ScanOptions(roles=["scanner"])
        self.assertEqual(self.values(made, LINE, options), ["192.0.2.7"])
        self.assertEqual(len(made.lookup("192.0.2.7", None, options)), 1)
        with self.assertRaises(TypeError):
            made.scan(LINE, options, url_hosts=True)
        for wrong in [{"rolls": 1}, {"as_of": 7}, {"roles": 7}, {"min_confidence": "x"}]:
            with self.assertRaises(TypeError, msg=wrong):
                made.scan(LINE, **wrong)
        for wrong in [{"roles": ["x"]}, {"max_tlp": "x"}, {"as_of": "x"}, {"refang": "x"}]:
            with self.assertRaises(ValueError, msg=wrong):
                made.scan(LINE, **wrong)

    def test_as_of(self):
        import datetime

        record = {
            "target": {"kind": "domain", "value": "bad.example"},
            "contexts": [{"valid_from": "2017-01-01T00:00:00Z", "valid_until": "2018-01-01T00:00:00Z"}],
        }
        made = indicia.IndicatorSet.from_feeds([self.file("a.jsonl", json.dumps(record) + "\n")])
        hong_kong = datetime.timezone(datetime.timedelta(hours=8))
        for as_of, found in [
            ("2017-06-01", 1), ("2018-01-01", 0), ("now", 0), (None, 1),
            (datetime.date(2017, 12, 31), 1),
            (datetime.datetime(2017, 1, 1), 1),
            (datetime.datetime(2017, 1, 1, 7, tzinfo=hong_kong), 0),
            (datetime.datetime(2017, 1, 1, 8, tzinfo=hong_kong), 1),
        ]:  # fmt: skip
            self.assertEqual(len(self.values(made, "bad.example", as_of=as_of)), found, as_of)
        text = "2017-06-01T00:00:00Z bad.example\n2019-06-01T00:00:00Z bad.example\n"
        self.assertEqual([h.start for h in made.scan(text, as_of="event")], [21])

    def test_guards(self):
        made = self.set("indicator\n10.0.0.1\ngood.example\n")
        text = "10.0.0.1 good.example"
        rules = [[g.rule for g in h.guard] for h in made.scan(text)]
        self.assertEqual(rules[0], ["private"])
        self.assertEqual([h.guard for h in made.scan(text, guards=False)], [(), ()])
        warninglist = {"name": "L", "version": 3, "type": "hostname", "list": ["good.example"]}
        (self.folder / "lists" / "l").mkdir(parents=True)
        path = self.file("lists/l/list.json", json.dumps(warninglist))
        for lists in [path, [path], [str(self.folder / "lists")]]:
            hits = list(made.scan(text, warninglists=lists))
            self.assertIn(indicia.Guard("warninglist", "L 3"), hits[1].guard)
        with self.assertRaises(FileNotFoundError):
            made.scan(text, warninglists=self.folder / "missing.json")
        with self.assertRaises(ValueError):
            made.scan(text, warninglists=self.file("x.json", "[]"))


class Files(InFolder):
    def setUp(self):
        super().setUp()
        self.made = self.set()

    def test_plain_and_compressed(self):
        data = (b"nothing\n" * 20_000 + LINE.encode()) * 3
        expected = [(h.start, h.end, h.raw, h.value) for h in self.made.scan(data)]
        for path in [self.file("a.log", data), self.file("a.log.gz", gzip.compress(data))]:
            hits = list(self.made.scan_file(path))
            self.assertEqual([(h.start, h.end, h.raw, h.value) for h in hits], expected)
            self.assertEqual([h.line for h in hits[:5]], [20_001] * 4 + [40_002])
            self.assertEqual({h.path for h in hits}, {str(path)})

    def test_archive_and_folder(self):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            member = tarfile.TarInfo("dir/x.log")
            member.size = len(LINE.encode())
            archive.addfile(member, io.BytesIO(LINE.encode()))
        path = self.file("a.tgz", buffer.getvalue())
        self.assertEqual({h.path for h in self.made.scan_file(str(path))}, {f"{path}!dir/x.log"})
        self.assertEqual(len(list(self.made.scan_file(path, roles=["c2"]))), 1)

    def test_what_cannot_be_read(self):
        with self.assertRaises(FileNotFoundError):
            self.made.scan_file(self.folder / "missing")
        cut = gzip.compress(LINE.encode() + random.Random(1).randbytes(300_000))[:-200_000]
        hits = self.made.scan_file(self.file("cut.gz", cut))
        found = []
        with self.assertRaises(OSError):
            for hit in hits:
                found.append(hit)
        self.assertEqual(len(found), 4)
        self.assertEqual(list(hits), [])

    def test_an_iterator_that_is_left(self):
        path = self.file("a.log", LINE.encode() * 6_000)
        before = threading.active_count()
        for _ in range(8):
            hits = self.made.scan_file(path)
            next(hits)
            del hits
        self.assertEqual(threading.active_count(), before)


class Threads(InFolder):
    def test_many_threads_one_set(self):
        made = self.set()
        text = LINE * 500
        expected = [(h.start, h.value) for h in made.scan(text)]
        options = indicia.ScanOptions(refang=True)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = pool.map(lambda _: [(h.start, h.value) for h in made.scan(text, options)], range(16))
            self.assertTrue(all(f == expected for f in found))

    def test_many_threads_one_iterator(self):
        made = self.set()
        text = LINE * 1_500
        expected = sorted(h.start for h in made.scan(text))
        for hits in [made.scan(text), made.scan(text.encode()), made.scan_file(self.file("a.log", text))]:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                parts = list(pool.map(lambda _: [h.start for h in hits], range(8)))
            self.assertEqual(len(expected), sum(map(len, parts)))
        extractions = indicia.extract(text)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            parts = list(pool.map(lambda _: [e.value for e in extractions], range(8)))
        self.assertEqual(sum(map(len, parts)), len(list(indicia.extract(text))))

    def test_other_threads_run_meanwhile(self):
        """One long line is one block: the lock must be free while it is read."""
        made = self.set()
        data = b"nothing.example " * 100_000
        done = threading.Event()
        scanner = threading.Thread(target=lambda: (list(made.scan(data)), done.set()))
        scanner.start()
        turns = 0
        while not done.wait(0.001):
            turns += 1
        scanner.join()
        self.assertGreater(turns, 5)

    def test_asyncio(self):
        made = self.set()

        async def scan():
            return await asyncio.gather(*(asyncio.to_thread(lambda: len(list(made.scan(LINE)))) for _ in range(8)))

        self.assertEqual(asyncio.run(scan()), [4] * 8)

    def test_a_buffer_that_changes(self):
        """A bytearray may be written while it is scanned: what is found lies in some state of it, nothing breaks."""
        made = self.set()
        data = bytearray(LINE.encode() * 3_000)
        stop = threading.Event()

        def write():
            chance = random.Random(5)
            while not stop.is_set():
                data[chance.randrange(len(data))] = chance.randrange(256)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(3):
                for hit in made.scan(data):
                    self.assertEqual(hit.end - hit.start, len(hit.raw))
        finally:
            stop.set()
            writer.join()


class Hostile(InFolder):
    def test_input(self):
        made = self.set()
        self.assertEqual(list(made.scan("")), [])
        self.assertEqual(list(made.scan(b"")), [])
        self.assertEqual(list(made.scan(bytes(1_000_000))), [])
        self.assertEqual([h.value for h in made.scan(b"\xff\x00bad.example\x00\xff")], ["bad.example"])
        self.assertEqual([h.value for h in made.scan("\udcff bad.example \ud800")], ["bad.example"])
        for data in [b"[" * 300_000, b"." * 300_000, b"a." * 200_000, b"http://" * 20_000, b"\xed\xa0\x80" * 10_000]:
            list(made.scan(data, refang="aggressive"))
        chance = random.Random(9)
        for _ in range(200):
            list(made.scan(chance.randbytes(2_000), refang=True))


class Fields(InFolder):
    LOG = (
        "#fields\tid.resp_h\tid.resp_p\thost\turi\n192.0.2.9\t80\tevil.example\t/x\n"
        + "198.51.100.7\t443\tgood.example\t/\n" * 5_000
    )

    def test_records(self):
        made = self.set()
        self.assertEqual({h.field for h in made.scan(self.LOG)}, {None})
        found = list(made.scan(self.LOG, fields=True))
        self.assertEqual(found[0].field, "id.resp_h")
        self.assertEqual((found[1].value, found[1].raw, found[1].field), ("evil.example/x", "evil.example", "host+uri"))
        self.assertEqual(len(found), 5_002)
        self.assertEqual({(h.value, h.field) for h in found[2:]}, {("198.51.100.7:443", "id.resp_h+id.resp_p")})
        self.assertEqual(pickle.loads(pickle.dumps(found[1])).field, "host+uri")
        in_file = list(made.scan_file(self.file("conn.log", self.LOG), fields=True))
        self.assertEqual([(h.value, h.field) for h in in_file], [(h.value, h.field) for h in found])
        only = indicia.ScanOptions(only_fields="uri")
        self.assertEqual([h.value for h in made.scan(self.LOG, options=only)], ["evil.example/x"])


if __name__ == "__main__":
    unittest.main()
