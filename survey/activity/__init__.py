"""What the log says, reduced once a wave: how much happened where (`cells`), who came how often (`careers`).

The source is accepted Parquet, a part a raw file (`parts`). An engine behind one seam (`engines`: DuckDB in this process, or
Spark) runs the same SQL (`steps`), which knows our own column names alone and counts whole numbers and times: the same
rows give the same bytes in any order, on any number of threads, in either engine.
"""

from __future__ import annotations

from survey.activity.frames import Activity, add_silent
from survey.activity.parts import LogPart
from survey.activity.reduce import BETWEEN, reduce_period, reduce_wave
from survey.activity.repeated import repeated

__all__ = ["BETWEEN", "Activity", "LogPart", "add_silent", "reduce_period", "reduce_wave", "repeated"]
