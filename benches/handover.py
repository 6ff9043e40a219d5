#!/usr/bin/env python3
"""Play the operation of 2017 with made-up data: three companies, an international body, eight countries; compare every number.

  handover.py --indicia BIN [--scale 1] [--seed 1] [--work DIR] [--record FILE]

Everything is made here, from documentation ranges: 8,800 command-and-control servers and 270 sites that were broken
into, which the companies share with the body, and what must stay with them. The body shares with eight countries,
answers come back, an item is taken back, an agreement is renewed and one ends. What should be in each package is
worked out by this script from what it made and from the rules (crates/indicia-exchange/docs), never from what indicia
says; then every file of every package, the ledgers, the plan and the summaries are compared with that. Prints one JSON
object; exit 1 when anything differs.
"""
import argparse, base64, csv, hashlib, io, json, os, random, re, resource, shutil, subprocess, sys, tempfile, time
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from html.parser import HTMLParser

COUNTRIES = {"ID": "Indonesia", "MY": "Malaysia", "MM": "Myanmar", "PH": "Philippines", "SG": "Singapore",
             "TH": "Thailand", "VN": "Viet Nam", "CN": "China", "JP": "Japan"}
EIGHT = [c for c in COUNTRIES if c != "JP"]
BODY = "body.example"
SHARED, GIVEN, TAKEN, ANSWERED = "2017-04-20T08:00:00Z", "2017-04-24T08:00:00Z", "2017-04-24T12:00:00Z", "2017-05-10T09:00:00Z"
BACK, RENEWED, REVOKED = "2017-05-12T09:00:00Z", "2017-05-20T08:00:00Z", "2017-05-22T08:00:00Z"
TLP, PAP = ["clear", "green", "amber", "amber+strict", "red"], ["clear", "green", "amber", "red"]
KINDS = ["ipv4", "ipv6", "endpoint", "domain", "url"]
ORDER = {"ipv4": 1, "ipv6": 2, "endpoint": 5, "domain": 6, "url": 7}
ACTIONS = ["notify", "block", "detect", "search"]
ALL_PURPOSES = ["prevention", "detection", "investigation", "victim-notification"]
NAMES_OF_KINDS = {"ipv4": "IPv4 address", "ipv6": "IPv6 address", "endpoint": "Address with a port", "domain": "Domain name", "url": "Web address"}
NAMES_OF_ROLES = {"c2": "Command and control", "compromised": "Broken into"}
WORDS_OF_BASES = {"hosting": "hosted there", "victim": "victim there", "statement": "stated by the source"}
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
differences = []


def differ(where, said, books):
    if said != books:
        differences.append({"where": where, "said": shorten(said), "books": shorten(books)})


def shorten(x):
    text = x if isinstance(x, str) else json.dumps(x, default=str, sort_keys=True)
    return text if len(text) <= 700 else text[:700] + "…"


def differ_bags(where, said, books):
    """Compares two lists whose order does not count."""
    said, books = Counter(said), Counter(books)
    if said != books:
        differences.append({"where": where, "only_said": [shorten(x) for x in list((said - books).elements())[:2]], "only_books": [shorten(x) for x in list((books - said).elements())[:2]],
                            "n_said": sum((said - books).values()), "n_books": sum((books - said).values())})


