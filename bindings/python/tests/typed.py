"""Not run: what a user writes, for mypy --strict."""

import datetime
import ipaddress
from pathlib import Path

import indicia


def found(made: indicia.IndicatorSet, data: bytes) -> dict[str, list[str]]:
    by_feed: dict[str, list[str]] = {}
    for hit in made.scan(data, roles=["c2"], as_of=datetime.datetime.now(datetime.timezone.utc), warninglists=Path("x")):
        for context in hit.contexts:
            when: datetime.datetime | None = context.first_seen
            if when is not None and context.tlp == "red":
                by_feed.setdefault(context.feed or "", []).append(hit.value)
    return by_feed


def asked(path: Path) -> int:
    made = indicia.IndicatorSet.open(path)
    hits: list[indicia.Hit] = made.lookup(ipaddress.IPv4Address("192.0.2.7"), port=443, max_tlp="amber")
    report = made.report
    return len(hits) + (0 if report is None else sum(file.indicators for file in report.files))


def first(text: str) -> indicia.Extraction | None:
    return next(indicia.extract(memoryview(text.encode()), kinds=["ipv4"]), None)


def decided(record: indicia.Indicator, agreement: indicia.exchange.Agreement) -> list[str]:
    decision = indicia.exchange.decide(record, agreement, None, datetime.date(2017, 11, 2))
    if isinstance(decision, indicia.exchange.Withhold):
        return decision.reasons
    return [item.id for item in decision.projection.items]
