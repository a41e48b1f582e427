"""Spark, on this machine or as a cluster: the same steps, handed over as Parquet in a folder that both sides see.

The only module that knows pyspark, which comes with the extra `[spark]` and needs Java 17. Rows never pass through Python
processes of Spark: the engine reads Parquet and writes Parquet.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from survey.activity.engines import EXCHANGE, refuse

MEMORY = "2g"  # of the process that plans; with local[n] it also holds the rows
HERE = "local"
# Times are local and have no zone; the steps give the same answer however the work is cut up.
SETTINGS = {
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": MEMORY,
    "spark.log.level": "ERROR",
}
# On one machine: nothing listens to the outside, and few small pieces instead of two hundred.
ALONE = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.sql.shuffle.partitions": "8"}


class Spark:
    """An `Engine`: a session and a folder of its own in the exchange; every step is Parquet in that folder."""

    def __init__(self, session: Any, folder: Path, master: str) -> None:
        self._session = session
        self._folder = folder
        self._copied = master.startswith("spark://")
        self._results = 0

    @classmethod
    @contextlib.contextmanager
    def opened(cls, name: str, files: Sequence[Path]) -> Iterator[Spark]:
        """Reach the master `name`; take the folder away at the end and leave the session for the next wave."""
        exchange, session_type = _exchange(name), _session_type()
        with tempfile.TemporaryDirectory(prefix="workbench-", dir=exchange) as folder, _in_words():
            yield cls(_session(session_type, name), Path(folder), name)

    def file(self, name: str, path: Path) -> None:
        """Know a Parquet file under a name; a cluster gets a copy where all its machines see it."""
        if self._copied:
            path = Path(shutil.copyfile(path, self._folder / f"{name}.parquet"))
        self._know(name, path)

    def table(self, name: str, table: pa.Table) -> None:
        """Know a small table under a name."""
        path = self._folder / f"{name}.parquet"
        pq.write_table(table, path)
        self._know(name, path)

    def view(self, name: str, query: str) -> None:
        """Know a SELECT under a name."""
        self._session.sql(query).createOrReplaceTempView(name)

    def step(self, name: str, query: str) -> None:
        """Run a SELECT once and know what it gives under a name."""
        path = self._folder / name
        self._session.sql(query).write.parquet(path.as_uri())
        self._know(name, path)

    def forget(self, name: str) -> None:
        """Give back what a step took."""
        self._session.catalog.dropTempView(name)
        shutil.rmtree(self._folder / name)

    def fetch(self, query: str) -> pa.Table:
        """Run a SELECT and give what it gives."""
        self._results += 1
        path = self._folder / f"result-{self._results}"
        self._session.sql(query).write.parquet(path.as_uri())
        found = pq.read_table(path)
        shutil.rmtree(path)
        return found

    def _know(self, name: str, path: Path) -> None:
        self._session.read.parquet(path.absolute().as_uri()).createOrReplaceTempView(name)


def _exchange(master: str) -> str | None:
    """Give the folder in which Parquet is handed over; on one machine that of temporary files will do."""
    folder = os.environ.get(EXCHANGE)
    if folder is None and not master.startswith(HERE):
        refuse(
            "a Spark cluster reads and writes the log in a folder that all its machines see under the same name: name it with "
            f"--exchange or {EXCHANGE}",
            f"Spark 集群需要一个所有机器都能以同一路径访问的共享文件夹：请用 --exchange 或 {EXCHANGE} 指定",
        )
    if folder is not None and not os.access(folder, os.W_OK):
        refuse(
            f"the exchange folder named by --exchange or {EXCHANGE} is not there or cannot be written; make it, or name another",
            f"--exchange 或 {EXCHANGE} 指定的交换文件夹不存在或无法写入；请创建该文件夹或另行指定",
        )
    return folder


def _session(session_type: Any, master: str) -> Any:
    """Give the session with this master; one that was opened before is used again, another master's is ended."""
    before = session_type.getActiveSession()
    if before is not None and before.sparkContext.master != master:
        before.stop()
    builder = session_type.builder.master(master).appName("workbench")
    for name, value in {**SETTINGS, **(ALONE if master.startswith(HERE) else {})}.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        # It warns of pandas 3, which is of no matter here: no table of pandas is handed over.
        warnings.simplefilter("ignore", FutureWarning)
        return builder.getOrCreate()


def _session_type() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        refuse(
            "Spark is asked for and pyspark is not installed; in the project's folder run .venv/bin/python -m pip install -e "
            "'.[spark]' (Java 17 is needed too), or leave --engine out",
            "指定了 Spark，但未安装 pyspark；请在项目文件夹运行 .venv/bin/python -m pip install -e '.[spark]'（另需 Java 17），"
            "或去掉 --engine",
        )
    return SparkSession


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Say what kept Spark from counting; a fault of our own SQL stays what it is."""
    import py4j.protocol
    from pyspark.errors import PySparkRuntimeError

    try:
        yield
    except PySparkRuntimeError:
        refuse(
            "Spark does not start: Java 17 is needed (java -version shows which there is), and JAVA_HOME must not name another",
            "Spark 无法启动：需要 Java 17（可用 java -version 查看），且 JAVA_HOME 不能指向其他版本",
        )
    except py4j.protocol.Py4JError:
        refuse(
            "Spark stopped: the master is not reached, an executor ended, memory or disk did not suffice, or the exchange folder "
            "is not the same on all machines; look at Spark's own log, or leave --engine out and count on this machine",
            "Spark 中断：无法连接主节点、执行进程退出、内存或磁盘不足，或各机器上的交换文件夹不一致；"
            "请查看 Spark 日志，或去掉 --engine 在本机计算",
        )
