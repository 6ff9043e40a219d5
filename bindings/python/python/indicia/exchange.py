"""Sharing under agreements: the decision with its reasons, signed packages, answers.

    >>> from indicia import exchange
    >>> agreement = exchange.Agreement.open("vendor-body-2017.toml")        # doctest: +SKIP
    >>> exchange.decide(record, agreement, None, "2017-11-02")              # doctest: +SKIP
    Withhold(reasons=['tlp-above-ceiling'])

Times are `datetime`, `date` or text (RFC 3339; UTC where no zone is named); None is now. Failures raise
`indicia.ExchangeError`; a refused package has `.detail`, such as `replay` or `file-changed`.
"""

from __future__ import annotations

import json as _json
import os as _os
from collections.abc import Iterable as _Iterable
from collections.abc import Mapping as _Mapping
from dataclasses import dataclass as _dataclass
from datetime import date as _date
from datetime import datetime as _datetime
from typing import Any as _Any
from typing import NamedTuple as _NamedTuple

from indicia import _indicia
from indicia._indicia import Agreement, Indicator, Ledger
from indicia.errors import ExchangeError

__all__ = [
    "Agreement",
    "ExchangeError",
    "Feedback",
    "Item",
    "Keys",
    "Ledger",
    "Projection",
    "Received",
    "Share",
    "Shared",
    "Withhold",
    "decide",
    "feedback",
    "keygen",
    "plan",
    "receive",
    "revoke",
    "share",
    "withheld_reasons",
]

_Path = str | _os.PathLike[str]
_Paths = _Path | _Iterable[_Path]
_Time = str | _date | _datetime | None
_Record = Indicator | _Mapping[str, _Any] | str


@_dataclass(frozen=True, slots=True)
class Item:
    """One released assertion, as the recipient gets it."""

    id: str
    """`indicator--` and a UUID: what both sides call it."""
    record: Indicator
    """One context, redacted."""
    action: str
    """`notify`, `block`, `detect` or `search`."""
    government: str | None
    """The country whose government the host belongs to; empty where that is no country."""
    delete_by: str | None
    """When the recipient must have deleted it, RFC 3339."""
    removed: dict[str, int]
    """What redaction took out, by class."""


@_dataclass(frozen=True, slots=True)
class Projection:
    """The form in which a record goes out."""

    items: tuple[Item, ...]
    """One for each assertion that goes out."""
    withheld: tuple[tuple[int, tuple[str, ...]], ...]
    """The contexts that stay, by place, with the reasons. For the provider alone."""


@_dataclass(frozen=True, slots=True)
class Share:
    """It goes out, in this form."""

    projection: Projection


@_dataclass(frozen=True, slots=True)
class Withhold:
    """It stays."""

    reasons: list[str]
    """Stable codes; `withheld_reasons()` explains them."""


@_dataclass(frozen=True, slots=True)
class Shared:
    """What came of sharing under one agreement."""

    agreement: str
    """`id@version`."""
    recipient: str
    package: str | None
    """The folder; None where nothing goes out, and in a plan."""
    counter: int
    manifest: str
    """SHA-256 of the manifest: its first 16 digits are read out over the telephone."""
    released: int
    notices: int
    withheld: dict[str, int]
    """Assertions that stay, by reason; one with two reasons counts for both."""
    withheld_by_rule: dict[str, int]
    removed: dict[str, int]
    """What redaction took out, by class."""
    carried: int
    """Released values that hold withheld ones, as a URL does its host."""


@_dataclass(frozen=True, slots=True)
class Received:
    """What a package brought."""

    manifest: dict[str, _Any]
    records: tuple[Indicator, ...]
    notices: tuple[dict[str, _Any], ...]
    """`{"item", "revoked", "reason"}`: stop using these."""
    answers: tuple[dict[str, _Any], ...]
    """`{"item", "status", "time"?, "count"?, "from"}`."""


@_dataclass(frozen=True, slots=True)
class Feedback:
    """What came of answering."""

    package: str | None
    """The folder; None where there is no answer."""
    answers: int
    bad: tuple[dict[str, _Any], ...]
    """Rows that are not taken: `{"path", "line", "what"}`."""
    left_out: int
    """Answers that are not passed on: other givers', about victims, or not taken there."""


class Keys(_NamedTuple):
    """A pair of keys on disk."""

    secret: str
    public: str
    key: str
    """The public key as agreements name it: `RW…`."""


def decide(
    record: _Record, agreement: Agreement, ledger: Ledger | None = None, now: _Time = None
) -> Share | Withhold:
    """Decides whether a record may be shared, in which form, and if not, why not. Pure: nothing is written."""
    answer = _json.loads(_indicia._decide(_text(record), agreement, ledger, now))
    if "withhold" in answer:
        return Withhold(answer["withhold"])
    items = tuple(
        Item(**{**item, "record": _indicia._indicator(_json.dumps(item["record"]))}) for item in answer["items"]
    )
    return Share(Projection(items, tuple((n, tuple(codes)) for n, codes in answer["withheld"])))


