"""Worlds in which a job runs: another time of the clock, another zone, no network. Each changes the process it is called in."""

from __future__ import annotations

import datetime as dt
import locale
import os
import socket
import sys
import time
from typing import Any


def clock() -> None:
    """Let the clock say what ``TEST_NOW`` names (ISO, UTC)."""
    moment = dt.datetime.fromisoformat(os.environ["TEST_NOW"]).replace(tzinfo=dt.UTC)
    seconds, own = moment.timestamp(), dt.datetime

    class Kind(type):
        def __instancecheck__(cls, one: Any) -> bool:
            return isinstance(one, own)

    class Fixed(own, metaclass=Kind):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return own.fromtimestamp(seconds, tz)

        @classmethod
        def utcnow(cls) -> dt.datetime:
            return moment.replace(tzinfo=None)

    dt.datetime = Fixed  # type: ignore[misc]
    time.time = lambda: seconds
    time.time_ns = lambda: int(seconds * 10**9)


def zone() -> None:
    """Take over what ``TZ`` says."""
    time.tzset()


def language() -> None:
    """Take over what ``LC_ALL`` says; it must be there."""
    locale.setlocale(locale.LC_ALL, "")


def threads() -> None:
    """Let tables be made by as many threads as ``TEST_THREADS`` says."""
    import pyarrow as pa

    pa.set_cpu_count(int(os.environ["TEST_THREADS"]))


def no_network() -> None:
    """Refuse every connection and every name that is looked up."""

    def refuse(event: str, _: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind", "socket.sendto"):
            raise AssertionError(f"the network was used: {event}")

    sys.addaudithook(refuse)
    try:
        socket.getaddrinfo("example.org", 80)
    except AssertionError:
        return
    raise AssertionError("the network is not shut")
