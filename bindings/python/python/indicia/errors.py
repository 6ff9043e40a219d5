"""The exceptions. Each has the number and the slug of the one table that all languages share (`reasons()`)."""

from __future__ import annotations

__all__ = ["Error", "ExchangeError", "FeedError", "InternalError", "ParseError", "SetError", "SetNotFoundError"]


class Error(Exception):
    """What all exceptions of indicia have in common."""

    code: int
    """The stable number: `indicia_status` in C."""
    reason: str
    """The stable slug, such as `ipv4-leading-zero`."""

    def __init__(self, message: str = "", code: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


class ParseError(Error, ValueError):
    """A value was refused by the grammar of its kind. The message never contains the value."""


class FeedError(Error):
    """A feed could not be read."""


class SetError(Error, OSError):
    """A set could not be read or written. `errno` and `filename` are those of the system where it said why."""


class SetNotFoundError(SetError, FileNotFoundError):
    """There is no such set file."""


class ExchangeError(Error):
    """Something about sharing failed: an agreement, a key, a ledger, or a package that is refused."""

    detail: str
    """For a refused package, why: `signature`, `replay`, `file-changed` …; else the same as `reason`."""

    def __init__(self, message: str = "", code: int = 0, reason: str = "", detail: str = "") -> None:
        super().__init__(message, code, reason)
        self.detail = detail or reason


class InternalError(Error):
    """A fault of indicia was caught. Report what led to it."""
