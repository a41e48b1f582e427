"""Damage to a file as it is written or stored: by the program that writes it, by editors, mail and bad disks."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from dataclasses import dataclass

from tests.survey.fuzz.forms import csv_bytes, zipped
from tests.survey.fuzz.nasty import NASTY
from tests.survey.fuzz.seeds import Seed, Table


@dataclass(frozen=True, slots=True)
class Mutated:
    """A file after its mutation.

    Attributes
    ----------
    name : str
        Of the mutation.
    data : bytes
        The file.
    table : list of list of str, optional
        What was written, where a table was written.
    delimiter : str
        Of a CSV file.
    sure : bool
        Whether the file must be accepted.
    raw : bool
        Whether the bytes were damaged as they stood.
    """

    name: str
    data: bytes
    table: Table | None = None
    delimiter: str = ","
    sure: bool = False
    raw: bool = False


# ---- CSV: how a program writes the same table --------------------------------------------------------------------------------


def rewritten(rng: random.Random, seed: Seed) -> Mutated:
    choice = rng.randrange(4)
    if choice == 0:
        end = rng.choice(("\r\n", "\r"))
        return Mutated(
            f"end {end!r}",
            csv_bytes(seed.table, seed.encoding, seed.delimiter, end),
            delimiter=seed.delimiter,
            sure=True,
        )
    if choice == 1:
        data = csv_bytes(seed.table, seed.encoding, seed.delimiter, quoting=csv.QUOTE_ALL)
        return Mutated("quote all", data, delimiter=seed.delimiter, sure=True)
    if choice == 2:
        encoding = rng.choice(
            ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "big5", "cp1252", "utf-8|gb18030", "gb18030|utf-8")
        )
        first, _, second = encoding.partition("|")
        data = csv_bytes(seed.table, first, seed.delimiter)
        data += csv_bytes(seed.table[seed.head :], second, seed.delimiter) if second else b""
        whole = encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16")
        return Mutated(f"encoding {encoding}", data, delimiter=seed.delimiter, sure=whole)
    sign = rng.choice((",", ";", "\t", "|", "，", ":"))
    if len(sign.encode()) > 1:
        text = "\n".join(sign.join(row) for row in seed.table) + "\n"
        return Mutated(f"delimiter {sign}", text.encode(seed.encoding), delimiter=sign)
    return Mutated(
        f"delimiter {sign!r}", csv_bytes(seed.table, seed.encoding, sign), delimiter=sign, sure=sign in ",\t"
    )


# ---- bytes -------------------------------------------------------------------------------------------------------------------

STRAY = (
    b"\0",
    b"\xef\xbb\xbf",
    b'"',
    b"'",
    b"\n",
    b"\r",
    b",",
    b";",
    b"\t",
    b"\xff",
    b"\x80",
    b"\x1a",
    b"\xe4",
    b" ",
    b"9",
    b"\xa3\xb4",
)


def _flip(rng: random.Random, data: bytearray) -> None:
    for _ in range(rng.choice((1, 1, 1, 1, 2, 8))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _overwrite(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    data[at : at + rng.choice((1, 1, 4, 16))] = rng.randbytes(rng.choice((1, 1, 4)))


def _truncate(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)) :]


def _insert(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(STRAY)


def _repeat_span(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    data[at:at] = data[at : at + rng.randrange(1, 200)]


def _delete_span(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 1, 2, 30))]


def _move_span(rng: random.Random, data: bytearray) -> None:
    a, b = (rng.randrange(len(data)) for _ in "ab")
    data[a : a + 4], data[b : b + 4] = data[b : b + 4], data[a : a + 4]


def _noughts(rng: random.Random, data: bytearray) -> None:
    at, n = rng.randrange(len(data)), rng.choice((1, 16, 512))
    data[at : at + n] = bytes(len(data[at : at + n]))


def _rubbish_behind(rng: random.Random, data: bytearray) -> None:
    data += rng.choice((b"\0" * 64, b"\n" * 5, rng.randbytes(40), bytes(data[:50]), b"<html></html>"))


BYTES = (
    _flip,
    _flip,
    _flip,
    _overwrite,
    _truncate,
    _insert,
    _insert,
    _repeat_span,
    _delete_span,
    _move_span,
    _noughts,
    _rubbish_behind,
)


def damaged(rng: random.Random, seed: Seed, data: bytes) -> Mutated:
    damage, changed = rng.choice(BYTES), bytearray(data)
    damage(rng, changed)
    return Mutated(f"bytes {damage.__name__[1:]}", bytes(changed), delimiter=seed.delimiter, raw=True)


def damaged_part(rng: random.Random, seed: Seed, data: bytes) -> Mutated:
    """Damage inside an archive whose checksums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name, choice = rng.choice(list(parts)), rng.random()
    if choice < 0.15:
        del parts[name]
    elif choice < 0.3:
        other = rng.choice(list(parts))
        parts[name], parts[other] = parts[other], parts[name]
    else:
        part = bytearray(parts[name])
        rng.choice(BYTES)(rng, part)
        parts[name] = bytes(part)
    return Mutated(f"part {name}", zipped(parts))


# ---- files of the study --------------------------------------------------------------------------------------------------------

SYNTAX = (
    "&a ",
    "*a",
    "!!python/object:os.system ",
    "<<: ",
    "\t",
    "[[[[",
    "{",
    "- ",
    "? ",
    "|",
    ">",
    "%YAML 1.1",
    "---",
    "...",
    "# ",
    ": ",
    "'",
    '"',
)


def changed_lines(rng: random.Random, seed: Seed, data: bytes) -> Mutated:
    lines = data.decode().split("\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    words = lines[other].replace(",", " ").replace(":", " ").split() or [""]
    choice = rng.randrange(7)
    if choice == 0:
        del lines[at]
    elif choice == 1:
        lines.insert(other, lines[at])
    elif choice == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif choice == 3:
        lines[at] = rng.choice(("  ", " ", "\t")) + lines[at] if rng.random() < 0.5 else lines[at].removeprefix("  ")
    elif choice == 4:
        own = lines[at].replace(",", " ").split() or [""]
        lines[at] = lines[at].replace(rng.choice(own), rng.choice(words))
    else:
        begin, sign, _ = lines[at].rpartition(rng.choice((":", ",", " ")))
        lines[at] = begin + sign + rng.choice((*(NASTY if choice == 5 else SYNTAX), "x" * 300))
    return Mutated(f"lines {choice}", "\n".join(lines).encode("utf-8", "replace"))
