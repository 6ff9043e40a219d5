"""Sharing under agreements, from Python: the same code as the command."""

import datetime
import json
import pickle

import indicia
from indicia import exchange
from support import REPOSITORY, InFolder

AGREEMENT = REPOSITORY / "crates/indicia-exchange/docs/example-agreement.toml"
NOW = "2017-11-02"


def record(value="192.0.2.7", kind="ipv4", **fields):
    context = {
        "producer": "vendor.example",
        "role": "c2",
        "tlp": "green",
        "last_seen": "2017-11-01",
        "countries": [{"code": "MY", "basis": "statement"}],
    }
    context.update(fields)
    return {"target": {"kind": kind, "value": value}, "contexts": [context]}


class Decisions(InFolder):
    def setUp(self):
        super().setUp()
        self.agreement = exchange.Agreement.open(AGREEMENT)

    def test_a_record_is_shared_with_its_projection(self):
        decision = exchange.decide(record(description="ask joe@vendor.example"), self.agreement, None, NOW)
        assert isinstance(decision, exchange.Share)
        (item,) = decision.projection.items
        self.assertEqual(item.record.value, "192.0.2.7")
        self.assertEqual(item.record.contexts[0].tlp, "green")
        self.assertIsNone(item.record.contexts[0].producer)
        self.assertNotIn("joe", item.record.to_json())
        self.assertEqual(item.removed, {"email": 1})
        self.assertEqual(item.action, "search")

    def test_a_record_is_withheld_with_every_reason(self):
        decision = exchange.decide(record(tlp="red", role="scanner"), self.agreement, now=NOW)
        self.assertEqual(decision, exchange.Withhold(["role-out-of-scope", "tlp-above-ceiling"]))
        rule, sentence = exchange.withheld_reasons()["tlp-above-ceiling"]
        self.assertEqual(rule, "R3")
        self.assertIn("ceiling", sentence)

    def test_records_of_every_form_and_times_too(self):
        as_indicator = pickle.loads(pickle.dumps(next(iter(self.set()))))
        for given in (record(), json.dumps(record()), as_indicator):
            for now in (NOW, datetime.date(2017, 11, 2), datetime.datetime(2017, 11, 2, tzinfo=datetime.UTC)):
                exchange.decide(given, self.agreement, exchange.Ledger.none("vendor.example"), now)
        with self.assertRaises(ValueError):
            exchange.decide("{}", self.agreement, None, NOW)

    def test_agreements(self):
        self.assertEqual((self.agreement.id, self.agreement.version), ("vendor-body-2017", 3))
        self.assertEqual((self.agreement.provider, self.agreement.recipient), ("vendor.example", "body.example"))
        self.assertTrue(self.agreement.is_in_force(datetime.date(2020, 10, 11)))
        self.assertFalse(self.agreement.is_in_force("2020-10-12"))
        self.assertGreater(len(self.agreement.explain()), 20)
        with self.assertRaises(indicia.ExchangeError) as raised:
            exchange.Agreement.parse(AGREEMENT.read_text().replace('"c2"', '"c3"'))
        self.assertEqual(raised.exception.reason, "bad-agreement")
        self.assertEqual(raised.exception.code, indicia.reasons()["bad-agreement"])
        self.assertIn("line 22: scope.roles[0]", str(raised.exception))


class HandOver(InFolder):
    def setUp(self):
        super().setUp()
        self.keys = exchange.keygen(self.folder / "vendor", None)
        self.body = exchange.keygen(self.folder / "body", "correct horse")
        lines = [record(), record("203.0.113.9", tlp="red"), record("shop.example", "domain", role="compromised")]
        self.feed = self.file("feed.jsonl", "\n".join(map(json.dumps, lines)))
        self.ledger = self.folder / "ledger"

    def share(self, to="out", **options):
        options.setdefault("as_of", NOW)
        output = self.folder / to
        return exchange.share(AGREEMENT, self.feed, self.keys.secret, output, ledger=self.ledger, **options)

    def receive(self, package, state="state"):
        return exchange.receive(package, AGREEMENT, self.keys.public, self.folder / state, "2017-11-03")

    def test_there_and_back(self):
        (shared,) = self.share()
        self.assertEqual((shared.released, shared.withheld), (2, {"tlp-above-ceiling": 1}))
        received = self.receive(shared.package)
        self.assertEqual({r.value for r in received.records}, {"192.0.2.7", "shop.example"})
        self.assertEqual(received.manifest["counter"], 1)
        with self.assertRaises(indicia.ExchangeError) as raised:
            self.receive(shared.package)
        self.assertEqual((raised.exception.reason, raised.exception.detail), ("package-refused", "replay"))
        again = pickle.loads(pickle.dumps(raised.exception))
        self.assertEqual((again.code, again.detail), (raised.exception.code, "replay"))

        response = self.folder / "out/vendor-body-2017-v3/response.csv"
        filled = response.read_text(encoding="utf-8-sig").replace("192[.]0[.]2[.]7,", "192[.]0[.]2[.]7,taken-down")
        answers = exchange.feedback(
            AGREEMENT, self.body.secret, self.file("filled.csv", filled), self.folder / "back",
            as_of=NOW, passphrase="correct horse",
        )  # fmt: skip
        self.assertEqual(answers.answers, 1)
        back = exchange.receive(answers.package, AGREEMENT, self.body.public, self.folder / "vendor-state", NOW)
        self.assertEqual([a["status"] for a in back.answers], ["taken-down"])

        item = back.answers[0]["item"]
        (notice,) = exchange.revoke(
            self.ledger, self.keys.secret, item, "false-positive", self.folder / "notices", as_of="2021-01-01"
        )
        self.assertEqual(notice.notices, 1)
        self.assertEqual(len(exchange.Ledger.open(self.ledger)), 7)

    def test_what_was_planned_is_made_or_refused(self):
        plan = self.folder / "plan.json"
        planned = exchange.plan(AGREEMENT, self.feed, self.keys.secret, plan, ledger=self.ledger, as_of=NOW)
        self.assertFalse(self.ledger.exists())
        self.feed.write_text(self.feed.read_text() + "\n" + json.dumps(record("192.0.2.8")))
        with self.assertRaises(indicia.ExchangeError) as raised:
            self.share(plan=plan, as_of=None)
        self.assertEqual(raised.exception.reason, "not-as-planned")
        self.assertFalse((self.folder / "out").exists() and any((self.folder / "out").iterdir()))
        self.feed.write_text("\n".join(self.feed.read_text().splitlines()[:-1]))
        (shared,) = self.share(plan=plan, as_of=None)
        self.assertEqual(shared.manifest, planned[0].manifest)

    def test_errors_say_what(self):
        for call, reason in [
            (lambda: exchange.keygen(self.folder / "vendor", None), "already-there"),
            (lambda: self.share(passphrase=None, as_of="2017-11-02", plan=self.feed), "not-as-planned"),
            (lambda: exchange.share(AGREEMENT, self.feed, self.body.secret, self.folder / "o"), "bad-key"),
            (lambda: exchange.receive(self.folder, AGREEMENT, self.keys.public, self.folder / "s"), "package-refused"),
        ]:
            with self.assertRaises(indicia.ExchangeError) as raised:
                call()
            self.assertEqual(raised.exception.reason, reason, raised.exception)