def days_after(at, days):
    return (datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ") + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(at):
    return f"{int(at[8:10])} {MONTHS[int(at[5:7]) - 1]} {int(at[:4])}"


# ---------------------------------------------------------------- what the companies say

class Said(dict):
    """One assertion: a record's target, and what one company says of it. Attributes are items."""
    __getattr__ = dict.get
    __setattr__ = dict.__setitem__


class Made:
    """The companies' feeds. Each text and URL is made together with what redaction must make of it."""

    def __init__(self, seed, scale):
        self.r, self.scale, self.n = random.Random(seed), scale, 0
        self.feeds = {v: [] for v in "abc"}
        self.used, self.names, self.port = set(), 0, {}
        self.good(), self.sites(), self.twice(), self.stays()
        self.texts()

    def some(self, n):
        return max(1, round(n * self.scale))

    def host(self):
        self.names += 1
        return f"{self.r.choice('update sync news cdn mail img stat login'.split())}{self.names}.{self.r.choice(['bad', 'evil', 'panel'])}{self.names}.example"

    def address(self):
        return f"{self.r.choice(['192.0.2', '198.51.100', '203.0.113'])}.{self.r.randrange(256)}"

    def address6(self):
        return f"2001:db8:{self.r.randrange(1, 0xfff):x}::{self.r.randrange(1, 0xfff):x}"

    def target(self, kind):
        while True:
            value, match = None, "exact"
            if kind == "endpoint":
                host = self.r.choices([self.address(), f"[{self.address6()}]", self.host()], [7, 1, 2])[0]
                value = f"{host}:{self.r.choice([80, 443, 8080, 8443, self.r.randrange(1024, 65536)])}"
            elif kind == "ipv4":
                value = self.address()
            elif kind == "ipv6":
                value = self.address6()
            elif kind == "domain":
                value, match = self.host(), self.r.choice(["exact", "subdomains"])
            if value is None or value not in self.used:
                break
        if kind == "url":
            return self.url(self.host())
        self.used.add(value)
        return dict(kind=kind, value=value, key=value, match=match, red=(value, match, {}))

    def url(self, host, plain=False):
        r = self.r
        name = r.choice(["siti", "nguyen.van", "m.tan"])
        token = f"{r.getrandbits(64):016x}"
        shapes = [("/gate.php", None, {}, []), ("/dl/get.php?file=inv.exe", None, {}, []), ("/img/a.bin", None, {}, []),
                  (f"/p.php?id={r.randrange(9999)}&user={name}", "/p.php?", {"query-value": 2}, [name] if "." in name else []),
                  (f"/auth/cb?token={token}", "/auth/cb?", {"query-value": 1}, [token]),
                  (f"/u/{name}@ministry.example/doc", "/u/", {"email": 1}, [f"{name}@ministry.example"]),
                  (f"/mail/{name}%40ministry.example/in", "/mail/", {"email": 1}, [f"{name}%40ministry.example"]),
                  (f"/home/{name}/x.exe", "/home/", {"user": 1}, [name])]
        path, cut, counts, pieces = shapes[0] if plain else r.choice(shapes)
        scheme, front, back = r.choice(["http://", "https://"]), "", ""
        counts, pieces = dict(counts), list(pieces)
        if not plain and r.random() < .08:
            front = "operator:pass1@"
            counts["url-userinfo"] = 1
            pieces += ["operator", "pass1"]
        if not plain and r.random() < .06:
            back = "#part7"
            counts["url-fragment"] = 1
            pieces.append("part7")
        value = f"{scheme}{front}{host}{path}{back}"
        red = (f"{scheme}{host}{cut or path}", "prefix" if cut else "exact", counts)
        # What redaction takes tells something from six characters on.
        return dict(kind="url", value=value, key=host + path, match="exact", red=red, pieces=[piece for piece in pieces if len(piece) >= 6])

    def said(self, vendor, target, role="c2", country=None, **more):
        r = self.r
        self.n += 1
        last = days_after("2016-11-10T00:00:00Z", r.randrange(155))
        first = days_after(last, -r.randrange(1, 200))
        country = country or r.choice(EIGHT)
        facts = [dict(code=country, basis="statement" if r.random() < .2 else "hosting", evidence="look-up of March 2017", strength="strong")]
        if r.random() < .15:
            other = r.choice([c for c in COUNTRIES if c != country])
            facts.append(dict(code=other, basis=r.choice(["hosting", "statement"]), evidence="report", strength=r.choice(["strong", "strong", "weak"])))
        network = r.randrange(48)
        a = Said(target, vendor=vendor, n=self.n, producer=f"vendor-{vendor}.example", role=role, tlp=self.tlp(vendor), pap=self.pap(vendor), facts=facts, first_seen=first,
                 last_seen=last, threat=f"Family {3 * r.randrange(30) + 'abc'.index(vendor)}", source_id=f"indicator--{self.uuid()}", labels=["operation-2017"],
                 asn=64496 + network % 16 if network else None, provider=f"Example Hosting {network}" if network and network % 3 else None)
        if vendor == "b" or r.random() < .7:
            a.confidence = dict(value=r.choice([35, 50, 60, 75, 90, 100]), source="scoring of the laboratory")
        if r.random() < .1:
            a.valid_until = r.choice(["2017-04-22T00:00:00Z", "2017-05-15T00:00:00Z", "2018-01-01T00:00:00Z"])
        if r.random() < .08:
            a.references = [f"https://reports.vendor-{vendor}.example/{self.n}"]
        if r.random() < .05:
            a.extra = {"sensor": f"node {r.randrange(9)}"}
        if r.random() < .2:
            a.purposes = r.choice([["investigation"], ["detection", "investigation"], ["prevention", "investigation", "victim-notification", "research"], ["prevention"]])
        a.update(more)
        self.feeds[vendor].append(a)
        return a

    def uuid(self):
        h = f"{self.r.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:]}"

    def tlp(self, vendor):
        return self.r.choices(TLP[:3] + ["red", None], {"a": [4, 4, 2, 0, 0], "b": [3, 3, 2, 1, 0], "c": [3, 3, 2, 0, 2]}[vendor])[0]

    def pap(self, vendor):
        return self.r.choices(PAP + [None], {"a": [2, 3, 2, 0, 3], "b": [2, 2, 2, 1, 3], "c": [2, 3, 0, 0, 3]}[vendor])[0]

    def good(self):
        """The command-and-control servers that the companies may share with the body."""
        r = self.r
        self.c2 = []
        for n in range(self.some(8800)):
            kind = r.choices(["endpoint", "domain", "url", "ipv4", "ipv6"], [60, 20, 13, 4, 3])[0]
            if kind == "ipv4" and sum(1 for v in self.used if ":" not in v and v[0].isdigit()) > 400:
                kind = "ipv6"
            target = self.target(kind)
            more = {}
            vendor = r.choices("abc", [9, 7, 4])[0]
            if vendor == "c" and r.random() < .02:
                more["facts"] = []  # goes to whoever takes what has no country
            self.c2.append(self.said(vendor, target, **more))

    def sites(self):
        """The sites that were broken into; some are of governments, and some serve as command and control."""
        r = self.r
        all_ = self.some(270)
        self.compromised = []
        for n in range(all_):
            vendor, country = r.choices("abc", [9, 7, 4])[0], r.choice(EIGHT)
            self.names += 1
            government = n < max(2, all_ // 6)
            host = f"portal{self.names}.ministry{self.names}.gov.example" if government else f"www.shop{self.names}.example"
            facts = [dict(code=country, basis="victim", evidence="page of the site", strength="strong"),
                     dict(code=r.choice(EIGHT), basis="hosting", evidence="look-up of March 2017", strength="strong")]
            both = r.random() < .06
            if r.random() < .4:
                target = dict(kind="domain", value=host, key=host, match="exact", red=(host, "exact", {}))
            else:
                target = self.url(host, plain=both)
            purposes = None if r.random() < .8 else ["victim-notification", "statistics"]
            self.compromised.append(self.said(vendor, target, role="compromised", facts=facts, threat=f"Hole in a blog {3 + 'abc'.index(vendor)}", purposes=purposes,
                                              valid_until=None))
            if both and len(self.c2) > 20:
                # In place of one of the servers, so that the number stays.
                gone = next(i for i, a in enumerate(self.c2) if a.vendor == vendor and a.kind == "domain" and a.role == "c2")
                old = self.c2[gone]
                self.feeds[vendor].remove(old)
                self.c2[gone] = self.said(vendor, target, facts=[dict(f) for f in facts], purposes=["prevention", "investigation"], valid_until=None)

    def twice(self):
        """Values that two companies give, or one in two deliveries."""
        for a in self.r.sample(self.c2, self.some(600)):
            target = {k: a.get(k) for k in ("kind", "value", "key", "match", "red", "pieces")}
            if any(s.role == "compromised" and s.key == a.key for s in self.compromised):
                continue
            self.said(self.r.choice([v for v in "abc" if v != a.vendor]), target, country=self.r.choice([f["code"] for f in a.facts if f["code"] != "JP"] or EIGHT))
        for a in self.r.sample([s for s in self.compromised if s.vendor == "a" and s.kind == "domain"][1:], 1) if self.scale > .3 else []:
            self.said("b", {k: a.get(k) for k in ("kind", "value", "key", "match", "red", "pieces")}, role="compromised", facts=[dict(f) for f in a.facts], threat="Hole in a blog 4")
        for a in self.r.sample([a for a in self.c2 if a.vendor == "a" and not a.valid_until], self.some(40)):
            # Said again without a marking, a day later: the marking of the first delivery counts.
            copy = Said({**a, "source_id": f"indicator--{self.uuid()}", "tlp": None, "pap": None, "last_seen": "2017-04-16T00:00:00Z", "n": self.n + 1})
            self.n += 1
            self.feeds["a"].append(copy)

    def stays(self):
        """What must not leave the companies, each for its own reason; values nobody else gives."""
        r, new = self.r, lambda kind=None: self.target(kind or self.r.choice(["endpoint", "domain", "url", "ipv6"]))
        jp = lambda: [dict(code="JP", basis="hosting", evidence="look-up of March 2017", strength="strong")]
        def each(n, vendors, **more):
            for vendor in vendors:
                for _ in range(self.some(n)):
                    kind, make = more.get("kind_"), {k: (v() if callable(v) else v) for k, v in more.items() if k != "kind_"}
                    self.said(vendor, new(kind), **make)
        each(90, "ac", tlp="red")
        each(20, "a", tlp="amber+strict")
        each(50, "ab", tlp=None, pap=None)
        each(10, "ab", tlp=None, pap="green")
        each(30, "abc", valid_from="2017-01-01T00:00:00Z", valid_until="2017-04-01T00:00:00Z")
        each(8, "abc", valid_from="2017-04-19T00:00:00Z", valid_until="2017-04-18T00:00:00Z")
        each(15, "ab", valid_from="2017-05-01T00:00:00Z")
        each(25, "a", first_seen="2016-01-05T00:00:00Z", last_seen="2016-05-01T00:00:00Z")
        each(5, "a", first_seen=None, last_seen=None)
        each(30, "abc", role="phishing")
        each(40, "ab", facts=jp)
        each(20, "ab", facts=list)
        each(10, "a", facts=lambda: [dict(code="MY", basis="hosting", evidence="many places at once", strength="weak")])
        each(15, "abc", role="compromised", facts=lambda: [dict(code="JP", basis="victim", evidence="page of the site", strength="strong"), dict(code="MY", basis="hosting", evidence="look-up of March 2017", strength="strong")])
        each(8, "abc", purposes=lambda: ["research"])
        each(6, "abc", role="compromised", purposes=lambda: ["prevention"])
        each(6, "abc", revoked=True)
        each(5, "ab", extra=lambda: {"unknown_markings": ["restricted: house rule 7"]})
        each(5, "abc", extra=lambda: {"statements": ["(c) 2017"]})
        each(10, "ac", pap="red")
        each(20, "b", confidence=lambda: dict(value=10))
        each(4, "abc", producer=BODY, tlp="clear")
        each(8, "abc", producer="partner.example", tlp="amber")
        each(4, "a", producer="partner.example", tlp="red")
        for vendor in "abc":
            for _ in range(self.some(6)):
                digest = f"{r.getrandbits(128):032x}"
                self.said(vendor, dict(kind="md5", value=digest, key=digest, match="exact", red=(digest, "exact", {})))
            for _ in range(self.some(5)):
                host = self.host()
                self.said(vendor, dict(kind="url", value=f"http://{host}/joe.lim@ministry.example", key=f"{host}/joe.lim@ministry.example", match="exact", red=None, pieces=["joe.lim@ministry.example"]))
            for _ in range(self.some(4)):
                mail = f"officer{self.n}@agency.example"
                self.said(vendor, dict(kind="email", value=mail, key=mail, match="exact", red=None), role="victim")
        # Hosts of URLs that go, and addresses of endpoints that go, as values of their own.
        for a in r.sample([a for a in self.c2 if a.kind in ("url", "endpoint") and a.value[0] not in "[2" and "gov" not in a.value], self.some(40)):
            host = a.key.split("/")[0].rsplit(":", 1)[0]
            kind = "ipv4" if host[0].isdigit() else "domain"
            if host not in self.used and (kind, host, "exact") not in {(s.kind, s.key, s.match) for f in self.feeds.values() for s in f}:
                self.said(a.vendor, dict(kind=kind, value=host, key=host, match="exact", red=(host, "exact", {})), tlp="red" if a.vendor != "b" else None, pap=None)

    def texts(self):
        """Descriptions: what redaction takes out, and what quotes something else."""
        everything = [a for f in self.feeds.values() for a in f]
        by_vendor = self.feeds
        for a in everything:
            r = self.r
            other = r.choice(by_vendor[a.vendor])
            text = red = None
            counts = {}
            roll = r.random()
            if roll < .25:
                text = r.choice(["Beacon every 60 seconds.", "Seen by sensors in several networks.", "Open port answers with a banner of the family.", "Login of the operator is known."])
            elif roll < .33:
                text, red, counts = f"Reported by a.lim@vendor-{a.vendor}.example, checked twice.", "Reported by [email], checked twice.", {"email": 1}
            elif roll < .38:
                text, red, counts = f"Analyst: k.wong[at]vendor-{a.vendor}[.]example.", "Analyst: [email].", {"email": 1}
            elif roll < .42:
                text, red, counts = r"Drops C:\Users\siti.aminah\AppData\x.exe on start.", r"Drops C:\Users\[user]\AppData\x.exe on start.", {"user": 1}
            elif roll < .45:
                text, red, counts = "Questions: +65 6555 0101, Monday to Friday.", "Questions: [phone], Monday to Friday.", {"phone": 1}
            elif roll < .48:
                text, red, counts = "Asks hxxp://check[.]service[.]example/ip?id=77 for its address.", "Asks hxxp://check[.]service[.]example/ip?id=[query-value] for its address.", {"query-value": 1}
            elif roll < .53 and other.kind in KINDS and other.kind != "url":
                text = f"Same group as {other.value.replace('.', '[.]')}, since March."
            elif roll < .55 and other.kind in KINDS and other.kind != "url":
                text = f"Configuration holds {base64.b64encode(other.value.encode()).decode()} as fallback."
            elif roll < .57 and other.kind in KINDS and other.kind != "url":
                text = f"Fallback, hashed: {hashlib.sha256(other.value.encode()).hexdigest()}."
            elif roll < .60:
                text = f"First published by vendor-{a.vendor}.example."
            elif roll < .62:
                text = f"Part of {other.source_id} as well."
            a.description, a.description_red, a.description_counts = text, red or text, counts
            if r.random() < .03:
                a.labels = a.labels + [f"vendor-{a.vendor}.example:lab"]

    def lines(self, vendor):
        for a in self.feeds[vendor]:
            context = {"feed": f"feed-{vendor}"}
            for name in ("producer", "source_id", "role", "labels", "threat", "confidence", "first_seen", "last_seen", "valid_from", "valid_until", "revoked", "tlp", "pap",
                         "purposes", "asn", "provider", "references", "description", "extra"):
                if a.get(name) is not None:
                    context[name] = a[name]
            context["countries"] = a.facts
            yield json.dumps({"target": {"kind": a.kind, "value": a.value, "match": a.match}, "contexts": [context]})


# ---------------------------------------------------------------- the books: what the rules make of it

class Agreement(dict):
    __getattr__ = dict.get

    def toml(self, keys):
        q = json.dumps
        a = self
        parts = [f'schema = "indicia-agreement/1"\nid = {q(a.id)}\nversion = {a.version}']
        if a.supersedes:
            parts.append(f"supersedes = {q(a.supersedes)}")
        parts += [f'title = "Worked example"\nlegal_reference = "Made-up agreement {a.version} of 2017"\nvalid = {{ from = {a.begins[:10]}, until = {a.ends[:10]} }}',
                  f'[provider]\nid = {q(a.provider)}\nkeys = {q([keys[a.provider]])}\ncommunities = ["operation-2017"]',
                  f'[recipient]\nid = {q(a.recipient)}\nkeys = {q([keys[a.recipient]])}\nkind = {q(a.kind)}\ncountries = {q(a.countries)}\ncommunities = {q(a.communities)}\nclient = {q(a.client)}',
                  f'[scope]\nroles = {q(a.roles)}\nkinds = {q(a.kinds)}\ncountries = {q(a.scope)}\nbasis = {q(a.basis)}\nunknown_country = {q(a.unknown)}\nextra_government_suffixes = ["gov.example"]']
        parts += [f"{name} = {a[name]}" for name in ("max_age_days", "min_confidence") if a.get(name)]
        parts += [f"[ceiling]\ntlp = {q(a.tlp)}" + (f"\npap = {q(a.pap)}" if a.pap else ""),
                  f"[handling]\npurposes = {q(a.purposes)}\nonward = {q(a.onward)}" + (f"\nonward_to = {q(a.to)}" if a.onward == "listed" else "") +
                  f'\nattribution = {q(a.attribution)}\nsidecar = {q(a.sidecar)}\n[retention]\ndays = {a.days}\n[redaction]\nrules = "strict@1"\n[feedback]\naccept = {q(a.accept)}']
        for c in a.consents or []:
            parts.append(f'[[consent]]\nwho = {q(c["who"])}\nwhen = {c["when"][:10]}\nreference = "Letter"\nitems = {q(c["items"])}\ntlp = {q(c["tlp"])}')
        return "\n".join(parts) + "\n"

    @property
    def reference(self):
        return f"{self['id']}@{self['version']}"


def agreements():
    """Three with the companies and eight with the countries, none like another."""
    def one(id, provider, recipient, countries, **more):
        base = dict(id=id, version=1, provider=provider, recipient=recipient, countries=countries, communities=["operation-2017"], client=False, begins="2017-01-01T00:00:00Z",
                    ends="2018-01-01T00:00:00Z", roles=["c2", "compromised"], kinds=KINDS, scope=countries, basis=["hosting", "cctld", "victim", "statement"], unknown="withhold",
                    tlp="amber", pap="amber", purposes=ALL_PURPOSES, onward="none", to=[], attribution="must-not", sidecar=False, days=365,
                    accept=["sighting", "false-positive", "taken-down", "notified"], kind="police")
        return Agreement({**base, **more})
    police = {c: f"police-{c.lower()}.example" for c in EIGHT}
    first = {v: one(f"vendor-{v}-body", f"vendor-{v}.example", BODY, EIGHT, **{**dict(kind="police-international", onward="listed", to=sorted(police.values()), days=1825), **more}) for v, more in {
        "a": dict(attribution="may", max_age_days=180),
        "b": dict(tlp="red", pap=None, min_confidence=None, accept=["sighting", "false-positive"]),
        "c": dict(scope="all", pap="green", to=sorted(p for c, p in police.items() if c not in ("VN", "CN")), days=90, accept=["sighting", "false-positive", "taken-down"]),
    }.items()}
    first["b"]["min_confidence"] = 20
    second = {c: one(f"body-{c.lower()}", BODY, police[c], [c], **more) for c, more in {
        "ID": dict(tlp="green", sidecar=True),
        "MY": dict(tlp="green", basis=["hosting", "victim"]),
        "MM": dict(tlp="green", purposes=["detection", "investigation", "victim-notification"], pap="green"),
        "PH": dict(tlp="green", max_age_days=90, unknown="send", days=30),
        "SG": dict(client=True, min_confidence=50, sidecar=True),
        "TH": dict(tlp="green", purposes=["prevention", "detection"], ends="2017-05-15T00:00:00Z"),
        "VN": dict(roles=["c2"], tlp="red"),
        "CN": dict(communities=[], kinds=["endpoint", "domain", "url"]),
    }.items()}
    return first, second


class Books:
    """The records that one party holds, and what goes out under an agreement."""

    def __init__(self, said):
        self.records = defaultdict(list)
        for a in said:
            self.records[(a.kind, a.key, a.match)].append(a)
        self.forms, self.hashes, self.seen = defaultdict(set), defaultdict(set), {}
        for record, all_ in self.records.items():
            for form in {f for a in all_ for f in (a.value, a.key)}:
                self.know(form, ("value", record))
            for a in all_:
                for piece in a.pieces or []:
                    self.know(piece, ("piece", piece))
                for name in [a.source_id, a.producer, *(h for hop in a.hops or [] for h in hop)]:
                    if name:
                        self.know(name, ("name", name))
                        if "--" in name:
                            self.know(name.split("--")[1], ("name", name))
        self.lengths = {len(f) for f in self.forms}

    def know(self, form, secret):
        self.forms[form.strip("[]").lower()].add(secret)
        self.hashes[hashlib.sha256(form.encode()).hexdigest()].add(secret)

    def quotes(self, text):
        """Everything that a text quotes, at borders of words."""
        if text not in self.seen:
            found = set()
            readings = {text, text.replace("[.]", ".").replace("hxxp", "http"), text.replace("%40", "@")}
            for word in re.findall(r"[A-Za-z0-9+/_-]{6,}", text):
                found |= self.hashes.get(word.lower(), set())
                try:
                    readings.add(base64.b64decode(word + "=" * (-len(word) % 4), validate=True).decode())
                except ValueError:
                    pass  # a word that only looks so
            for reading in map(str.lower, readings):
                # Of a report or a relationship nobody keeps the id: what is no item's stays.
                found |= {("name", id) for id in re.findall(r"[a-z0-9-]+--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", reading)}
                edges = [i for i in range(len(reading) + 1) if i == 0 or i == len(reading) or not (reading[i - 1].isalnum() and reading[i].isalnum())]
                for i in edges:
                    if i and reading[i - 1].isalnum():
                        continue
                    for j in edges:
                        if j - i in self.lengths and (j == len(reading) or not reading[j].isalnum()):
                            found |= self.forms.get(reading[i:j], set())
            self.seen[text] = found
        return self.seen[text]

    def under(self, ag, now, ledger=None):
        """Items, what stays with reasons, and values that hold others that stay. `ledger`: when an assertion first went out."""
        items, held = [], []
        for record, all_ in self.records.items():
            for a in all_:
                same = [b for b in all_ if b.feed == a.feed and b.producer == a.producer and b.vendor == a.vendor]
                reasons, item = self.decide(a, same, ag, now, ledger or {})
                if reasons:
                    held.append((a, tuple(sorted(reasons))))
                else:
                    items.append(item)
        released = {(i.source.kind, i.source.key, i.source.match) for i in items if (i.value, i.match) == (i.source.value, i.source.match)}
        names = {ag.provider, ag.recipient} | {i.producer for i in items}
        ids = {i.source.source_id for i in items if i.keeps_id}
        secret = lambda s: s[0] == "piece" or s[1] not in (released if s[0] == "value" else names | ids)
        gone = lambda *texts: any(map(secret, set().union(*map(self.quotes, texts))))
        # A text that is left out makes a new object; what quotes the id that the object had is left out then too.
        again = True
        while again:
            again = False
            for i in items:
                dropped = 0
                for name in ("labels", "references"):
                    kept = [t for t in i[name] if not gone(t)]
                    dropped += len(i[name]) - len(kept)
                    i[name] = kept
                for name in ("threat", "provider", "description"):
                    # As it came as well: what redaction leaves of something that is quoted still tells of it.
                    if i[name] and gone(i[name], i.source[name]):
                        i[name] = None
                        dropped += 1
                if dropped:
                    i.removed = {**i.removed, "quotes-withheld": i.removed.get("quotes-withheld", 0) + dropped}
                    again |= i.keeps_id
                    i.keeps_id = False
            ids = {i.source.source_id for i in items if i.keeps_id}
        carried = []
        for i in items:
            own = (i.source.kind, i.source.key, i.source.match)
            carried += [(i.key(), r[1]) for r in self.quotes(i.value) if r[0] == "value" and r[1] != own and r[1] not in released]
        return Package(ag, now, items, held, carried)

    def decide(self, a, same, ag, now, ledger):
        why = set()
        if not ag.begins <= now < ag.ends:
            why.add("agreement-not-in-force")
        own = a.producer == ag.provider and not a.hops
        if a.producer == ag.recipient:
            why.add("echo")
        if a.role not in ag.roles:
            why.add("role-out-of-scope")
        if ag.kinds != "all" and a.kind not in ag.kinds:
            why.add("kind-out-of-scope")
        if ag.min_confidence and not (a.confidence and a.confidence["value"] >= ag.min_confidence):
            why.add("confidence-too-low")
        marks = lambda b: (b.tlp, b.pap, bool((b.extra or {}).get("statements")), bool((b.extra or {}).get("unknown_markings")))
        tlp, pap, statement, unknown = marks(a)
        if marks(a) == (None, None, False, False):
            tlp = max((b.tlp for b in same if b.tlp), key=TLP.index, default=None)
            pap = max((b.pap for b in same if b.pap), key=PAP.index, default=None)
            statement, unknown = any(marks(b)[2] for b in same), any(marks(b)[3] for b in same)
        consent = [c for c in ag.consents or [] if c["books"](a) and c["when"] <= now]
        if consent and tlp:
            tlp = max((c["tlp"] for c in consent), key=TLP.index)
        if unknown:
            why.add("unknown-marking")
        if statement:
            why.add("scheme-not-understood")
        if pap and ag.pap and PAP.index(pap) > PAP.index(ag.pap):
            why.add("pap-above-ceiling")
        if not tlp:
            why.add("unmarked")
        else:
            if TLP.index(tlp) > TLP.index(ag.tlp):
                why.add("tlp-above-ceiling")
            if not own and not consent:
                binds = {"red": True, "amber+strict": True, "amber": not ag.client, "green": not ag.communities, "clear": False}
                if binds[tlp]:
                    why.add("tlp-" + tlp.replace("+", "-"))
        if a.valid_from and a.valid_until and a.valid_until <= a.valid_from:
            why.add("bad-interval")
        if any(t and t > now for t in (a.valid_from, a.first_seen)):
            why.add("not-yet-valid")
        if a.valid_until and a.valid_until <= now:
            why.add("expired")
        if ag.max_age_days:
            seen = a.last_seen or a.first_seen or a.valid_from
            if not seen:
                why.add("no-time")
            elif seen < days_after(now, -ag.max_age_days):
                why.add("too-old")
        if a.delete_by and a.delete_by <= now:
            why.add("delete-by-passed")
        if a.revoked:
            why.add("revoked")
        if not own and not consent and a.onward is not None and ag.recipient not in a.onward:
            why.add("not-onward")
        host = re.sub(r"^[a-z]+://", "", a.value).split("/")[0].split("@")[-1].rsplit(":", 1)[0]
        government = host.endswith(".gov.example")
        facts = a.facts
        if ag.scope != "all":
            counts = [f for f in facts if f["basis"] in ag.basis and (f["strength"] == "strong" or ag.unknown == "send")]
            if counts and not any(f["code"] in ag.scope for f in counts):
                why.add("country-out-of-scope")
            if not counts and ag.unknown == "withhold":
                why.add("country-unknown")
            facts = [f for f in facts if f["code"] in ag.scope]
        to_notify = any(b.role in ("compromised", "victim") for b in same)
        purposes = [p for p in ag.purposes if not a.purposes or p in a.purposes]
        if not purposes:
            why.add("purpose")
        if to_notify:
            bases = ["victim"] if any(f["basis"] == "victim" for f in a.facts) else ["statement", "cctld"]
            if not any(f["code"] in ag.countries for f in a.facts if f["strength"] == "strong" and f["basis"] in bases):
                why.add("victim-of-another-country")
            facts = [f for f in facts if f["basis"] != "victim" or f["code"] in ag.countries]
            if purposes:
                purposes = [p for p in purposes if p in ("victim-notification", "investigation")]
                if not purposes:
                    why.add("victim-purpose")
        if a.red is None:
            why.add("personal")
        if why:
            return why, None
        value, match, counts = a.red
        must_not = ag.attribution == "must-not" or a.must_not
        removed = Counter(counts) + Counter(a.description_counts)
        extra = [k for k in a.extra or {} if k not in ("statements", "unknown_markings")]
        if extra:
            removed["extra-field"] += len(extra)
        if must_not and a.references:
            removed["reference"] += len(a.references)
        action = "search"
        if to_notify or government:
            action = "notify"
        elif pap in ("clear", "green") and "prevention" in purposes:
            action = "block"
        elif pap in ("clear", "green", "amber") and {"prevention", "detection"} & set(purposes):
            action = "detect"
        confidence = a.confidence and {k: v for k, v in a.confidence.items() if k != "source" or not must_not}
        # Sending again does not make it last longer.
        until = days_after(ledger.get((ag.recipient, a.n), now), ag.days)
        item = Said(source=a, vendor=a.vendor, n=a.n, kind=a.kind, value=value, match=match, role=a.role, labels=a.labels + (["government"] if government and "government" not in a.labels else []),
                    threat=a.threat, confidence=confidence, first_seen=a.first_seen, last_seen=a.last_seen, valid_from=a.valid_from, valid_until=a.valid_until, tlp=tlp, pap=pap,
                    purposes=sorted(purposes), facts=facts, asn=a.asn, provider=a.provider, references=[] if must_not else a.references or [],
                    description=a.description_red, producer=None if must_not else a.producer, removed=dict(removed), action=action, government=government, to_notify=to_notify,
                    delete_by=min(until, a.delete_by or until), must_not=must_not)
        # Only what goes out with everything that it came with is the same object.
        item.keeps_id = (own and not must_not and not removed and (value, match) == (a.value, a.match) and (tlp, pap, item.labels) == (a.tlp, a.pap, a.labels)
                         and all(f in facts for f in a.facts) and (not a.purposes or set(a.purposes) == set(purposes)))
        item.key = lambda i=item: (i.kind, i.value, i.match, i.role, i.threat, i.vendor, i.n)
        return None, item


class Package:
    """What a recipient should get, counted."""

    def __init__(self, ag, now, items, held, carried):
        self.ag, self.now, self.items, self.held, self.carried = ag, now, items, held, carried
        self.withheld = Counter(r for _, why in held for r in why)
        self.removed = Counter()
        for i in items:
            self.removed.update(i.removed)

    def arrived(self):
        """What the recipient holds from then on: the given assertions."""
        for i in self.items:
            key = re.sub(r"^[a-z]+://", "", i.value)
            yield Said(vendor=i.vendor, n=i.n, kind=i.kind, value=i.value, key=key, match=i.match, red=(i.value, i.match, {}), role=i.role, labels=i.labels, threat=i.threat,
                       confidence=i.confidence, first_seen=i.first_seen, last_seen=i.last_seen, valid_from=i.valid_from, valid_until=i.valid_until, tlp=i.tlp, pap=i.pap,
                       purposes=i.purposes, facts=i.facts, asn=i.asn, provider=i.provider, references=i.references, description=i.description, description_red=i.description,
                       description_counts={}, producer=i.producer, source_id=i.source.source_id if i.keeps_id else None, feed=self.ag.id, hops=[(self.ag.provider, self.ag.reference)], onward=self.ag.to, delete_by=i.delete_by,
                       must_not=i.must_not)


# ---------------------------------------------------------------- reading what indicia made

def bracket(host):
    inner = host[1:-1] if host.startswith("[") else host
    inner = inner.replace(":", "\0").replace(".", "[.]").replace("\0", "[:]")
    return f"[{inner}]" if host.startswith("[") else inner


def defang(kind, value):
    if kind == "url":
        scheme, rest = value.split("://", 1)
        host, slash, path = rest.partition("/")
        return f"{scheme.replace('http', 'hxxp')}://{bracket(host)}{slash}{path}"
    if kind == "endpoint":
        host, port = value.rsplit(":", 1)
        return f"{bracket(host)}:{port}"
    return bracket(value)


class Node:
    def __init__(self, tag, attrs=()):
        self.tag, self.attrs, self.children = tag, dict(attrs), []

    def all(self, tag, cls=None):
        for c in self.children:
            if isinstance(c, Node):
                if c.tag == tag and (cls is None or cls in (c.attrs.get("class") or "").split()):
                    yield c
                yield from c.all(tag, cls)

    def one(self, tag, cls=None):
        return next(self.all(tag, cls), None)

    def text(self, without=()):
        parts = [c if isinstance(c, str) else "" if (c.attrs.get("class") or "") in without else c.text(without) for c in self.children]
        return " ".join("".join(parts).split())


class Page(HTMLParser):
    """A page as a tree."""
    VOID = {"meta", "br", "rect", "link", "img", "hr"}

    def __init__(self, text):
        super().__init__()
        self.root = Node("root")
        self.stack = [self.root]
        self.loads = [m for m in re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', text) if not m.startswith("#")]
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        node = Node(tag, attrs)
        self.stack[-1].children.append(node)
        if tag not in self.VOID or (tag == "rect" and not self.get_starttag_text().endswith("/>")):
            self.stack.append(node)

    def handle_startendtag(self, tag, attrs):
        self.stack[-1].children.append(Node(tag, attrs))

    def handle_endtag(self, tag):
        if any(n.tag == tag for n in self.stack[1:]):
            while self.stack.pop().tag != tag:
                pass

    def handle_data(self, data):
        self.stack[-1].children.append(data)

    def table(self, caption, whole=False):
        for t in self.root.all("table"):
            c = t.one("caption")
            if c and (c.text() == caption if whole else c.text().startswith(caption)):
                return [[*(d for d in row.children if isinstance(d, Node) and "barcol" not in (d.attrs.get("class") or ""))] for row in t.one("tbody").all("tr")]
        return None

    def section(self, id_):
        return next(s for s in self.root.all("section") if s.attrs.get("aria-labelledby") == id_)


def csv_rows(path):
    with open(path, "rb") as f:
        data = f.read()
    differ(path + ": begins with a BOM and ends lines with CRLF", (data[:3] == b"\xef\xbb\xbf", b"\n" in data.replace(b"\r\n", b"")), (True, False))
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def projected(record):
    """A record of indicators.jsonl as something that can be compared; without ids."""
    c, t = record["contexts"][0], record["target"]
    c = dict(c)
    return freeze({k: c.get(k) for k in ("role", "threat", "confidence", "first_seen", "last_seen", "valid_from", "valid_until", "tlp", "pap", "asn", "provider", "description", "producer", "feed")} |
                  {"target": [t["kind"], t["value"], t["match"]], "labels": c.get("labels", []), "purposes": sorted(c.get("purposes", [])), "facts": sorted(map(freeze, c.get("countries", []))),
                   "references": c.get("references", []), "hops": c.get("hops"), "extra": c.get("extra")})


def freeze(x):
    return json.dumps(x, sort_keys=True)


def expected(item, ag, now):
    a = item.source
    hops = [dict(who=ag.provider, when=now, agreement=ag.reference, action="redact")]
    if item.keeps_id:
        hops[0]["action"] = "create"
    for who, reference in a.hops or []:
        # What was given without the name stays without it; a giver who may be named is withheld under must-not.
        hops.insert(0, dict(who="withheld", action=a.given) if item.must_not else dict(who=who, when=SHARED, agreement=reference, action=a.given))
    onward, to = ag.onward, ag.to
    handling = dict(agreement=ag.reference, onward=onward, attribution="must-not" if item.must_not else ag.attribution, delete_by=item.delete_by, action=item.action)
    if onward == "listed":
        handling["onward_to"] = to
    extra = dict(handling=handling)
    if item.government:
        extra["government"] = ""
    get = lambda k: item.get(k)
    return freeze({k: get(k) for k in ("role", "threat", "confidence", "first_seen", "last_seen", "valid_from", "valid_until", "tlp", "pap", "asn", "provider", "description", "producer")} |
                  {"feed": ag.id, "target": [item.kind, item.value, item.match], "labels": item.labels, "purposes": item.purposes, "facts": sorted(map(freeze, item.facts)),
                   "references": item.references, "hops": hops, "extra": extra})


def group(n):
    return f"{n:,}"


def compare_package(folder, package, counter, agreement_sha, summary, ledger_lines, notices=()):
    """Every file of a package with the books. Gives the ids of the items, by assertion."""
    ag, items, now, at = package.ag, package.items, package.now, os.path.basename(folder)
    path = lambda name: os.path.join(folder, name)
    read = lambda name: open(path(name), encoding="utf-8", newline="").read()
    n = len(items)
    actions, roles, kinds = Counter(i.action for i in items), Counter(i.role for i in items), Counter(i.kind for i in items)
    government = [i for i in items if i.government]

    # What the command printed.
    differ(at + ": summary", {k: summary.get(k) for k in ("agreement", "recipient", "counter", "released", "notices", "withheld", "removed", "carried")},
           dict(agreement=ag.reference, recipient=ag.recipient, counter=counter, released=n, notices=len(notices), withheld=dict(package.withheld), removed=dict(package.removed), carried=len(package.carried)))

    # The manifest.
    manifest_bytes = open(path("manifest.json"), "rb").read()
    manifest = json.loads(manifest_bytes)
    strictest = lambda chosen, name, order: max((i[name] for i in chosen if i[name]), key=order.index, default=None)
    tlp, pap = strictest(items, "tlp", TLP), strictest(items, "pap", PAP)
    differ(at + ": manifest", {k: manifest.get(k) for k in ("from", "to", "agreement", "counter", "created", "valid_until", "tlp", "pap", "type")},
           {"from": ag.provider, "to": ag.recipient, "agreement": dict(id=ag.id, version=ag.version, sha256=agreement_sha), "counter": counter, "created": now,
            "valid_until": min(days_after(now, 90), ag.ends), "tlp": tlp, "pap": pap, "type": "indicators"})
    differ(at + ": digest of the manifest", summary["manifest"], hashlib.sha256(manifest_bytes).hexdigest())
    for entry in manifest["files"]:
        data = open(path(entry["path"]), "rb").read()
        differ(f"{at}: manifest of {entry['path']}", (entry["length"], entry["sha256"]), (len(data), hashlib.sha256(data).hexdigest()))
    lists = {}
    fits = [i for i in items if ag.sidecar or i.tlp == "clear"]
    names = [i for i in fits if i.action == "block" and i.kind == "domain"]
    addresses = [i for i in fits if i.action == "block" and i.kind in ("ipv4", "ipv6")]
    detect = [i for i in fits if i.action in ("block", "detect") and i.kind != "endpoint"]  # Zeek has no type for endpoints
    for name, chosen in (("block-names.rpz", names), ("block-addresses.txt", addresses), ("detect.zeek.intel", detect)):
        if chosen:
            lists[name] = chosen
    handled = list({i.n: i for chosen in lists.values() for i in chosen}.values()) if ag.sidecar else []
    if handled:
        lists["lists-handling.csv"] = handled
    files = {"READ-ME-FIRST.txt", "report.html", "for-people.csv", "response.csv", "indicators.jsonl", "bundle.stix.json", "event.misp.json", *lists}
    if notices:
        files.add("notices.jsonl")
    differ_bags(at + ": files", [(e["path"], e.get("tlp")) for e in manifest["files"]], [(f, None if f == "notices.jsonl" else strictest(lists.get(f, items), "tlp", TLP)) for f in files])
    differ_bags(at + ": folder", os.listdir(folder), list(files) + ["manifest.json", "manifest.json.minisig"])

    # READ-ME-FIRST.txt
    text = read("READ-ME-FIRST.txt")
    counted = ", ".join(f"{actions[a]} to {a}" for a in ACTIONS if actions[a])
    are = "One item is" if n == 1 else f"{n} items are"
    differ(at + ": READ-ME-FIRST.txt", re.findall(r"^(.* in this package.*?)\r$", text, re.M), [f"{are} in this package{': ' + counted if counted else ''}."])
    differ(at + ": READ-ME-FIRST.txt, government", re.findall(r"^(\w+) (?:items?|hosts?) .*government", text, re.M), [str(len(government)) if len(government) > 1 else "One"] if government else [])
    differ(at + ": READ-ME-FIRST.txt, package", f"Package {counter} of agreement {ag.reference}, made {now}, counts until {min(days_after(now, 90), ag.ends)}." in text, True)

    # indicators.jsonl, and with it the ids.
    records = [json.loads(line) for line in read("indicators.jsonl").splitlines()]
    differ_bags(at + ": indicators.jsonl", [projected(r) for r in records], [expected(i, ag, now) for i in items])
    by_row = defaultdict(list)
    for i in items:
        by_row[expected(i, ag, now)].append(i)
    ids = {}
    for r in records:
        same = by_row.get(projected(r))
        if same:
            ids[r["contexts"][0]["source_id"]] = same.pop()
    differ(at + ": ids that differ", len({r["contexts"][0]["source_id"] for r in records}), n)
    differ(at + ": ids that are kept", [id for id, i in ids.items() if i.keeps_id != (id == i.source.source_id)], [])

    # for-people.csv, response.csv
    rows = csv_rows(path("for-people.csv"))
    value_port = lambda i: (bracket(i.value.rsplit(":", 1)[0]), i.value.rsplit(":", 1)[1]) if i.kind == "endpoint" else (defang(i.kind, i.value), "")
    mark = lambda i: " ".join(filter(None, [f"TLP:{i.tlp.upper()}", i.pap and f"PAP:{i.pap.upper()}"]))
    def people(i, id):
        return (i.action, *value_port(i)[:1], i.kind, value_port(i)[1], i.role, i.threat or "", i.first_seen or "", i.last_seen or "", " ".join(sorted({f["code"] for f in i.facts})),
                " ".join(sorted({f["basis"] for f in i.facts})), i.provider or "", f"AS{i.asn}" if i.asn else "", "yes" if i.government else "", mark(i),
                " ".join(i.purposes), i.delete_by, id)
    unsafe = lambda row: tuple(cell.lstrip("'") for cell in row)
    spelled = lambda row: (*row[:14], " ".join(sorted(row[14].split())), *row[15:])
    differ_bags(at + ": for-people.csv", [spelled(unsafe(r)) for r in rows[1:]], [people(i, id) for id, i in ids.items()])
    differ(at + ": for-people.csv, order of actions", [r[0] for r in rows[1:]], sorted((r[0] for r in rows[1:]), key=ACTIONS.index))
    rows = csv_rows(path("response.csv"))
    differ_bags(at + ": response.csv", [unsafe(r) for r in rows[1:]], [(id, ":".join(filter(None, value_port(i))), "") for id, i in ids.items()])

    # STIX and MISP
    objects = json.loads(read("bundle.stix.json")).get("objects", [])
    marks = {o["id"]: o.get("name") or json.dumps(o.get("definition", o.get("extensions"))) for o in objects if o["type"] == "marking-definition"}
    indicators = [o for o in objects if o["type"] == "indicator"]
    differ_bags(at + ": bundle.stix.json", [(o["id"], o["valid_from"][:19], (o.get("valid_until") or "")[:19], sorted(re.findall(r"TLP:[A-Z+]+", " ".join(marks[m].upper() for m in o["object_marking_refs"])))[0],
                                             sum(1 for _ in o["object_marking_refs"])) for o in indicators],
                [(id, (i.valid_from or i.first_seen or now)[:19], (i.valid_until or "")[:19], f"TLP:{i.tlp.upper()}", 1 + bool(i.pap)) for id, i in ids.items()])
    attributes = json.loads(read("event.misp.json"))["Event"].get("Attribute", [])
    def misp_type(i):
        if i.kind == "endpoint":
            return "hostname|port" if i.value[0].isalpha() else "ip-dst|port"
        return {"ipv4": "ip-dst", "ipv6": "ip-dst", "url": "url", "domain": "hostname" if i.match == "exact" else "domain"}[i.kind]
    differ_bags(at + ": event.misp.json", [(x["uuid"], x["type"], x["to_ids"], next(t["name"] for t in x["Tag"] if t["name"].startswith("tlp:")), x["comment"]) for x in attributes],
                [(id.split("--")[1], misp_type(i), i.role != "compromised", f"tlp:{i.tlp}", i.description or "") for id, i in ids.items()])

    # Lists for machines
    if names:
        differ_bags(at + ": block-names.rpz", [l.split()[0] for l in read("block-names.rpz").splitlines() if " CNAME " in l],
                    [x for i in names for x in ([i.value, "*." + i.value] if i.match == "subdomains" else [i.value])])
    if addresses:
        differ_bags(at + ": block-addresses.txt", read("block-addresses.txt").split(), [i.value for i in addresses])
    if detect:
        differ_bags(at + ": detect.zeek.intel", [l.split("\t")[0] for l in read("detect.zeek.intel").splitlines()[1:]], [re.sub("^https?://", "", i.value) for i in detect])
    if handled:
        of = {i.n: id for id, i in ids.items()}
        differ_bags(at + ": lists-handling.csv", [(unsafe(r)[0], *unsafe(r)[1:2], *r[3:]) for r in csv_rows(path("lists-handling.csv"))[1:]], [(i.value, mark(i), i.delete_by, of.get(i.n)) for i in handled])

    compare_report(at, Page(read("report.html")), package, counter, ids, tlp, pap)

    # The ledger
    events = defaultdict(list)
    for line in ledger_lines:
        if line.get("agreement") == ag.reference and line["time"] == now:
            events[line["event"]].append(line)
    differ(at + ": ledger, withheld", Counter(r for e in events["withhold"] for r in e["reasons"]), package.withheld)
    differ_bags(at + ": ledger, reasons", [tuple(sorted(e["reasons"])) for e in events["withhold"]], [why for _, why in package.held])
    digest = {r["contexts"][0]["source_id"]: hashlib.sha256(line.encode()).hexdigest() for r, line in zip(records, read("indicators.jsonl").splitlines())}
    differ_bags(at + ": ledger, shared", [(e["item"], e["projection"], e.get("role"), e.get("delete_by")) for e in events["share"]], [(id, digest[id], i.role, i.delete_by) for id, i in ids.items()])
    differ(at + ": ledger, package", [(e["counter"], e["manifest"], e["released"], e["withheld"]) for e in events["package"]], [(counter, summary["manifest"], n, dict(package.withheld))])
    return ids


def compare_report(at, page, package, counter, ids, tlp, pap):
    ag, items, now = package.ag, package.items, package.now
    n = len(items)
    at += ": report.html"
    cell = lambda d, without=("sub",): d.text(without)
    number = lambda d: int(d.text().replace(",", ""))
    table = lambda caption: {cell(r[0]): number(r[1]) for r in page.table(caption) or []}
    differ(at + ", loads nothing", page.loads, [])
    government = [i for i in items if i.government]
    countries, hosts, bases = Counter(), Counter(), Counter()
    for i in items:
        countries.update({f["code"] for f in i.facts})
        bases.update({(f["code"], f["basis"]) for f in i.facts})
        if i.asn or i.provider:
            hosts[(i.asn, i.provider)] += 1
    figures = [number(d) for d in page.root.one("dl", "figures").all("dd")] if n else []
    differ(at + ", figures", figures, [n, len(government), len(countries), len(hosts)] if n else [])
    differ(at + ", by role", table("By role"), {NAMES_OF_ROLES[r]: c for r, c in Counter(i.role for i in items).items()})
    differ(at + ", by kind", table("By kind"), {NAMES_OF_KINDS[k]: c for k, c in Counter(i.kind for i in items).items()})
    differ(at + ", by action", table("By recommended action"), dict(Counter(i.action for i in items)))
    said = {}
    for d in page.root.all("dl", "actions"):
        for div in d.all("div"):
            said[div.one("span", "do").text()] = (div.one("span", "howmany").text(), sorted(div.one("dd").one("span", "sub").text().split(", ")))
    count = lambda n, one: f"{group(n)} {one if n == 1 else one + 's'}"
    books = {}
    for a in {i.action for i in items}:
        of = Counter(i.role for i in items if i.action == a)
        books[a] = (count(sum(of.values()), "item"), sorted(f"{NAMES_OF_ROLES[r]}: {group(c)}" for r, c in of.items()))
    differ(at + ", actions", said, books)
    name = lambda c: f"{COUNTRIES[c]} ({c})"
    differ(at + ", countries", {cell(r[0]): (number(r[1]), sorted(r[0].one("span", "sub").text().split(", "))) for r in page.table("Items by country") or []},
           {name(c): (k, sorted(f"{WORDS_OF_BASES[b]}: {group(m)}" for (d, b), m in bases.items() if d == c)) for c, k in countries.items()})
    shown = [(cell(r[0]), r[0].one("span", "sub").text() if r[0].one("span", "sub") else "", number(r[1])) for r in page.table("Items by hosting provider") or []]
    all_hosts = [((p, f"AS{a}" if a else "") if p else (f"AS{a}", "")) + (k,) for (a, p), k in hosts.items()]
    keep = len(hosts) if len(hosts) <= 31 else 30
    differ(at + ", providers", [s[2] for s in shown], sorted((h[2] for h in all_hosts), reverse=True)[:keep])
    differ(at + ", providers by name", list((Counter(shown) - Counter(all_hosts)).elements()), [])
    if items:
        where = page.section("where").text()
        rest = sorted((h[2] for h in all_hosts), reverse=True)[keep:]
        differ(at + ", more providers", re.findall(r"Not shown: ([\d,]+) more providers with ([\d,]+) items", where), [(group(len(rest)), group(sum(rest)))] if rest else [])
        without = lambda k, what: [group(k)] if k else []
        differ(at + ", without country", re.findall(r"([\d,]+) items? names? no country", where), without(sum(1 for i in items if not i.facts), ""))
        differ(at + ", without provider", re.findall(r"([\d,]+) items? names? no hosting", where), without(sum(1 for i in items if not (i.asn or i.provider)), ""))
        compare_timeline(at, page, [i.first_seen for i in items if i.first_seen], sum(1 for i in items if not i.first_seen))
    # The tables of items
    covers = {"exact": "", "subdomains": " and every name below it", "prefix": " and everything under it"}
    last = max((i.delete_by for i in items), default=None)
    known = {id: i for id, i in ids.items()}
    def row(i, id):
        host = ", ".join(filter(None, [i.provider, f"AS{i.asn}" if i.asn else ""]))
        places = ", ".join(name(c) for c in sorted({f["code"] for f in i.facts}))
        seen = [i.first_seen and day(i.first_seen) or "not stated", i.last_seen and day(i.last_seen) or "not stated"]
        return (defang(i.kind, i.value), NAMES_OF_KINDS[i.kind] + covers[i.match], id, NAMES_OF_ROLES[i.role], i.threat or "", i.action, i.government, day(i.delete_by) if day(i.delete_by) != day(last) else "",
                places or ("" if host else "not stated"), host, *seen, f"{i.confidence['value']} of 100" if i.confidence else "not stated", f"TLP:{i.tlp.upper()} {'PAP:' + i.pap.upper() if i.pap else 'no PAP'}")
    rows = []
    for r in page.table("Items, the first" if n > 2000 else "Items", whole=n <= 2000) or []:
        subs = [s.text() for s in r[2].all("span", "sub")]
        when = re.findall(r"\d+ [A-Z][a-z]{2} \d{4}|not stated", r[4].text())
        sub = lambda d: d.one("span", "sub").text() if d.one("span", "sub") else ""
        place = cell(r[3], ("sub",))
        rows.append((r[0].one("code").text(), sub(r[0]), r[0].one("span", "id").text(), cell(r[1]), sub(r[1]), r[2].one("span", "do").text(), "government" in subs,
                     next((s[10:] for s in subs if s.startswith("delete by")), ""), place, sub(r[3]), *when, r[5].text(), re.sub("(no PAP|PAP)", r" \1", r[6].text()).replace("  ", " ")))
    order = sorted(known.items(), key=lambda x: (not x[1].government, ACTIONS.index(x[1].action), [-ord(c) for c in (x[1].last_seen or x[1].first_seen or " ")], ORDER[x[1].kind], x[1].value, x[0]))
    differ(at + ", number of items", len(rows), min(n, 2000))
    for a, b in zip(rows, [row(i, id) for id, i in order[:2000]]):
        if a != b:
            differ(at + ", first item that differs", a, b)
            break
    if n > 2000:
        rest = Counter(i.action for _, i in order[2000:])
        differ(at + ", items not shown", re.findall(r"([\d,]+) to (notify|block|detect|search)", page.section("items").text()), [(group(rest[a]), a) for a in ACTIONS if rest[a]])
    sites = page.table("Government sites") or []
    differ_bags(at + ", government", [(r[0].one("code").text(), r[0].one("span", "id").text(), r[2].one("span", "do").text()) for r in sites], [(defang(i.kind, i.value), id, i.action) for id, i in ids.items() if i.government])
    # That something quotes what stays is for the provider alone to know.
    differ(at + ", taken out", table("Pieces taken out"), {k.replace("-", " "): v for k, v in package.removed.items() if k != "quotes-withheld"})
    level = page.root.one("div", "level")
    differ(at + ", marking", [s.text() for s in level.all("span", "tlp")], [f"TLP:{tlp.upper()}"] + ([f"PAP:{pap.upper()}"] if pap else []) if tlp else ["TLP:CLEAR"])
    about = {d.text(): v.text() for d, v in zip(page.section("about").all("dt"), page.section("about").all("dd"))}
    differ(at + ", package number", (about["Package number"], about["From"], about["To"], about["Agreement"]), (str(counter), ag.provider, ag.recipient, ag.reference))
    differ(at + ", delete by", re.findall(r"Delete by ?(\d+ \w+ \d+), with", page.root.one("div", "handling").text()), [day(last)] if last else [])


def compare_timeline(at, page, times, without):
    times.sort()
    if not times:
        return
    places = [int(t[:4]) * 12 + int(t[5:7]) - 1 for t in times]
    ordinals = [datetime.strptime(t[:10], "%Y-%m-%d").toordinal() for t in times]
    edge = len(times) // 100
    by_day = ordinals[-1 - edge] - ordinals[edge] < 92
    label = (lambda p: day(datetime.fromordinal(p).strftime("%Y-%m-%dT"))) if by_day else (lambda p: f"{MONTHS[p % 12]} {p // 12}")
    where, most = (ordinals, 92) if by_day else (places, 72)
    low, high = where[edge], where[-1 - edge]
    start = max(low, high - most + 1)
    until = max(p for p in where if p < start + most)
    start = min(p for p in where if p > until - most)
    bars = Counter(p for p in where if start <= p <= until)
    section = page.section("when")
    said = {r.one("title").text() for r in section.all("rect")}
    differ(at + ", bars of time", said, {f"{label(p)}: {group(k)}" for p, k in bars.items()})
    differ(at + ", time in words", section.one("desc").text(), " ".join(f"{label(p)}: {group(k)}." for p, k in sorted(bars.items())))
    tallest = max(bars.values())
    names = [label(p) for p in sorted(bars) if bars[p] == tallest]
    differ(at + ", tallest bar", [f"The tallest bar is {names[0]} with {group(tallest)} item{'' if tallest == 1 else 's'}." in section.text()], [True])
    outside = [(sum(1 for p in where if p < start), "earlier"), (sum(1 for p in where if p > until), "later"), (without, "day")]
    differ(at + ", not drawn", [int(x.replace(",", "")) for x in re.findall(r"([\d,]+) items? (?:first seen (?:earlier|later)|without a day)", section.text())], [k for k, _ in outside if k])


def check_chain(path):
    """The ledger's lines, after their hashes have been worked out again."""
    lines, head = [], "0" * 64
    for number, line in enumerate(open(path, "rb").read().splitlines(), 1):
        body, at = json.loads(line), line.rindex(b',"hash":"')
        good = (body["n"], body["prev"], body["hash"]) == (number, head, hashlib.sha256(line[:at] + b"}").hexdigest())
        if not good:
            differ(f"{path}: chain at line {number}", False, True)
        head = body["hash"]
        lines.append(body)
    return lines


# ---------------------------------------------------------------- the story

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--indicia", required=True)
    p.add_argument("--scale", type=float, default=1)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--work", help="keep everything in this folder, which is emptied first")
    p.add_argument("--record", help="append the result to this file")
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = os.path.abspath(args.work or temporary)
        if args.work:
            shutil.rmtree(work, ignore_errors=True)
            os.makedirs(work)
        result = play(args, work)
    print(json.dumps(result))
    if args.record:
        with open(args.record, "a") as f:
            f.write(json.dumps(result) + "\n")
    sys.exit(1 if result["differences"] else 0)


def play(args, work):
    stages, work_of = defaultdict(float), defaultdict(float)
    used = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    binary = os.path.abspath(args.indicia)
    path = lambda *parts: os.path.join(work, *parts)

    def run(stage, *command, want=0, out=None):
        began, before = time.monotonic(), used()
        done = subprocess.run([binary, *command], capture_output=True, text=True, cwd=work)
        stages[stage] += time.monotonic() - began
        work_of[stage] += used() - before
        if done.returncode != want:
            differ("exit of indicia " + " ".join(command)[:200], [done.returncode, done.stderr[:500]], [want])
        if out:
            with open(out, "w") as f:
                f.write(done.stdout)
        return done

    objects = lambda done: [json.loads(line) for line in done.stdout.splitlines()]
    began = time.monotonic()
    made = Made(args.seed, args.scale)
    first, second = agreements()
    parties = sorted({a.provider for a in first.values()} | {a.recipient for a in [*first.values(), *second.values()]})
    keys = {}
    for who in parties:
        run("keys", "keygen", "--no-passphrase", "-o", who)
        keys[who] = open(path(who + ".pub")).read().splitlines()[1]
    for folder in ("companies", "countries", "renewed"):
        os.makedirs(path(folder))
    sha = {}

    def write(ag, folder):
        text = ag.toml(keys)
        name = os.path.join(folder, f"{ag.id}-{ag.version}.toml")
        with open(path(name), "w") as f:
            f.write(text)
        sha[ag.reference] = hashlib.sha256(text.encode()).hexdigest()
        return name

    files = {v: write(a, "companies") for v, a in first.items()}
    files.update({c: write(a, "countries") for c, a in second.items()})
    for v in "abc":
        with open(path(f"feed-{v}.jsonl"), "w") as f:
            f.writelines(line + "\n" for line in made.lines(v))
    checked = run("agreements", "agreement", "check", "companies", "countries")
    seconds_making = time.monotonic() - began

    # Hop 1: each company to the body.
    body_said, companies, ids_of = [], {}, {}
    for v, ag in first.items():
        extra = ["--tlp", "green"] if v == "c" else []
        if extra:
            for a in made.feeds["c"]:
                a.tlp = max(a.tlp or "green", "green", key=TLP.index)
        package = Books(made.feeds[v]).under(ag, SHARED)
        companies[v] = package
        done = run("hop 1: share", "share", "--agreement", files[v], "--ledger", f"ledger-{v}", "--key", ag.provider + ".key", "--as-of", SHARED, *extra, "-o", "to-body", f"feed-{v}.jsonl")
        folder = path("to-body", f"{ag.id}-v1")
        summary = objects(done)[0]
        run("hop 1: receive", "receive", "--agreement", files[v], "--key", ag.provider + ".pub", "--state", "state-body", "--as-of", SHARED, folder, out=path(f"from-{v}.jsonl"))
        ids_of[v] = compare_package(folder, package, 1, sha[ag.reference], summary, check_chain(path(f"ledger-{v}")))
        differ(f"what the body received from {v}", open(path(f"from-{v}.jsonl")).read(), open(os.path.join(folder, "indicators.jsonl")).read())
        # What comes with it is what the next hop must go by.
        for said, item in zip(package.arrived(), package.items):
            said.given = "create" if item.keeps_id else "redact"
            body_said.append(said)
    count_of = lambda role: len({(i.kind, i.value, i.match) for p_ in companies.values() for i in p_.items if i.role == role})
    differ("C2 that reach the body", count_of("c2"), made.some(8800))
    differ("sites that reach the body", count_of("compromised"), made.some(270))

    # Hop 2: the body to eight countries. One company consents to three items for Malaysia and Viet Nam.
    amber = [s for s in body_said if s.vendor == "a" and s.tlp == "amber" and s.role == "c2" and any(f["code"] == "VN" and f["strength"] == "strong" for f in s.facts)][:3]
    agreed = {s.n for s in amber}
    by_n = {i.n: id for id, i in ids_of["a"].items()}
    second["VN"]["consents"] = [dict(who="vendor-a.example", when="2017-04-21T00:00:00Z", items=[by_n[n] for n in sorted(agreed)], tlp="green", books=lambda a: a.n in agreed and a.vendor == "a")] if agreed else []
    files["VN"] = write(second["VN"], "countries")
    books = Books(body_said)
    packages = {c: books.under(ag, GIVEN) for c, ag in second.items()}
    given = ["share", "--agreement", "countries", "--ledger", "ledger-body", "--key", BODY + ".key"]
    feeds = [f"from-{v}.jsonl" for v in "abc"]
    dry = run("dry run", *given, "--as-of", GIVEN, "--dry-run", "-o", "plan.json", *feeds)
    differ("a dry run writes no ledger and no package", [os.path.exists(path("ledger-body")), os.path.exists(path("to-countries"))], [False, False])
    done = run("hop 2: share", *given, "--plan", "plan.json", "-o", "to-countries", *feeds)
    summaries = {s["recipient"]: s for s in objects(done)}
    differ("recipients of hop 2", sorted(summaries), sorted(a.recipient for a in second.values()))
    lines = check_chain(path("ledger-body"))
    compare_plan(json.load(open(path("plan.json"))), packages, [{k: v for k, v in s.items() if k != "package"} for s in objects(dry)], [{k: v for k, v in s.items() if k != "package"} for s in objects(done)])
    for c, ag in second.items():
        folder = path("to-countries", f"{ag.id}-v1")
        run("hop 2: receive", "receive", "--agreement", files[c], "--key", BODY + ".pub", "--state", f"state-{c}", "--as-of", TAKEN, folder, out=path(f"at-{c}.jsonl"))
        ids_of[c] = compare_package(folder, packages[c], 1, sha[ag.reference], summaries[ag.recipient], lines)
        differ(f"what {c} received", open(path(f"at-{c}.jsonl")).read(), open(os.path.join(folder, "indicators.jsonl")).read())
        whole = "".join(open(os.path.join(folder, f), errors="replace").read() for f in os.listdir(folder)).lower()
        differ(f"names of companies in the package of {c}", re.findall(r"vendor-[abc]\.example|vendor-[abc]-body|a\.lim@|k\.wong|siti\.aminah|ministry\.example/", whole), [])
    differ("lines of the body's ledger", len(lines), 1 + sum(len(x.items) + len(x.held) + 1 for x in packages.values()))
    verified = run("ledger verify", "ledger", "verify", "ledger-body")
    differ("ledger verify", objects(verified)[0]["lines"], len(lines))

    # What must be refused: one byte changed, and the same package once more.
    shutil.copytree(path("to-countries", "body-id-v1"), path("tampered"))
    with open(path("tampered", "for-people.csv"), "r+b") as f:
        f.seek(1000)
        byte = f.read(1)
        f.seek(1000)
        f.write(bytes([byte[0] ^ 1]))
    for name, folder, code in (("a byte changed", "tampered", "[replay]"), ("received twice", os.path.join("to-countries", "body-id-v1"), "[replay]")):
        refused = run("refused", "receive", "--agreement", files["ID"], "--key", BODY + ".pub", "--state", "state-ID", "--as-of", TAKEN, folder, want=2)
        differ(f"refused: {name}", [code in refused.stderr, refused.stdout], [True, ""])
    refused = run("refused", "receive", "--agreement", files["ID"], "--key", BODY + ".pub", "--state", "state-new", "--as-of", TAKEN, "tampered", want=2)
    differ("refused: a byte changed, not received before", ["[file-changed]" in refused.stderr, refused.stdout], [True, ""])

    back = answers(run, path, made, first, second, files, packages, ids_of, objects)
    taken_back = revocation(run, path, first, second, files, packages, ids_of, objects, sha)
    renewed = renewal(run, path, second, files, books, packages, ids_of, objects, write, sha, feeds, taken_back.pop("said"))

    hops = sum(s for name, s in stages.items() if name.startswith("hop"))
    processor = sum(s for name, s in work_of.items() if name.startswith("hop"))
    if hops >= 10:
        differ("seconds of both hops", round(hops, 2), "less than 10")
    return {
        "date": time.strftime("%Y-%m-%d"), "bench": "handover", "scale": args.scale, "seed": args.seed,
        "assertions_made": sum(len(f) for f in made.feeds.values()), "c2": count_of("c2"), "compromised": count_of("compromised"),
        "hop_1": {v: dict(released=len(x.items), withheld=dict(sorted(x.withheld.items())), carried=len(x.carried)) for v, x in companies.items()},
        "hop_2": {c: dict(released=len(x.items), actions=dict(Counter(i.action for i in x.items)), government=sum(1 for i in x.items if i.government),
                          withheld=dict(sorted(x.withheld.items())), carried=len(x.carried)) for c, x in packages.items()},
        "consented": len(agreed & {i.n for i in packages["VN"].items}), "answers": back, "taken_back": taken_back, "renewed": renewed,
        "seconds": {k: round(v, 2) for k, v in stages.items()}, "seconds_both_hops": round(hops, 2), "processor_seconds": {k: round(v, 2) for k, v in work_of.items()},
        "processor_seconds_both_hops": round(processor, 2), "seconds_making": round(seconds_making, 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10, "differences": differences,
    }


def compare_plan(plan, packages, dry, done):
    differ("summaries of the dry run and of the plan carried out", dry, done)
    differ("plan: agreements", sorted(x["agreement"]["id"] for x in plan["packages"]), sorted(p.ag.id for p in packages.values()))
    for c, package in packages.items():
        planned = next(x for x in plan["packages"] if x["agreement"]["id"] == package.ag.id)
        at = f"plan for {c}"
        differ(at, (planned["released"], planned["withheld"], planned["counter"]), (len(package.items), dict(package.withheld), 1))
        differ_bags(at + ": items", [(x["kind"], x["value"], x["action"], freeze(x["removed"])) for x in planned["items"]], [(i.kind, i.value, i.action, freeze(i.removed)) for i in package.items])
        differ_bags(at + ": held", [(x["kind"], x["value"], x.get("producer"), x["feed"], tuple(sorted(x["reasons"]))) for x in planned["held"]], [(a.kind, a.value, a.producer, a.feed, why) for a, why in package.held])
        value_of = {x["item"]: (x["kind"], x["value"]) for x in planned["items"]}
        differ_bags(at + ": carried", [(*value_of[item], value) for item, value in planned["carried"]], [(k[0], k[1], r[1] if r[0] != "url" else None) for k, r in package.carried])


def answers(run, path, made, first, second, files, packages, ids_of, objects):
    """Three countries answer; the body passes on to each company what concerns that company's items."""
    r, given, sent = random.Random(7), [], Counter()
    for c in ("ID", "SG", "MM"):
        ag = second[c]
        rows = csv_rows(path("to-countries", f"{ag.id}-v1", "response.csv"))
        rows[0] += ["time", "count"]
        for row in rows[1:]:
            item = ids_of[c].get(row[0])
            if item is None or r.random() > .3:
                continue
            status = r.choice(["notified", "taken-down"] if item.role == "compromised" else ["sighting", "sighting", "false-positive", "taken-down"])
            row[2] = status
            when, how_often = ("2017-05-08T00:00:00Z", str(r.randrange(1, 50))) if c == "ID" else ("", "")
            row += [when[:10], how_often]
            given.append((c, row[0], item, status, when or None, int(how_often) if how_often else None))
            sent[status] += 1
        with open(path(f"response-{c}.csv"), "w", newline="", encoding="utf-8-sig") as f:
            csv.writer(f, delimiter=";" if c == "SG" else ",").writerows(rows)
        done = run("answers", "feedback", "--agreement", files[c], "--key", ag.recipient + ".key", "--as-of", ANSWERED, "-o", f"answers-{c}", f"response-{c}.csv")
        n = sum(1 for g in given if g[0] == c)
        differ(f"answers of {c}", objects(done)[0]["answers"], n)
        folder = path(f"answers-{c}", f"{ag.id}-v1-answers")
        run("answers", "receive", "--agreement", files[c], "--key", ag.recipient + ".pub", "--state", "state-body", "--as-of", ANSWERED, folder, out=path(f"answered-{c}.jsonl"))
        got = [json.loads(line) for line in open(path(f"answered-{c}.jsonl"))]
        differ_bags(f"answers of {c} as received", [(x["item"], x["status"], x.get("time"), x.get("count"), x["from"]) for x in got], [(id, s, t, k, ag.recipient) for d, id, _, s, t, k in given if d == c])
    passed = {}
    for v, ag in first.items():
        # Nothing of others, nothing about victims, only what the company takes; who answered does not show.
        books = {(item.n, s, t, k) for _, _, item, s, t, k in given if item.vendor == v and item.action != "notify" and s in ag.accept and s != "notified"}
        left = sum(1 for _, _, item, s, t, k in given if not (item.vendor == v and item.action != "notify" and s in ag.accept and s != "notified"))
        done = run("answers", "feedback", "--agreement", files[v], "--key", BODY + ".key", "--ledger", "ledger-body", "--as-of", BACK, "-o", f"back-{v}", *[f"answered-{c}.jsonl" for c in ("ID", "SG", "MM")])
        differ(f"answers for {v}", objects(done)[0]["answers"], len(books))
        differ(f"answers not for {v}", re.findall(r"([\d,]+) answers? not passed on", done.stderr), [group(left)])
        folder = path(f"back-{v}", f"{ag.id}-v1-answers")
        run("answers", "receive", "--agreement", files[v], "--key", BODY + ".pub", "--state", f"state-{v}", "--as-of", BACK, folder, out=path(f"back-{v}.jsonl"))
        got = [json.loads(line) for line in open(path(f"back-{v}.jsonl"))]
        differ_bags(f"answers at {v}", [(ids_of[v][x["item"]].n if x["item"] in ids_of[v] else x["item"], x["status"], x.get("time"), x.get("count"), x["from"]) for x in got], [(*b, BODY) for b in books])
        passed[v] = len(books)
    return {"given": dict(sent), "passed_on": passed}


def revocation(run, path, first, second, files, packages, ids_of, objects, sha):
    """A company takes an item back; the notice goes to all who have it, also under the agreement that has ended."""
    in_thailand = {i.n for i in packages["TH"].items if i.vendor == "a"}
    both = in_thailand & {i.n for c, x in packages.items() if c != "TH" for i in x.items}
    n = min(both or in_thailand)
    theirs = next(id for id, i in ids_of["a"].items() if i.n == n)
    run("taken back", "revoke", "--ledger", "ledger-a", "--key", "vendor-a.example.key", "--as-of", REVOKED, "--id", theirs, "--reason", "false-positive", "-o", "revoked-a")
    got = run("taken back", "receive", "--agreement", files["a"], "--key", "vendor-a.example.pub", "--state", "state-body", "--as-of", REVOKED, path("revoked-a", "vendor-a-body-v1"))
    differ("notice at the body", objects(got), [dict(item=theirs, revoked=True, reason="false-positive")])
    ours = sorted({line["item"] for line in check_chain(path("ledger-body")) if line["event"] == "share" and line.get("source_id") == theirs})
    differ("the body's ids of the item", ours, sorted({id for c in packages for id, i in ids_of[c].items() if i.n == n}))
    done = run("taken back", "revoke", "--ledger", "ledger-body", "--key", BODY + ".key", "--as-of", REVOKED, *[x for id in ours for x in ("--id", id)], "--reason", "false-positive", "-o", "revoked")
    who = sorted(c for c, x in packages.items() if any(i.n == n for i in x.items))
    differ("who gets the notice", sorted((s["recipient"], s["notices"], s["released"]) for s in objects(done)), sorted((second[c].recipient, 1, 0) for c in who))
    for c in who:
        folder = path("revoked", f"{second[c].id}-v1")
        differ(f"notice for {c}: files", sorted(os.listdir(folder)), ["READ-ME-FIRST.txt", "manifest.json", "manifest.json.minisig", "notices.jsonl"])
        got = run("taken back", "receive", "--agreement", files[c], "--key", BODY + ".pub", "--state", f"state-{c}", "--as-of", REVOKED, folder)
        differ(f"notice at {c}", objects(got), [dict(item=ours[0], revoked=True, reason="false-positive")])
        differ(f"notice for {c}: READ-ME-FIRST.txt", f"One item that you got from {BODY} under agreement {second[c].id} is taken back." in open(os.path.join(folder, "READ-ME-FIRST.txt"), newline="").read(), True)
    again = run("taken back", "revoke", "--ledger", "ledger-body", "--key", BODY + ".key", "--as-of", REVOKED, "--id", ours[0], "--reason", "false-positive", "-o", "revoked-again", want=1)
    differ("a second notice", again.stdout, "")
    return {"told": who, "ended_agreement_among_them": "TH" in who, "said": n}


def renewal(run, path, second, files, books, packages, ids_of, objects, write, sha, feeds, revoked):
    """Malaysia's agreement is renewed with more in it; Thailand's has ended."""
    later = days_after(REVOKED, 2)
    old = second["MY"]
    new = Agreement({**old, "version": 2, "supersedes": "body-my@1", "begins": "2017-05-20T00:00:00Z", "ends": "2019-01-01T00:00:00Z", "tlp": "amber", "client": True,
                     "basis": ["hosting", "victim", "statement"], "days": 730, "sidecar": True})
    write(old, "renewed")
    new_file = write(new, "renewed")
    shutil.copy(path(files["TH"]), path("renewed"))
    for a in (a for all_ in books.records.values() for a in all_ if a.n == revoked):
        a.revoked = True
    firsts = {(old.recipient, i.n): GIVEN for i in packages["MY"].items}
    package, ended = books.under(new, later, firsts), books.under(second["TH"], later)
    done = run("renewal", "share", "--agreement", "renewed", "--ledger", "ledger-body", "--key", BODY + ".key", "--as-of", later, "-o", "renewed-out", *feeds)
    said = {s["agreement"]: s for s in objects(done)}
    differ("agreements after the renewal", sorted(said), ["body-my@2", "body-th@1"])
    differ("the agreement that has ended", {k: said["body-th@1"].get(k) for k in ("released", "counter", "package", "withheld")}, dict(released=0, counter=0, package=None, withheld=dict(ended.withheld)))
    differ("folders after the renewal", os.listdir(path("renewed-out")), ["body-my-v2"])
    folder = path("renewed-out", "body-my-v2")
    counter = max([l["counter"] for l in check_chain(path("ledger-body")) if l["event"] == "package" and l["agreement"].startswith("body-my@") and l["time"] < later], default=0) + 1
    ids = compare_package(folder, package, counter, sha[new.reference], said["body-my@2"], check_chain(path("ledger-body")))
    of = {i.n: id for id, i in ids_of["MY"].items()}
    differ("ids of items that went out before", [id for id, i in ids.items() if i.n in of and of[i.n] != id], [])
    run("renewal", "receive", "--agreement", new_file, "--key", BODY + ".pub", "--state", "state-MY", "--as-of", later, folder)
    return {"released": len(package.items), "released_before": len(packages["MY"].items), "withheld": dict(sorted(package.withheld.items())), "ended_released": len(ended.items)}


if __name__ == "__main__":
    main()
