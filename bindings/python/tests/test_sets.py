"""Sets: made of feeds, saved, opened, asked, pickled."""

import copy
import datetime
import ipaddress
import json
import multiprocessing
import os
import pathlib
import pickle
import subprocess
import sys
import unittest

import indicia
from support import FEED, InFolder

STIX = {
    "type": "bundle",
    "id": "bundle--00000000-0000-4000-8000-000000000001",
    "objects": [
        {
            "type": "indicator",
            "spec_version": "2.1",
            "id": "indicator--00000000-0000-4000-8000-000000000002",
            "created": "2017-10-12T00:00:00Z",
            "modified": "2017-10-12T00:00:00Z",
            "pattern": "[domain-name:value = 'stix.example']",
            "pattern_type": "stix",
            "valid_from": "2017-10-12T09:30:00.25Z",
        }
    ],
}
MISP = {
    "Event": {
        "uuid": "00000000-0000-4000-8000-000000000003",
        "info": "documentation",
        "date": "2017-10-12",
        "Attribute": [
            {
                "uuid": "00000000-0000-4000-8000-000000000004",
                "type": "domain|ip",
                "category": "Network activity",
                "value": "misp.example|203.0.113.9",
                "to_ids": True,
            }
        ],
    }
}


class Feeds(InFolder):
    def test_formats(self):
        feeds = [
            self.file("a.csv", FEED),
            self.file("b.json", json.dumps(STIX)),
            str(self.file("c.json", json.dumps(MISP))),
        ]
        made = indicia.IndicatorSet.from_feeds(feeds)
        self.assertEqual(len(made), 9)
        by_value = {i.value: i for i in made}
        stix = by_value["stix.example"].contexts[0]
        self.assertEqual(
            stix.valid_from, datetime.datetime(2017, 10, 12, 9, 30, 0, 250_000, tzinfo=datetime.timezone.utc)
        )
        self.assertIsNotNone(by_value["misp.example"].group)
        self.assertEqual(by_value["misp.example"].group, by_value["203.0.113.9"].group)
        self.assertEqual({f.format for f in made.report.files}, {"csv", "stix", "misp"})
        self.assertEqual(made.info["indicators"], 9)
        self.assertEqual(made.info["profile"], "default@1")
        again = indicia.IndicatorSet.from_feeds(reversed(feeds))
        self.assertEqual((again, again.digest, hash(again)), (made, made.digest, hash(made)))

    def test_one_path_a_folder_and_a_named_format(self):
        path = self.file("list", "# x\nbad.example\n192.0.2.7\n")
        self.assertEqual(len(indicia.IndicatorSet.from_feeds(path)), 2)
        self.assertEqual(len(indicia.IndicatorSet.from_feeds(f"plain:{path}")), 2)
        self.assertEqual(len(indicia.IndicatorSet.from_feeds(path, format="plain")), 2)
        self.assertEqual(len(indicia.IndicatorSet.from_feeds([self.folder])), 2)

    def test_what_is_said_of_a_feed(self):
        path = self.file("list.txt", "bad.example\n")
        made = indicia.IndicatorSet.from_feeds(
            [path], name="n", producer="p", tlp="TLP:AMBER", pap="red", default_role="c2", match="exact"
        )
        [indicator] = made
        [context] = indicator.contexts
        self.assertEqual(indicator.match, "exact")
        self.assertEqual(
            (context.feed, context.producer, context.tlp, context.pap, context.role), ("n", "p", "amber", "red", "c2")
        )
        for wrong in [{"tlp": "pink"}, {"match": "near"}, {"format": "word"}, {"default_role": "x"}, {"roles": ["x"]}]:
            with self.assertRaises(ValueError, msg=wrong):
                indicia.IndicatorSet.from_feeds([path], **wrong)

    def test_columns(self):
        path = self.file("x.csv", "when,what\n2017-10-12,bad.example\n")
        [indicator] = indicia.IndicatorSet.from_feeds([path], format="csv", columns={"value": "what"})
        self.assertEqual(indicator.value, "bad.example")

    def test_roles_to_notify(self):
        text = "indicator,role\nvictim.example,victim\nbad.example,c2\n"
        self.assertEqual([i.value for i in self.set(text)], ["bad.example"])
        made = self.set(text, roles=["victim"])
        self.assertEqual([i.value for i in made], ["victim.example"])
        self.assertEqual(made.lookup("victim.example"), [])
        self.assertEqual(len(made.lookup("victim.example", roles="victim")), 1)

    def test_refusals_are_reported(self):
        made = self.set("indicator,type\nbad.example,domain\n192.0.2.07,ipv4\n")
        [file] = made.report.files
        self.assertEqual((file.indicators, file.refused), (1, {"ipv4-leading-zero": 1}))
        self.assertEqual(file.examples[0].code, 111)

    def test_failures(self):
        missing = self.folder / "missing.csv"
        with self.assertRaises(indicia.FeedError) as caught:
            indicia.IndicatorSet.from_feeds([missing])
        self.assertEqual((caught.exception.code, caught.exception.reason), (20, "io"))
        broken = self.file("broken.json", '{"type":"bundle","objects":[{')
        with self.assertRaises(indicia.FeedError) as caught:
            indicia.IndicatorSet.from_feeds([f"stix:{broken}"])
        self.assertEqual((caught.exception.code, caught.exception.reason), (42, "bad-document"))
        made = indicia.IndicatorSet.from_feeds([missing, self.file("a.csv", FEED)], allow_failed=True)
        self.assertEqual([f.reason for f in made.report.failed], ["io"])
        self.assertEqual(len(made), 6)
        with self.assertRaises(TypeError):
            indicia.IndicatorSet.from_feeds(7)


