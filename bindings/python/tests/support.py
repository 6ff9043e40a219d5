"""Shared by the tests: where the vectors are, a folder that goes away, a small set of documentation values."""

import json
import pathlib
import tempfile
import unittest

import indicia

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
VECTORS = REPOSITORY / "tests" / "vectors"

FEED = """\
indicator,type,source,confidence,labels,tlp,role,first_seen
bad.example,domain,a,80,loader,amber,c2,2017-10-12
192.0.2.0/24,cidr,a,20,scan,green,scanner,
198.51.100.7:443,endpoint,b,,,,,
http://evil.example/x,url,b,,,red,phishing,
d41d8cd98f00b204e9800998ecf8427e,md5,b,,,,,
2001:db8::7,ipv6,c,,,,,
"""


def rows(name):
    with open(VECTORS / name, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


class InFolder(unittest.TestCase):
    """A test with a folder of its own, and a set made of FEED."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def set(self, text=FEED, **options):
        return indicia.IndicatorSet.from_feeds([self.file("feed.csv", text)], **options)
