"""The seam behind which an engine counts: what DuckDB and Spark have in common, and which of them is asked."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

import pyarrow as pa

from survey.faults import Fault, Refused

ENGINE = "WORKBENCH_ENGINE"
EXCHANGE = "WORKBENCH_EXCHANGE"
EMBEDDED = "duckdb"
_SPARK = re.compile(r"local(\[(\d+|\*)\])?|spark://[A-Za-z0-9._,:-]+:\d+")


class Engine(Protocol):
    """An engine that runs SELECTs; names are ours, queries are those of `survey.activity.steps`."""

    def file(self, name: str, path: Path) -> None:
        """Know a Parquet file under a name."""

    def table(self, name: str, table: pa.Table) -> None:
        """Know a small table under a name."""

    def view(self, name: str, query: str) -> None:
        """Know a SELECT under a name; it runs wherever it is read."""

    def step(self, name: str, query: str) -> None:
        """Run a SELECT once and know what it gives under a name."""

    def forget(self, name: str) -> None:
        """Give back what a step took."""

    def fetch(self, query: str) -> pa.Table:
        """Run a SELECT and give what it gives, rows in no order."""


@contextlib.contextmanager
def opened(engine: str | None, files: Sequence[Path]) -> Iterator[Engine]:
    """Open an engine that may read these files, and close it with all that it wrote.

    Parameters
    ----------
    engine : str or None
        ``duckdb`` (in this process), ``local[2]`` (Spark on this machine, two cores) or ``spark://host:port`` (a cluster).
        None: what ``WORKBENCH_ENGINE`` says, else ``duckdb``.
    files : sequence of Path
        The Parquet files that will be registered; no other file is opened.

    Raises
    ------
    survey.Refused
        For an engine that is not known, not installed or not reached, and where memory or disk do not suffice.
    """
    name = chosen(engine)
    if name == EMBEDDED:
        from survey.activity.embedded import DuckDB

        with DuckDB.opened(files) as run:
            yield run
    else:
        from survey.activity.spark import Spark

        with Spark.opened(name, files) as cluster:
            yield cluster


def chosen(engine: str | None = None) -> str:
    """Give the engine's name: the one that is asked for, else the environment's, else the embedded one."""
    name = engine or os.environ.get(ENGINE) or EMBEDDED
    if name != EMBEDDED and not _SPARK.fullmatch(name):
        refuse(
            "the engine is not known: it is duckdb, local[2] (Spark on this machine) or spark://host:port (a cluster); correct "
            f"--engine or {ENGINE}",
            f"无法识别计算引擎：应为 duckdb、local[2]（本机 Spark）或 spark://主机:端口（集群）；请更正 --engine 或 {ENGINE}",
        )
    return name


def refuse(en: str, zh: str) -> NoReturn:
    """Raise `Refused` with one fault of the engine."""
    raise Refused([Fault("engine", 0, en, zh)])


def unreadable() -> NoReturn:
    """Raise `Refused` where accepted rows cannot be read back."""
    refuse(
        "accepted rows of the log cannot be read, or the folder for temporary files cannot be written. Check the disk and its "
        "free space, and run again; if it happens again, delete the study's store: it is built anew from what arrived",
        "无法读取已接收的活动记录，或无法写入临时文件夹。请检查磁盘及其可用空间，再重新运行；"
        "如再次出现，请删除该研究的存储，系统会根据原始文件重建",
    )