class Profiles(InFolder):
    def test_a_set_has_one(self):
        feed = self.file("urls.csv", "url\nhttp://WWW.Bad.example:8080//Gate.PHP\n")
        s = indicia.IndicatorSet.from_feeds(feed, profile="kaspersky")
        self.assertEqual(s.profile, "kaspersky@1")
        self.assertEqual([hit.raw for hit in s.scan("at https://bad.example/gate.php now")], ["https://bad.example/gate.php"])
        self.assertEqual(len(s.lookup("bad.example/GATE.php/")), 1)
        path = self.folder / "k.ind"
        s.save(path)
        self.assertEqual(indicia.IndicatorSet.open(path).profile, "kaspersky@1")
        # Alone it keeps its profile; with a feed that follows another it is refused.
        self.assertEqual(indicia.IndicatorSet.from_feeds(path).profile, "kaspersky@1")
        plain = self.file("plain.txt", "http://plain.example/a\n")
        for paths in ([path, plain], [plain, path]):
            with self.assertRaises(indicia.FeedError) as refused:
                indicia.IndicatorSet.from_feeds(paths)
            self.assertEqual(refused.exception.reason, "profile-mismatch")
            self.assertIn("kaspersky@1", str(refused.exception))
        self.assertEqual(len(indicia.IndicatorSet.from_feeds([plain, path], profile="kaspersky@1")), 2)
        self.assertEqual(indicia.IndicatorSet.from_feeds(plain).profile, "default@1")
        with self.assertRaises(ValueError):
            indicia.IndicatorSet.from_feeds(plain, profile="kaspersky@2")


class Files(InFolder):
    def test_round_trip(self):
        made = self.set()
        path = self.folder / "t.ind"
        made.save(path)
        for again in [
            indicia.IndicatorSet.open(path),
            indicia.IndicatorSet.load(os.fspath(path)),
            indicia.IndicatorSet.from_bytes(path.read_bytes()),
            indicia.IndicatorSet.from_bytes(bytearray(path.read_bytes())),
            indicia.IndicatorSet.from_bytes(memoryview(made.to_bytes())),
            indicia.IndicatorSet.from_feeds([path]),
        ]:
            self.assertEqual(again, made)
            self.assertEqual([i.to_dict() for i in again], [i.to_dict() for i in made])

    def test_errors(self):
        path = self.folder / "t.ind"
        for read in [indicia.IndicatorSet.open, indicia.IndicatorSet.load]:
            with self.assertRaises(FileNotFoundError) as caught:
                read(path)
            error = caught.exception
            self.assertIsInstance(error, indicia.SetError)
            self.assertEqual((error.code, error.reason, error.errno), (20, "io", 2))
            self.assertEqual(pathlib.Path(error.filename), path)
        with self.assertRaises(indicia.SetError) as caught:
            indicia.IndicatorSet.open(self.folder)
        self.assertEqual(caught.exception.code, 20)
        bytes_ = self.set().to_bytes()
        damaged = bytearray(bytes_)
        damaged[-1] ^= 1
        other = bytearray(bytes_)
        other[8] = 99
        for data, reason in [(b"", "not-a-set"), (b"x" * 99, "not-a-set"), (damaged, "set-corrupt"), (other, "set-version")]:
            with self.assertRaises(indicia.SetError) as caught:
                indicia.IndicatorSet.from_bytes(data)
            self.assertEqual(caught.exception.reason, reason)
            self.assertEqual(caught.exception.code, indicia.reasons()[reason])
        for length in range(0, len(bytes_), 7):
            with self.assertRaises(indicia.SetError):
                indicia.IndicatorSet.from_bytes(bytes_[:length])
        with self.assertRaises(indicia.SetError):
            self.set().save(self.folder / "no" / "folder" / "t.ind")


