"""A workbook with a password, as office programs store it: an OLE compound file with an encrypted package inside.

Format: [MS-CFB] (header, one sector each of FAT and directory) and [MS-OFFCRYPTO] (streams EncryptionInfo, EncryptedPackage).
"""

from __future__ import annotations

import hashlib
import struct

SECTOR = 512
_FREE, _END, _FAT, _NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
_CUTOFF = 4096  # shorter streams lie elsewhere


def encrypted() -> bytes:
    """A compound file with the two streams of a protected workbook; what is encrypted is noise."""
    noise = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(_CUTOFF // 32))
    info = struct.pack("<HHI", 4, 4, 0x40) + b'<?xml version="1.0"?><encryption/>'
    streams = {"EncryptionInfo": info.ljust(_CUTOFF, b" "), "EncryptedPackage": struct.pack("<Q", 4088) + noise[8:]}
    each = _CUTOFF // SECTOR
    starts = [2 + n * each for n in range(len(streams))]
    fat = [_FAT, _END]
    for start in starts:
        fat += [*range(start + 1, start + each), _END]
    entries = [_entry("Root Entry", 5, _END, 0, child=1), _entry("EncryptionInfo", 2, starts[0], _CUTOFF, right=2)]
    entries += [_entry("EncryptedPackage", 2, starts[1], _CUTOFF), bytes(128)]
    table = struct.pack(f"<{SECTOR // 4}I", *fat, *[_FREE] * (SECTOR // 4 - len(fat)))
    return _header() + table + b"".join(entries) + b"".join(streams.values())


def _header() -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, _CUTOFF, _END, 0, _END, 0)
    return head + struct.pack("<109I", 0, *[_FREE] * 108)


def _entry(name: str, kind: int, start: int, size: int, right: int = _NONE, child: int = _NONE) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, _NONE, right, child)
    return head + bytes(16 + 4 + 16) + struct.pack("<IQ", start, size)
