"""Member ids become keyed pseudonyms at the door; nothing after this room knows who anybody is.

A pseudonym is HMAC-SHA-256 of the normalised id, 128 bits of it in hex. The survey side and the log side use different
purposes, so that an answer leads to the log only where the member consented and the caller asked for both.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import os
import re
import secrets
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pandas as pd

from survey.faults import Fault, Refused

BITS = 128
ROOT = Path(__file__).resolve().parents[1]
_NAME = "COHESION-WORKBENCH"
_WITH_COUNTRY = re.compile(r"(?:\+|00)86(1[3-9]\d{9})", re.ASCII)
_AS_DECIMAL = re.compile(r"(\d+)\.0+", re.ASCII)
_LEFT_OUT = ("Z", "C", "Pd")  # categories of signs: blanks, invisible signs and controls, hyphens and dashes
_MINUS = "\N{MINUS SIGN}"  # which stands for a hyphen, and is none by its category


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A study's key. It never shows itself; only its fingerprint is recorded."""

    _secret: bytes

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the key's own HMAC: tells keys apart, gives none away."""
        return hmac.new(self._secret, b"fingerprint", hashlib.sha256).hexdigest()[:16]

    def pseudonyms(self, ids: pd.Series, purpose: str) -> pd.Series:
        """Replace ids by pseudonyms.

        Parameters
        ----------
        ids : Series of str
            As they arrived; normalised here (`normalise`). Empty ids stay missing.
        purpose : str
            ``survey`` or ``log``; the same id has another pseudonym for each.

        Returns
        -------
        Series of str
            32 hex digits, missing where the id is empty; same index.
        """
        places, unique = pd.factorize(ids.astype("str"))
        made = pd.array([self._one(normalise(value), purpose) for value in unique], dtype="str")
        return pd.Series(made.take(places, allow_fill=True), index=ids.index, name=ids.name)

    def _one(self, value: str, purpose: str) -> str | None:
        if not value:
            return None
        return hmac.digest(self._secret, f"{purpose}\x1f{value}".encode(), "sha256").hex()[: BITS // 4]

    def __repr__(self) -> str:
        return f"Key {self.fingerprint}"


def normalise(value: str) -> str:
    """Write an id in one way, so that the same id is the same person in every file.

    Half-width and upper case, digits of any script as ASCII; without blanks, invisible signs, hyphens and dashes; without +86 or
    0086 before a mobile number; without the ``.0`` that a spreadsheet puts behind a whole number. Everything else stays: leading
    zeros, dots, slashes. What holds no letter and no digit is no id.

    Examples
    --------
    >>> normalise("ａｂ－０１ "), normalise("+86 138-0013-8000"), normalise("00123"), normalise("1042.0"), normalise("-")
    ('AB01', '13800138000', '00123', '1042', '')
    """
    if value.isascii() and value.isalnum() and not value.startswith("0086"):
        return value.upper()
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).upper())
    text = "".join(_digit(s) for s in text if s != _MINUS and not unicodedata.category(s).startswith(_LEFT_OUT))
    text = unicodedata.normalize("NFKC", text)  # signs may meet where one between them was left out
    for form in (_AS_DECIMAL, _WITH_COUNTRY):
        if match := form.fullmatch(text):
            text = match[1]
    return text if any(sign.isalnum() for sign in text) else ""


def _digit(sign: str) -> str:
    """A digit of any script as ASCII; any other sign as it is."""
    return str(unicodedata.decimal(sign, sign))


def study_key(study: str, *, synthetic: bool, expected: str | None = None) -> Key:
    """Give the key of a study; make it once where there is none yet.

    A synthetic study has a public key, so that everybody gets the same files from it. Any other study's key lies outside the
    project, in ``~/.config/workbench/<study>.key`` (``WORKBENCH_KEYS`` names another folder), readable by its owner alone. Where
    two processes make it at once, both get the one that was there first.

    Parameters
    ----------
    study : str
        The study's name.
    synthetic : bool
        Whether its key is public.
    expected : str, optional
        Fingerprint of the key that the study's store was made with: then a key that is lost is never made anew.

    Raises
    ------
    survey.Refused
        Where the key is lost, can be read by others, lies inside the project, is not a key, or cannot be made or read.
    """
    if synthetic:
        return Key(hashlib.sha256(f"{_NAME} synthetic study {study}".encode()).digest())
    path = key_file(study)
    if path.resolve().is_relative_to(ROOT):
        _refuse(
            path.name,
            "keys must lie outside the project; set WORKBENCH_KEYS to another folder",
            "密钥必须放在项目之外；请用 WORKBENCH_KEYS 指定其他文件夹",
        )
    try:
        return _key_in(path, expected)
    except OSError as error:
        _refuse_disk(path, error)


def _key_in(path: Path, expected: str | None) -> Key:
    if not path.exists():
        if expected is not None:
            _refuse_lost(path, expected)
        _make(path)
    if path.stat().st_mode & 0o077:
        _refuse(path.name, "other users can read the key; chmod 600 it", "其他用户可读取密钥文件；请设为 600 权限")
    secret = path.read_bytes()
    if len(secret) != 32:
        _refuse(
            path.name,
            "this is not a key of the workbench: it has not 32 bytes. Put the right one back from its backup",
            "这不是本工作台的密钥文件（长度不是 32 字节）。请从备份放回正确的密钥",
        )
    return Key(secret)


def key_file(study: str) -> Path:
    """Say where a study's key lies, or would."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(os.environ.get("WORKBENCH_KEYS") or Path(config) / "workbench") / f"{study}.key"


def _make(path: Path) -> None:
    """Write a new key whole, or leave the one that another run has made in the meantime."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # readable by its owner alone
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


def _refuse_lost(path: Path, expected: str) -> NoReturn:
    _refuse(
        path.name,
        f"the key of this study is not where it was; the store was made with the key of fingerprint {expected}, and without it "
        "people of earlier waves would become strangers. Nothing was made anew: put the key back from its backup, or say with "
        "WORKBENCH_KEYS where it lies. To begin anew without the earlier waves, move the store's folder away",
        f"找不到本研究的密钥；存储是用指纹为 {expected} 的密钥建立的，没有它，以前波次的人会变成陌生人。没有生成新密钥："
        "请从备份放回密钥，或用 WORKBENCH_KEYS 指明所在文件夹。若不要以前的波次、从头开始，请移走该存储文件夹",
    )


def _refuse_disk(path: Path, error: OSError) -> NoReturn:
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    _refuse(
        path.name,
        f"the key cannot be read or made ({name}): its folder must be yours, writable when the key is made, and on a disk with "
        "room. Check its permissions, or set WORKBENCH_KEYS to a folder of your own outside the project",
        f"无法读取或生成密钥（{name}）：其文件夹须归您所有，首次生成时可写，且磁盘有空间。"
        "请检查权限，或用 WORKBENCH_KEYS 指定项目之外您自己的文件夹",
    )


def _refuse(file: str, en: str, zh: str) -> NoReturn:
    raise Refused([Fault(file, 0, en, zh)]) from None