class Lookup(InFolder):
    def test_values(self):
        made = self.set()
        [hit] = made.lookup("WWW.bad.example.")
        self.assertEqual((hit.start, hit.end, hit.raw), (None, None, "WWW.bad.example."))
        self.assertEqual((hit.kind, hit.value, hit.relation), ("domain", "www.bad.example", "subdomain"))
        self.assertEqual((hit.indicator.kind, hit.indicator.value, hit.indicator.match), ("domain", "bad.example", "subdomains"))
        self.assertEqual([h.relation for h in made.lookup("evil[.]example/x")], ["exact"])
        self.assertEqual(made.lookup("good.example"), [])
        self.assertEqual([h.relation for h in made.lookup("198.51.100.7:443")], ["endpoint"])
        self.assertEqual(made.lookup("198.51.100.7"), [])
        self.assertEqual(len(made.lookup("198.51.100.7", ignore_ports=True)), 1)
        with self.assertRaises(indicia.ParseError) as caught:
            made.lookup("192.0.2.07", "ipv4")
        self.assertEqual(caught.exception.code, 111)

    def test_typed(self):
        made = self.set()
        address = ipaddress.ip_address("192.0.2.9")
        [hit] = made.lookup(address)
        self.assertEqual((hit.relation, hit.value, hit.raw), ("network", "192.0.2.9", address))
        self.assertEqual(len(made.lookup(address, "ipv4")), 1)
        self.assertEqual([h.relation for h in made.lookup(ipaddress.IPv6Address("2001:db8::7"))], ["exact"])
        self.assertEqual(len(made.lookup(ipaddress.IPv6Address("::ffff:192.0.2.9"))), 1)
        self.assertEqual([h.relation for h in made.lookup(ipaddress.ip_address("198.51.100.7"), port=443)], ["endpoint"])
        with self.assertRaises(indicia.ParseError) as caught:
            made.lookup(ipaddress.IPv6Address("2001:db8::7%1"))
        self.assertEqual(caught.exception.reason, "ipv6-zone")
        digest = bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")
        [hit] = made.lookup(digest, "md5")
        self.assertEqual((hit.relation, hit.raw, hit.guard[0].rule), ("exact", digest, "empty-file"))
        with self.assertRaises(indicia.ParseError) as caught:
            made.lookup(digest, "sha1")
        self.assertEqual(caught.exception.reason, "digest-length")
        for arguments in [(digest,), (7,), (None,)]:
            with self.assertRaises(TypeError):
                made.lookup(*arguments)
        with self.assertRaises(TypeError):
            made.lookup("198.51.100.7", port=443)
        with self.assertRaises(OverflowError):
            made.lookup(address, port=65536)


