"""Find threat indicators in data.

    >>> import indicia
    >>> indicia.parse("hxxps://Bad[.]Example/%7Ea").value
    'https://bad.example/~a'
    >>> [e.value for e in indicia.extract("beacon to cdn[.]bad[.]example from 192.0.2.7")]
    ['cdn.bad.example', '192.0.2.7']

`IndicatorSet.from_feeds` compiles feeds, `IndicatorSet.open` opens a compiled set; `scan`, `scan_file` and
`lookup` ask it. All classes are immutable and may be shared between threads; the interpreter's lock is released
while data is read.
"""

from indicia import exchange
from indicia._indicia import (
    Context,
    Extraction,
    ExtractionIterator,
    Hit,
    HitIterator,
    Indicator,
    IndicatorIterator,
    IndicatorSet,
    Observable,
    ScanOptions,
    __version__,
    defang,
    extract,
    kinds,
    normalize,
    parse,
    reasons,
    refang,
    use_tables,
)
from indicia.errors import Error, ExchangeError, FeedError, InternalError, ParseError, SetError, SetNotFoundError
from indicia.records import (
    Confidence,
    Country,
    FailedFeed,
    FileReport,
    Guard,
    Hop,
    LoadReport,
    Refusal,
    SetInfo,
)

__all__ = [
    "Confidence",
    "Context",
    "Country",
    "Error",
    "ExchangeError",
    "Extraction",
    "ExtractionIterator",
    "FailedFeed",
    "FeedError",
    "FileReport",
    "Guard",
    "Hit",
    "HitIterator",
    "Hop",
    "Indicator",
    "IndicatorIterator",
    "IndicatorSet",
    "InternalError",
    "LoadReport",
    "Observable",
    "ParseError",
    "Refusal",
    "ScanOptions",
    "SetError",
    "SetInfo",
    "SetNotFoundError",
    "__version__",
    "defang",
    "exchange",
    "extract",
    "kinds",
    "normalize",
    "parse",
    "reasons",
    "refang",
    "use_tables",
]
