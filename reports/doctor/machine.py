"""What the machine has: the packages of the lock, the font, room on the disk, time zones."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reports import fonts
from reports.doctor.findings import MEND, WARN, Finding, finding
from survey.store.place import path_of

if TYPE_CHECKING:
    from survey import Study

LOCK = Path(__file__).resolve().parents[2] / "requirements" / "lock.txt"
PROJECT = "cohesion-workbench"
PLENTY, LEAST = 5 * 2**30, 2**29  # bytes: what a large wave needs; less than what any does
ZONE = "Asia/Shanghai"
SHOWN = 5  # packages that are named
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+?))?\s*\\?")


def findings(study: Study | None) -> Iterator[Finding]:
    """Look at the packages, the font, the disk and the time zones."""
    yield from _packages()
    if not fonts.there():
        yield finding(WARN, "no_font")
    yield from _disk()
    zone = study.settings.time_zone if study else ZONE
    try:
        ZoneInfo(zone)
    except ZoneInfoNotFoundError:
        yield finding(MEND, "no_zones", zone=zone)


def locked(text: str) -> dict[str, str]:
    """Give the versions that a lock wants on this machine, by name."""
    from packaging.markers import Marker

    pins = [match for line in text.splitlines() if (match := _PIN.fullmatch(line.strip()))]
    return {p["name"]: p["version"] for p in pins if p["marker"] is None or Marker(p["marker"]).evaluate()}


def _packages() -> Iterator[Finding]:
    if not LOCK.is_file():
        yield finding(WARN, "no_lock")
        return
    wanted = locked(LOCK.read_text("utf-8"))
    there = {name: _version(name) for name in wanted}
    needed = _needed()
    for names, level in (
        ([n for n, v in there.items() if v is None and n in needed], MEND),
        ([n for n, v in there.items() if v is None and n not in needed], WARN),
    ):
        if names:
            yield finding(level, "package_missing", names=_few(names))
    other = [f"{n} {v} ≠ {wanted[n]}" for n, v in there.items() if v not in (None, wanted[n])]
    if other:
        yield finding(WARN, "package_other", names=_few(other))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _needed() -> set[str]:
    """Packages that the project names itself, without those for its development."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = [Requirement(line) for line in metadata.requires(PROJECT) or ()]
    return {
        str(canonicalize_name(one.name)) for one in lines if one.marker is None or one.marker.evaluate({"extra": ""})
    }


def _few(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def _disk() -> Iterator[Finding]:
    base = path_of("any").parent
    place = next(p for p in (base, *base.parents) if p.is_dir())
    free = shutil.disk_usage(place).free
    if free < PLENTY:
        yield finding(MEND if free < LEAST else WARN, "disk_low", free=_size(free), least=_size(PLENTY))


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GB"
