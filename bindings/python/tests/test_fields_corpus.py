"""extract(fields=True) over real logs, beside what plain column reads in Python give.

INDICIA_SHARED names the folder with corpus/; without it the test is skipped.
"""

import gzip
import ipaddress
import json
import os
import pathlib
import unittest

import indicia

SHARED = os.environ.get("INDICIA_SHARED")
LINES = 4_000
# Where the port of a host stands, which can be an address, too.
PORTS = {
    "id.orig_h": "id.orig_p",
    "id.resp_h": "id.resp_p",
    "host": "id.resp_p",
    "server_name": "id.resp_p",
    "src_ip": "src_port",
    "dest_ip": "dest_port",
    "http.hostname": "dest_port",
    "tls.sni": "dest_port",
}
NAMES = {"query", "server_name", "host", "http.hostname", "tls.sni", "dns.rrname", "dns.query.rrname"}


def zeek(lines):
    """(line number, line, cells by name) of a Zeek TSV log."""
    names, types = [], []
    for number, line in enumerate(lines):
        if line.startswith("#fields"):
            names = line.rstrip("\n").split("\t")[1:]
        elif line.startswith("#types"):
            types = line.rstrip("\n").split("\t")[1:]
        elif not line.startswith("#"):
            cells = dict(zip(names, ([cell] for cell in line.rstrip("\n").split("\t"))))
            kinds = dict(zip(names, types))
            yield number, line, {n: v for n, v in cells.items() if kinds[n] != "time" or n in NAMES}


def records(lines):
    """The same of JSON lines."""
    for number, line in enumerate(lines):
        if line.startswith("{"):
            cells = {}
            flatten("", json.loads(line), cells)
            yield number, line, cells


def flatten(name, value, cells):
    if isinstance(value, dict):
        for key, inner in value.items():
            flatten(f"{name}.{key}" if name else key, inner, cells)
    elif isinstance(value, list):
        for inner in value:
            flatten(name, inner, cells)
    else:
        cells.setdefault(name, []).append(str(value))


def address(text):
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


@unittest.skipUnless(SHARED, "INDICIA_SHARED is not set: real logs are not compared")
class Corpus(unittest.TestCase):
    def compare(self, path, read):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            lines = [line for line, _ in zip(file, range(LINES))]
        data = "".join(lines).encode("utf-8", "surrogateescape")
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line.encode("utf-8", "surrogateescape")))
        found = {}
        number = 0
        for e in indicia.extract(data, ["ipv4", "ipv6", "domain"], fields=True, nested=True):
            while starts[number + 1] <= e.start:
                number += 1
            found.setdefault((number, e.field), []).append(e)
        compared = 0
        for number, line, cells in read(lines):
            for name, values in cells.items():
                there = found.get((number, name), [])
                for value in values:
                    if (expected := address(value)) and value == expected:
                        ports = cells.get(PORTS.get(name), [None])
                        port = int(ports[0]) if ports[0] and ports[0].isdigit() and ports[0] != "0" else None
                        seen = [(e.value, e.port) for e in there if e.kind != "domain"]
                        self.assertIn((expected, port), seen, f"{path}:{number + 1} {name}")
                        compared += 1
                    elif name in NAMES:
                        # What is a name is one by itself, too.
                        alone = {e.value for e in indicia.extract(value, ["domain"]) if e.raw == value}
                        self.assertLessEqual(alone, {e.value for e in there}, f"{path}:{number + 1} {name} {value!r}")
                        compared += len(alone)
        return compared

    def test_zeek(self):
        logs = pathlib.Path(SHARED, "corpus", "logs")
        compared = sum(self.compare(path, zeek) for path in sorted(logs.glob("zeek-tsv/*.log.gz")))
        self.assertGreater(compared, 50_000)
        compared = sum(self.compare(path, records) for path in sorted(logs.glob("zeek-json/*.json.gz")))
        self.assertGreater(compared, 20_000)

    def test_eve(self):
        logs = pathlib.Path(SHARED, "corpus", "logs", "crowdsec")
        eve = [path for path in sorted(logs.rglob("*.log")) if '"event_type":' in path.read_text(errors="replace")]
        self.assertGreater(len(eve), 0)
        self.assertGreater(sum(self.compare(path, records) for path in eve), 20)


if __name__ == "__main__":
    unittest.main()
