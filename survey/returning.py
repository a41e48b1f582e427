"""Who was seen again among the answers of the next wave, by their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

COLUMN = "again"
AGAIN, NOT_SEEN = "again", "not_seen_again"


def mark(answers: Mapping[str, pd.DataFrame], waves: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Say of each answer whether the same person answered the wave after.

    Parameters
    ----------
    answers : mapping
        By wave: ``member`` and ``identified`` (bool: there is an id).
    waves : sequence of str
        Oldest first.

    Returns
    -------
    dict of DataFrame
        With ``again``: `AGAIN`; `NOT_SEEN`, also of those without an id, so that few of them are not told apart; missing in the
        last wave, and where nobody of the wave comes up again: other people were asked, or under other ids.

    Examples
    --------
    >>> first = pd.DataFrame({"member": ["a", "b", "c"], "identified": [True, True, False]})
    >>> marked = mark({"1": first, "2": first.iloc[:1]}, ["1", "2"])
    >>> marked["1"]["again"].fillna("").tolist(), marked["2"]["again"].fillna("").tolist()
    (['again', 'not_seen_again', 'not_seen_again'], [''])
    """
    marked = {wave: frame.assign(**{COLUMN: _nothing(frame)}) for wave, frame in answers.items()}
    there = [wave for wave in waves if wave in answers]
    for wave, following in pairwise(there):
        now, then = answers[wave], answers[following]
        known = now["identified"].to_numpy(dtype=bool)
        returned = known & now["member"].isin(then.loc[then["identified"], "member"]).to_numpy()
        if returned.any():
            marked[wave] = now.assign(
                **{COLUMN: pd.Series(np.where(returned, AGAIN, NOT_SEEN), index=now.index, dtype="str")}
            )
    return marked


def _nothing(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.NA, index=frame.index, dtype="str")
