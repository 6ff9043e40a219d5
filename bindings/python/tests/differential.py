"""indicia against Python's `ipaddress` and the package `idna`, on random texts.

`python differential.py [ROUNDS [SEED]]`: texts are made of the pieces that decide. Where the two answer differently, the
difference must be one of those explained here; anything else is printed and makes the exit status 1. The counts of each
explained difference are printed, so that one that has vanished is seen.
"""

import collections
import ipaddress
import random
import sys
import unicodedata

import idna
import indicia

DIFFERENCES = {
    "ipv4: /32": "indicia reads a network of one address as the address",
    "ipv6: zone": "ipaddress keeps a zone, default@1 refuses it",
    "ipv6: brackets": "default@1 takes the brackets of a URL off",
    "ipv6: /128": "indicia reads a network of one address as the address",
    "cidr: netmask": "ipaddress takes a netmask or hostmask for the prefix length",
    "cidr: no prefix": "ipaddress takes an address alone as a network",
    "cidr: leading zero": "ipaddress takes leading zeros in a prefix length",
    "cidr: brackets": "default@1 takes the brackets of a URL off",
    "cidr: zone": "ipaddress keeps a zone, default@1 refuses it",
    "domain: own rule": "default@1 wants two labels, none that ends with a hyphen, no number at the end",
    "domain: IDNA 2008": "idna refuses code points and contexts that UTS 46 takes",
    "domain: hyphens": "idna refuses hyphens at the start and in the third and fourth place",
    "domain: underscore": "idna refuses underscores",
    "domain: Bidi": "idna looks at the labels that have right-to-left letters, RFC 5893 at all labels of their name",
    "domain: A-label": "idna takes A-labels that UTS 46 would not write (`xn---com`)",
    "domain: Unicode": "the tables of idna are of another Unicode version",
}


def value(kind: str, text: str):
    try:
        return indicia.parse(text, kind=kind, refang="off").value
    except indicia.ParseError as error:
        return error


def trimmed(text: str) -> str:
    return text.strip(" \t\n\r")


def ipv4(text: str):
    ours = value("ipv4", text)
    try:
        theirs = str(ipaddress.IPv4Address(trimmed(text)))
    except ValueError:
        theirs = None
    if isinstance(ours, str) and theirs is None and text.endswith("/32"):
        return "ipv4: /32"
    return None if theirs == (ours if isinstance(ours, str) else None) else (ours, theirs)


def ipv6(text: str):
    ours = value("ipv6", text)
    try:
        theirs = ipaddress.IPv6Address(trimmed(text))
    except ValueError:
        theirs = None
    if isinstance(ours, str) and theirs is None:
        if text.startswith("["):
            return "ipv6: brackets"
        if text.endswith("/128"):
            return "ipv6: /128"
    if not isinstance(ours, str):
        if theirs is not None and theirs.scope_id is not None:
            return "ipv6: zone"
        return None if theirs is None else (ours, theirs)
    # The mixed form of mapped addresses is written by Python from 3.13 on: the addresses are compared.
    return None if theirs is not None and ipaddress.IPv6Address(ours) == theirs else (ours, theirs)


def cidr(text: str):
    ours = value("cidr", text)
    try:
        theirs = ipaddress.ip_network(trimmed(text), strict=False)
    except ValueError:
        theirs = None
    if isinstance(ours, str):
        if theirs is None and text.startswith("["):
            return "cidr: brackets"
        return None if theirs is not None and ipaddress.ip_network(ours) == theirs else (ours, theirs)
    if theirs is None:
        return None
    address, slash, length = trimmed(text).partition("/")
    if not slash:
        return "cidr: no prefix"
    if "%" in address:
        return "cidr: zone"
    if "." in length:
        return "cidr: netmask"
    if len(length) > 1 and length.startswith("0"):
        return "cidr: leading zero"
    return (ours, theirs)


def domain(text: str):
    ours = value("domain", text)
    try:
        theirs = idna.encode(text, uts46=True, std3_rules=False, transitional=False).decode().rstrip(".")
        problem = None
    except (idna.IDNAError, UnicodeError) as error:
        theirs, problem = None, error
    if isinstance(ours, str):
        if theirs is not None:
            return None if ours == theirs.lower() else (ours, theirs)
        if "_" in ours:
            return "domain: underscore"
        if isinstance(problem, (idna.InvalidCodepoint, idna.InvalidCodepointContext)):
            return "domain: IDNA 2008"
        if isinstance(problem, idna.IDNABidiError):
            return "domain: Unicode"
        if "yphen" in str(problem):
            return "domain: hyphens"
        if "not allowed" in str(problem) or "Invalid A-label" in str(problem):
            return "domain: IDNA 2008"
        return (ours, problem)
    if theirs is None:
        return None
    last = theirs.rsplit(".", 1)[-1]
    if "." not in theirs or any(label.endswith("-") for label in theirs.split(".")) or last.isdigit():
        return "domain: own rule"
    if last.startswith("0x"):
        return "domain: own rule"
    # A label that begins with a digit beside one that is written from right to left.
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in text):
        return "domain: Bidi"
    if "xn--" in theirs and "xn--" in text.lower():
        return "domain: A-label"
    return (ours, theirs)


PIECES = {
    ipv4: ["0", "1", "9", "25", "255", "256", "01", "00", ".", ".", ".", ".", "/32", " ", "a", "-", "\u0661"],
    ipv6: ["0", "1", "f", "FFFF", "12345", "::", ":", ":", ":", ":", "1.2.3.4", "1.2.3.04", "%e", "[", "]", "/128", "ffff"],
    cidr: ["0", "10", "255", "1.2.3.4", "192.0.2.77", "2001:db8::", "::ffff:1.2.3.4", "/", "/", "8", "33", "024", "128",
           "129", "255.255.0.0", ".", ":", "[", "]", "%1", "-1"],
    domain: ["a", "B", "bad", "Example", "com", ".", ".", ".", "-", "xn--", "xn--fa-hia", "\u00fc", "\u00df", "\u03c2",
             "\u3002", "\u4f8b", "\u0627", "\u05d0", "\u0931", "\u094d", "\u200d", "1", "0x1", "_", "\u00ad", "\ufb01", "\u212a"],
}


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    explained = collections.Counter()
    wrong = 0
    for compare, pieces in PIECES.items():
        for _ in range(rounds):
            text = "".join(dice.choices(pieces, k=dice.randint(1, 9)))
            found = compare(text)
            if isinstance(found, str):
                explained[found] += 1
            elif found is not None:
                wrong += 1
                if wrong <= 20:
                    print(f"{compare.__name__} {text!r}: indicia {found[0]!r}, the other {found[1]!r}")
    for name, count in sorted(explained.items()):
        print(f"{count:8} {name}: {DIFFERENCES[name]}")
    print(f"{rounds} texts of each of {len(PIECES)} kinds, {wrong} differences that nothing explains")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
