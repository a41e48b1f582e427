"""DuckDB in this process: it opens the files it is given and no other, and spills into a folder of its own."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from survey.activity.engines import refuse, unreadable

MEMORY = "800MB"  # above it the engine writes to its folder
THREADS = 4  # at most: each wants memory of its own
CAREFUL = (
    f"memory_limit = '{MEMORY}'",
    "preserve_insertion_order = false",
    "python_enable_replacements = false",
    "enable_external_access = false",
    "lock_configuration = true",
)


class DuckDB:
    """An `Engine`: one connection to a database in memory, its settings locked."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    @classmethod
    @contextlib.contextmanager
    def opened(cls, files: Sequence[Path], *, threads: int | None = None) -> Iterator[DuckDB]:
        """Open it on these files; `threads`: as many as there are cores, at most `THREADS`."""
        with tempfile.TemporaryDirectory(prefix="workbench-") as folder, _in_words():
            connection = duckdb.connect(":memory:")
            try:
                connection.execute(f"SET threads = {threads or min(os.cpu_count() or 1, THREADS)}")
                connection.execute(f"SET temp_directory = {_quoted(Path(folder))}")
                connection.execute(f"SET allowed_paths = [{', '.join(_quoted(path) for path in files)}]")
                _quieten(connection)
                for setting in CAREFUL:
                    connection.execute(f"SET {setting}")
                yield cls(connection)
            finally:
                connection.close()

    def file(self, name: str, path: Path) -> None:
        """Know a Parquet file under a name."""
        self.view(name, f"SELECT * FROM read_parquet({_quoted(path)})")

    def table(self, name: str, table: pa.Table) -> None:
        """Know a small table under a name."""
        self._connection.register(name, table)

    def view(self, name: str, query: str) -> None:
        """Know a SELECT under a name."""
        self._connection.execute(f"CREATE VIEW {name} AS {query}")

    def step(self, name: str, query: str) -> None:
        """Run a SELECT once and know what it gives under a name."""
        self._connection.execute(f"CREATE TABLE {name} AS {query}")

    def forget(self, name: str) -> None:
        """Give back what a step took."""
        self._connection.execute(f"DROP TABLE {name}")

    def fetch(self, query: str) -> pa.Table:
        """Run a SELECT and give what it gives."""
        return self._connection.sql(query).to_arrow_table()


def _quieten(connection: duckdb.DuckDBPyConnection) -> None:
    """Print no progress over ours. In a notebook there is none, and then the setting must not be touched."""
    if connection.sql("SELECT current_setting('enable_progress_bar') AS shown").fetchall() == [(True,)]:
        connection.execute("SET enable_progress_bar = false")


def _quoted(path: Path) -> str:
    return "'" + str(path.absolute()).replace("'", "''") + "'"


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Say what kept the engine from counting; a fault of our own SQL stays what it is."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        if "bad allocation" in str(error):  # the machine's memory, not the engine's share of it
            raise
        refuse(
            f"the log does not fit into {MEMORY} of memory and the free space of the folder for temporary files. Free space there, "
            "or set TMPDIR to a folder on a larger disk, and run again; see README, A log that outgrows one machine",
            f"活动记录超出 {MEMORY} 内存和临时文件夹的可用空间。请清理空间，或用 TMPDIR 指定更大磁盘上的文件夹，"
            "再重新运行；参见 README",
        )
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException):
        raise
    except duckdb.Error:  # a damaged file can end in any of its errors
        unreadable()
