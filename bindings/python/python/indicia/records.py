"""Plain records: parts of a context, reasons to doubt a hit, what came of reading feeds."""

from __future__ import annotations

import datetime as _datetime
from dataclasses import dataclass as _dataclass
from typing import TypedDict as _TypedDict

__all__ = [
    "Confidence",
    "Country",
    "FailedFeed",
    "FileReport",
    "Guard",
    "Hop",
    "LoadReport",
    "Refusal",
    "SetInfo",
]


@_dataclass(frozen=True, slots=True)
class Guard:
    """One reason to doubt a hit."""

    rule: str
    """`private`, `loopback`, `public-suffix`, `empty-file`, `warninglist` …"""
    source: str
    """Where the rule comes from: a registry, a list's name and version."""


@_dataclass(frozen=True, slots=True)
class Confidence:
    """How sure a producer is."""

    value: int | float
    scale: str | None = None
    """The scale that the value is on; None means 0-100."""
    source: str | None = None
    """Where it comes from: a field's name, a taxonomy."""


@_dataclass(frozen=True, slots=True)
class Country:
    """A country as a fact about the target, with what the fact rests on."""

    code: str
    """ISO 3166-1 alpha-2, upper case."""
    basis: str | None = None
    """What it rests on: `hosting`, `cctld`, `victim`, `registrant`, `statement`."""
    evidence: str | None = None
    """The evidence: a database and its version, a report."""
    date: _datetime.datetime | None = None
    """When it was so."""
    strength: str | None = None


@_dataclass(frozen=True, slots=True)
class Hop:
    """One station on the way of a context."""

    who: str
    when: _datetime.datetime | None = None
    agreement: str | None = None
    action: str | None = None


@_dataclass(frozen=True, slots=True)
class Refusal:
    """A value or record of a feed that was refused."""

    place: str
    """`line 4`, or a path into a document such as `objects[3]`."""
    code: int
    reason: str
    raw: str
    """The text, cut short, control characters escaped: safe to show."""


@_dataclass(frozen=True, slots=True)
class FileReport:
    """What was read of one file or member of an archive, and what was not."""

    name: str
    format: str | None
    records: int
    """Records that were looked at."""
    indicators: int
    """Indicators that were handed on."""
    other: int
    """Of these, those carried as kind `other`."""
    refused: dict[str, int]
    """Values and records that were refused, by reason."""
    examples: tuple[Refusal, ...]
    """The first refusals."""
    skipped: dict[str, int]
    """What was passed over on purpose, by what it was."""
    retyped: int
    """Values read as another kind than the source says."""
    recoded: int
    """Lines or documents that were not UTF-8."""
    repaired: dict[str, int]
    """Mistakes of the document that were repaired, by what they were."""


@_dataclass(frozen=True, slots=True)
class FailedFeed:
    """A feed, or a part of one, that could not be read."""

    name: str
    code: int
    reason: str
    message: str


@_dataclass(frozen=True, slots=True)
class LoadReport:
    """What came of reading feeds: `IndicatorSet.from_feeds(…).report`."""

    files: tuple[FileReport, ...]
    failed: tuple[FailedFeed, ...]
    """Empty unless `allow_failed` was given."""
    not_read: tuple[tuple[str, str | None], ...]
    """Files of a format that is recognised but not read (named), or not recognised (None)."""
    skipped: int
    """README, LICENSE and dot-files that were passed over."""
    left_out_by_role: int
    """Contexts left out because they name somebody to notify, or a role that was not asked for."""
    not_for_detection: int
    """Contexts left out because their source says that they are not for detection."""
    other: int
    """Indicators of kind `other`: kept, never matched."""
    public_suffixes: int
    """Names listed with everything below that are public suffixes: matched exactly only."""


class SetInfo(_TypedDict):
    """What a set says of itself."""

    profile: str
    """The profile that its values were brought into canonical form by."""
    public_suffixes: str
    """The version of the Public Suffix List."""
    kinds: dict[str, int]
    """Indicators by kind."""
    feeds: dict[str, int]
    """Contexts by feed."""
    indicators: int
    contexts: int