def withheld_reasons() -> dict[str, tuple[str, str]]:
    """Every reason to withhold: from its code to its rule and a sentence."""
    return {code: (rule, sentence) for code, rule, sentence in _indicia._withheld_reasons()}


def share(
    agreements: _Paths,
    feeds: _Paths,
    key: _Path,
    output: _Path,
    *,
    ledger: _Path | None = None,
    as_of: _Time = None,
    passphrase: str | None = None,
    plan: _Path | None = None,
    producer: str | None = None,
    tlp: str | None = None,
    pap: str | None = None,
    country_mmdb: _Path | None = None,
    asn_mmdb: _Path | None = None,
    anycast: _Path | None = None,
) -> list[Shared]:
    """Makes one signed package for each agreement, in `output/<agreement id>-v<version>/`.

    `agreements` are files or folders; `plan` is a file that `plan()` wrote: exactly that is made, at its time, or
    `ExchangeError` names what changed. A feed that cannot be read is an error here.
    """
    answer = _indicia._share(
        _paths(agreements), _paths(feeds), key, output,
        ledger=ledger, as_of=as_of, passphrase=passphrase, dry_run=False, plan=plan,
        producer=producer, tlp=tlp, pap=pap, country_mmdb=country_mmdb, asn_mmdb=asn_mmdb, anycast=anycast,
    )  # fmt: skip
    return _summaries(answer)


def plan(
    agreements: _Paths,
    feeds: _Paths,
    key: _Path,
    output: _Path,
    *,
    ledger: _Path | None = None,
    as_of: _Time = None,
    passphrase: str | None = None,
    producer: str | None = None,
    tlp: str | None = None,
    pap: str | None = None,
    country_mmdb: _Path | None = None,
    asn_mmdb: _Path | None = None,
    anycast: _Path | None = None,
) -> list[Shared]:
    """Writes to the file `output` what `share` would make, what would stay, and why. It is for the provider alone."""
    answer = _indicia._share(
        _paths(agreements), _paths(feeds), key, output,
        ledger=ledger, as_of=as_of, passphrase=passphrase, dry_run=True, plan=None,
        producer=producer, tlp=tlp, pap=pap, country_mmdb=country_mmdb, asn_mmdb=asn_mmdb, anycast=anycast,
    )  # fmt: skip
    return _summaries(answer)


def receive(package: _Path, agreement: _Path, key: _Path, state: _Path, as_of: _Time = None) -> Received:
    """Checks a package before a byte of it is parsed, takes it, and notes in `state` that it came."""
    answer = _json.loads(_indicia._receive(package, agreement, key, state, as_of))
    records = tuple(_indicia._indicator(_json.dumps(record)) for record in answer["records"])
    return Received(answer["manifest"], records, tuple(answer["notices"]), tuple(answer["answers"]))


def revoke(
    ledger: _Path,
    key: _Path,
    items: str | _Iterable[str],
    reason: str,
    output: _Path,
    *,
    as_of: _Time = None,
    passphrase: str | None = None,
) -> list[Shared]:
    """Makes notices for everybody who got one of the items. `reason` is one word, such as `false-positive`."""
    ids = [items] if isinstance(items, str) else list(items)
    return _summaries(_indicia._revoke(ledger, key, ids, reason, output, as_of, passphrase))


def feedback(
    agreement: _Path,
    key: _Path,
    files: _Paths,
    output: _Path,
    *,
    ledger: _Path | None = None,
    as_of: _Time = None,
    passphrase: str | None = None,
) -> Feedback:
    """Makes a package of answers from filled `response.csv` files, or, with the ledger, from received answers."""
    answer = _json.loads(_indicia._feedback(agreement, key, _paths(files), output, ledger, as_of, passphrase))
    return Feedback(answer["package"], answer["answers"], tuple(answer["bad"]), answer["left_out"])


def keygen(name: _Path, passphrase: str | None) -> Keys:
    """Makes `NAME.key` and `NAME.pub`. Without a passphrase whoever has the file can sign."""
    secret, public, key = _indicia._keygen(name, passphrase)
    return Keys(_os.fspath(secret), _os.fspath(public), key)


def _text(record: _Record) -> str:
    if isinstance(record, str):
        return record
    if isinstance(record, Indicator):
        return record.to_json()
    return _json.dumps(record)


def _paths(paths: _Paths) -> list[_Path]:
    return [paths] if isinstance(paths, (str, _os.PathLike)) else list(paths)


def _summaries(answer: str) -> list[Shared]:
    fields = {"package": None}
    return [Shared(**{**fields, **summary}) for summary in _json.loads(answer)]
