"""What is seen of each column of a new file before anybody says what it is: headings, the cells that stand in it, and how often.

Cells stay in here and in `survey.proposal.evidence`: what is told of a column is its heading and shares of its cells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from survey.checks.cells import clean
from survey.identifiers import identifies
from survey.readers import RawTable
from survey.readers.encoded import Column as Cells
from survey.readers.raw import refuse
from survey.wording import bare, parts

MOST_ROWS = 4000  # of a file that are looked at
MOST_DISTINCT = 500  # distinct cells of a column that are looked at, the most frequent first
LIKE_DATA = 0.3  # share of headings that look like cells above which the header row is taken for data
_DATUM = re.compile(r"(?=[\s.,:/+-]*\d)[\d\s.,:/+-]+[Xx]?")
_PERSONAL = re.compile(
    r"(您的|你的)?(姓名|名字|真实姓名|(联系|移动|手机)?(电话|手机)(号码?)?|身份证(件)?(号码?)?|(电子)?(邮箱|邮件)(地址)?|(家庭|联系)?(住址|地址)|"
    r"微信(号|昵称)?|qq(号码?)?|ip(地址| address)?)|(your |first |last |full |family |given |user ?)?name|"
    r"(your |mobile |cell |tele)?phone( number)?|mobile( number)?|(your )?e ?mail( address)?|(home |postal )?address"
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it arrived.

    Attributes
    ----------
    header : str
        Its name in the file.
    texts : tuple of str
        What it asks: the question that the file brings, else its name.
    question, option : str
        The question it belongs to and its own part of it, where it is one of several columns of a question.
    siblings : int
        How many columns that question has; 0 for a question of one column.
    cells : tuple of str
        Distinct cells, cleaned and sorted, without empty ones and those that say "no answer"; at most `MOST_DISTINCT`.
    counts : array of int
        How often each of them stands there.
    filled, distinct : int
        How many cells are filled, and how many distinct ones there are.
    labels : dict
        Labels that the file brings for its codes.
    metadata : str
        What the platform says of it; empty: nothing.
    counts_rows : bool
        Whether the cells are the numbers of the rows.
    personal : bool
        Whether it holds what identifies people, by its cells or its name.
    """

    header: str
    texts: tuple[str, ...]
    question: str
    option: str
    siblings: int
    cells: tuple[str, ...]
    counts: np.ndarray
    filled: int
    distinct: int
    labels: dict[str, str]
    metadata: str
    counts_rows: bool
    personal: bool

    @property
    def unique(self) -> float:
        """Share of distinct cells among the filled ones; 0 where all are empty."""
        return self.distinct / self.filled if self.filled else 0.0

    def share(self, met: Sequence[bool] | np.ndarray | pd.Series) -> float:
        """Share of the cells looked at that meet something; `met` is in the order of `cells`."""
        return float(self.counts[np.asarray(met, dtype=bool)].sum() / self.counts.sum()) if self.cells else 0.0

    @property
    def series(self) -> pd.Series:
        """The distinct cells as the checks read a column."""
        return pd.Series(self.cells, dtype="str")


def look(raw: RawTable) -> tuple[Column, ...]:
    """Look at every column of a file, in its order; of a long file at `MOST_ROWS` rows, as far apart as can be."""
    questions = {
        column: (question, len(own)) for question, own in raw.multiple.items() for column in own if len(own) > 1
    }
    step = -(-len(raw.index) // MOST_ROWS) or 1
    kept = np.arange(len(raw.index)) % step == 0  # from top to bottom: files are often sorted
    seen = (raw.of(h) if step == 1 else raw.of(h).take(kept) for h in raw.columns)
    return tuple(_column(raw, cells, h, *questions.get(h, ("", 0))) for h, cells in zip(raw.columns, seen, strict=True))


def refuse_data_as_header(raw: RawTable, file: Path) -> None:
    """Refuse a file whose column names look like cells: they would be somebody's answers.

    Raises
    ------
    survey.Refused
        Where a name is a phone number, an id number or a mail address, and where nearly a third of the names are numbers or stand
        among the cells of their own column.
    """
    own = {column for columns in raw.multiple.values() for column in columns}
    names = raw.columns
    asked = [name for name in names if name not in own]
    like = [name for name in asked if _DATUM.fullmatch(name) or raw.column(name).str.strip().eq(name).any()]
    if identifies(pd.Series(names, dtype="str"), kept=True) or len(like) > LIKE_DATA * max(len(asked), 1):
        refuse(
            file,
            "the row of column names looks like a row of answers; put the row of names back above it and try again",
            "列名所在的行像是答案；请在其上补回列名行后再试",
            1,
        )


def _column(raw: RawTable, arrived: Cells, header: str, question: str, siblings: int) -> Column:
    kept = _cells(raw, arrived, header)
    seen = kept[:MOST_DISTINCT].sort_index()
    wording = raw.wording.get(header, "")
    metadata = raw.metadata.get(header, "")
    named = any(_PERSONAL.fullmatch(bare(text)) for text in (header, wording))
    counted = len(kept) > 1 and set(kept.index) <= {str(n) for n in range(1, len(raw.index) + 1)}
    return Column(
        header=header,
        texts=tuple(dict.fromkeys(text for text in (wording, header) if text)),
        question=question,
        option=parts(wording or header)[1] if siblings else "",
        siblings=siblings,
        cells=tuple(seen.index),
        counts=seen.to_numpy(),
        filled=int(kept.sum()),
        distinct=len(kept),
        labels=raw.labels.get(header, {}),
        metadata=metadata,
        counts_rows=counted and len(kept) == int(kept.sum()),
        personal=metadata == "person" or named or identifies(pd.Series(kept.index, dtype="str"), kept=True),
    )


def _cells(raw: RawTable, arrived: Cells, header: str) -> pd.Series:
    """How often each distinct cell stands there, the most frequent first."""
    cells = arrived.counts()
    cleaned = clean(pd.Series([*cells], dtype="str"))[0].astype("str")
    counts = pd.Series([*cells.values()], index=cleaned.to_numpy(dtype=object)).groupby(level=0, sort=False).sum()
    nothing = {"", *raw.no_answer.get("*", ()), *raw.no_answer.get(header, ())}
    return counts[[cell not in nothing for cell in counts.index]].sort_values(ascending=False, kind="stable")