class Records(InFolder):
    RECORD = {
        "target": {"kind": "domain", "value": "bad.example", "match": "subdomains"},
        "group": "g",
        "contexts": [
            {
                "feed": "f", "producer": "p", "source_id": "s", "role": "c2", "labels": ["l"], "threat": "t",
                "confidence": {"value": 4, "scale": "0-5", "source": "x"},
                "first_seen": "2017-10-12T00:00:00Z", "last_seen": "2017-10-13T00:00:00Z",
                "valid_from": "2017-10-12T00:00:00Z", "valid_until": "2017-10-14T00:00:00.5Z", "revoked": False,
                "tlp": "amber+strict", "pap": "green", "purposes": ["u"],
                "countries": [{"code": "MY", "basis": "hosting", "date": "2017-10-12T00:00:00Z"}],
                "asn": 64496, "provider": "h", "references": ["https://ref.example/"], "description": "d",
                "hops": [{"who": "w", "when": "2017-10-12T00:00:00Z", "agreement": "a", "action": "sent"}],
                "extra": {"k": [1, None, 2.5]},
            },
            {"feed": "g", "valid_until": "-000100-01-01T00:00:00Z"},
        ],
    }  # fmt: skip

    def indicator(self):
        feed = self.file("a.jsonl", json.dumps(self.RECORD) + "\n")
        [indicator] = indicia.IndicatorSet.from_feeds([feed])
        return indicator

    def test_fields(self):
        indicator = self.indicator()
        utc = datetime.timezone.utc
        full = next(c for c in indicator.contexts if c.feed == "f")
        written = self.RECORD["contexts"][0]
        for name in ["producer", "source_id", "role", "threat", "revoked", "tlp", "pap", "asn", "provider", "description", "extra"]:
            self.assertEqual(getattr(full, name), written[name], name)
        for name in ["labels", "purposes", "references"]:
            self.assertEqual(getattr(full, name), tuple(written[name]), name)
        self.assertEqual(full.confidence, indicia.Confidence(4, "0-5", "x"))
        day = datetime.datetime(2017, 10, 12, tzinfo=utc)
        self.assertEqual((full.first_seen, full.valid_from), (day, day))
        self.assertEqual(full.valid_until, datetime.datetime(2017, 10, 14, 0, 0, 0, 500_000, tzinfo=utc))
        self.assertEqual(full.countries, (indicia.Country("MY", "hosting", date=day),))
        self.assertEqual(full.hops, (indicia.Hop("w", day, "a", "sent"),))
        self.assertEqual((full.valid_at(day), full.valid_at(datetime.date(2017, 10, 20))), (True, False))
        bare = next(c for c in indicator.contexts if c.feed == "g")
        self.assertEqual(bare.valid_until, datetime.datetime.min.replace(tzinfo=utc))
        self.assertIsNone(bare.tlp)
        self.assertEqual((bare.labels, bare.countries, bare.extra), ((), (), {}))

    def test_the_record_is_what_was_read(self):
        got = self.indicator().to_dict()
        got["contexts"].sort(key=lambda c: c["feed"])
        self.assertEqual(got, self.RECORD)
        self.assertEqual(json.loads(self.indicator().to_json())["group"], "g")

    def test_values(self):
        one, two = self.indicator(), self.indicator()
        self.assertEqual(one, two)
        self.assertEqual(hash(one), hash(two))
        self.assertEqual(one.contexts, two.contexts)
        again = pickle.loads(pickle.dumps(one))
        self.assertEqual((again, again.to_dict(), hash(again)), (one, one.to_dict(), hash(one)))
        self.assertEqual(pickle.loads(pickle.dumps(one.contexts[0])), one.contexts[0])
        self.assertNotIn("bad.example", repr(one))


def values_of(made):
    return [hit.value for hit in made.scan("www.bad.example 192.0.2.7")]


def hits_of(made):
    return list(made.scan("www.bad.example 192.0.2.7"))


class Pickling(InFolder):
    def test_from_a_file_by_path_and_digest(self):
        path = self.folder / "t.ind"
        self.set().save(path)
        made = indicia.IndicatorSet.open(path)
        pickled = pickle.dumps(made)
        self.assertLess(len(pickled), 400 + len(str(path)))
        self.assertEqual(pickle.loads(pickled), made)
        self.set("indicator\nother.example\n").save(path)
        with self.assertRaises(indicia.SetError) as caught:
            pickle.loads(pickled)
        self.assertEqual(caught.exception.reason, "invalid-argument")
        path.unlink()
        with self.assertRaises(FileNotFoundError):
            pickle.loads(pickled)
        self.assertEqual(values_of(made), ["www.bad.example", "192.0.2.7"])

    def test_a_relative_path_is_made_absolute(self):
        self.set().save(self.folder / "t.ind")
        before = os.getcwd()
        os.chdir(self.folder)
        try:
            pickled = pickle.dumps(indicia.IndicatorSet.open("t.ind"))
        finally:
            os.chdir(before)
        self.assertEqual(len(pickle.loads(pickled)), 6)

    def test_from_feeds_by_bytes(self):
        made = self.set()
        self.assertEqual(pickle.loads(pickle.dumps(made)), made)
        self.assertIs(copy.copy(made), made)
        self.assertIs(copy.deepcopy(made), made)

    def test_across_processes(self):
        made = self.set()
        made.save(self.folder / "t.ind")
        opened = indicia.IndicatorSet.load(self.folder / "t.ind")
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            self.assertEqual(pool.map(values_of, [made, opened, opened]), [["www.bad.example", "192.0.2.7"]] * 3)
            [hits] = pool.map(hits_of, [opened])
        self.assertEqual(hits, hits_of(made))
        self.assertEqual([h.indicator.to_dict() for h in hits], [h.indicator.to_dict() for h in hits_of(made)])


class Example(InFolder):
    def test_ten_lines(self):
        example = pathlib.Path(__file__).resolve().parents[1] / "examples" / "ten_lines.py"
        feed = self.file("feed.csv", "indicator,type,source\nbad.example,domain,a\n192.0.2.0/24,cidr,b\n")
        data = self.file("log.txt", "GET http://www.bad.example/a from 192.0.2.7\n")
        done = subprocess.run([sys.executable, example, feed, data], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "www.bad.example subdomain a\n192.0.2.7 network b\n")
        readme = example.parents[1] / "README.md"
        self.assertIn(f"```python\n{example.read_text()}```", readme.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
