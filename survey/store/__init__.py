"""Accepted data on disk: content-addressed tables, one manifest written last, a lock for the one who writes.

A store is the folder ``data/store/<study>/``, private to its owner (``WORKBENCH_HOME`` moves it)::

    objects/<sha256>.parquet    a table, named by its bytes; never changed
    manifest.json               which tables belong together under which key, and the versions; its own checksum is in it
    manifest.1.json             the same once more, for the day on which the first is damaged
    lock                        while somebody writes: process, host, since when
    .building-*                 what is not finished

A run that stops anywhere leaves the old state or the new one: everything is written beside, brought to the disk, renamed, and
the manifest is renamed last. Every checksum is computed anew at every reading.
"""

from __future__ import annotations

from survey.store.atomic import building, written
from survey.store.lock import writing
from survey.store.objects import draft
from survey.store.place import digest, home, path_of, settle_folder, sum_of
from survey.store.retention import Purged, holding, purge, sweep
from survey.store.sealed import Sealed, expect, find, keep, key_of, load, refuse_gone, save
from survey.store.verify import Verified, verify
from survey.store.versions import changes, record, versions

__all__ = [
    "Purged",
    "Sealed",
    "Verified",
    "building",
    "changes",
    "digest",
    "draft",
    "expect",
    "find",
    "holding",
    "home",
    "keep",
    "key_of",
    "load",
    "path_of",
    "purge",
    "record",
    "refuse_gone",
    "save",
    "settle_folder",
    "sum_of",
    "sweep",
    "verify",
    "versions",
    "writing",
    "written",
]
