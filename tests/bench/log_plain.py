"""DuckDB's own plain grouping of one Parquet file of the log to cells and careers: on its texts, with DuckDB's own functions."""

from __future__ import annotations

import os
import tempfile

import duckdb
import pandas as pd

HELD = "CREATE TABLE held AS SELECT DISTINCT activity, UNNEST(string_split(groups, ';')) AS organiser FROM log"
SEEN = "log JOIN held USING (activity) WHERE took_part AND start <= closes"
PEOPLE = f"""
CREATE TABLE people AS
SELECT member, organiser, MIN(start) AS joined, MIN(start, 2) FILTER (start > opens) AS firsts,
       MAX(start) FILTER (start > opens) AS last, COUNT(*) FILTER (start > opens) AS count,
       COUNT(*) FILTER (start > opens AND role = 'volunteered') AS volunteered,
       COUNT(*) FILTER (start > opens AND role = 'organised') AS organised,
       COUNT(*) FILTER (start > opens AND role = 'proposed') AS proposed,
       COUNT(*) FILTER (start > opens AND role = 'designed') AS designed
FROM {SEEN}
GROUP BY member, organiser
"""
SHARES = f"""
CREATE TABLE shares AS SELECT member, organiser, region, channel, COUNT(*) AS n FROM {SEEN} AND start > opens
GROUP BY member, organiser, region, channel
"""
# Most often, then first by code.
FAVOURITE = """
CREATE TABLE favourite_{0} AS
SELECT member, organiser, arg_min({0}, (-n, {0})) AS {0}
FROM (SELECT member, organiser, {0}, SUM(n) AS n FROM shares GROUP BY member, organiser, {0})
GROUP BY member, organiser
"""
CAREERS = """
SELECT '1' AS wave, member, organiser AS group, region, channel, joined, firsts[1] AS first, firsts[2] AS second,
       last, count, volunteered, organised, proposed, designed
FROM people JOIN favourite_region USING (member, organiser) JOIN favourite_channel USING (member, organiser)
"""
CELLS = f"""
SELECT *, people - first_time AS returning
FROM (SELECT '1' AS wave, organiser AS group, region, channel, date_trunc('month', start) AS month,
             COUNT(DISTINCT activity) AS events, COUNT(DISTINCT member) AS people,
             COUNT(DISTINCT CASE WHEN joined >= date_trunc('month', start) THEN member END) AS first_time,
             COUNT(rating) AS rated, AVG(rating) AS rating
      FROM {SEEN.replace("WHERE", "JOIN people USING (member, organiser) WHERE")}
      GROUP BY organiser, region, channel, date_trunc('month', start)) c
"""


def grouped(path: str, days: int, memory: str = "1GB", most: int = 4) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give cells and careers."""
    with tempfile.TemporaryDirectory() as spill:
        threads = min(os.cpu_count() or 1, most)
        connection = duckdb.connect(
            ":memory:", config={"threads": threads, "memory_limit": memory, "temp_directory": spill}
        )
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{path}')")
        closes = connection.execute("SELECT MAX(start) FROM rows").fetchall()[0][0]
        bounds = f"TIMESTAMP '{closes}' AS closes, TIMESTAMP '{closes}' - INTERVAL {days} DAY AS opens"
        connection.execute(f"CREATE VIEW log AS SELECT *, {bounds} FROM rows")
        for step in (HELD, PEOPLE, SHARES, FAVOURITE.format("region"), FAVOURITE.format("channel")):
            connection.execute(step)
        return connection.execute(CELLS).df(), connection.execute(CAREERS).df()
