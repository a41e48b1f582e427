"""Member ids become keyed pseudonyms at the door; nothing after this room knows who anybody is.

A pseudonym is HMAC-SHA-256 of the normalised id, 128 bits of it in hex. The survey side and the log side use different
purposes, so that an answer leads to the log only where the member consented and the caller asked for both.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from survey.faults import Fault, Refused

BITS = 128
_NAME = "COHESION-WORKBENCH"


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
        unique = {value: self._one(normalise(value), purpose) for value in ids.dropna().unique()}
        return ids.map(unique).astype("str")

    def _one(self, value: str, purpose: str) -> str | None:
        if not value:
            return None
        digest = hmac.new(self._secret, f"{purpose}\x1f{value}".encode(), hashlib.sha256).hexdigest()
        return digest[: BITS // 4]

    def __repr__(self) -> str:
        return f"Key {self.fingerprint}"


def normalise(value: str) -> str:
    """Write an id in one way: half-width, upper case, without blanks and hyphens, without +86 before a mobile number."""
    text = unicodedata.normalize("NFKC", value).upper()
    text = "".join(sign for sign in text if sign.isalnum() or sign == "+")
    for prefix in ("+86", "0086"):
        if text.startswith(prefix) and len(text) == len(prefix) + 11:
            text = text.removeprefix(prefix)
    return text


def study_key(study: str, *, synthetic: bool) -> Key:
    """Give the key of a study; make it once where there is none yet.

    A synthetic study has a public key, so that everybody gets the same files from it. Any other study's key lies outside the
    project, in ``~/.config/workbench/<study>.key`` (``WORKBENCH_KEYS`` names another folder), readable by its owner alone.

    Raises
    ------
    survey.Refused
        Where the key file can be read by others, or is not a key.
    """
    if synthetic:
        return Key(hashlib.sha256(f"{_NAME} synthetic study {study}".encode()).digest())
    path = _key_folder() / f"{study}.key"
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        _refuse(path.name, "other users can read the key; chmod 600 it", "其他用户可读取密钥文件；请设为 600 权限")
    secret = path.read_bytes()
    if len(secret) != 32:
        _refuse(path.name, "this is not a key of the workbench", "这不是本工作台的密钥文件")
    return Key(secret)


def _key_folder() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(os.environ.get("WORKBENCH_KEYS") or Path(config) / "workbench")


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(32))


def _refuse(file: str, en: str, zh: str) -> None:
    raise Refused([Fault(file, 0, en, zh)])
