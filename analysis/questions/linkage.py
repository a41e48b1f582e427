"""How many answers lead to the log: the linkage rate, and the bounds of what it would be among all who answered.

The source is the intake's table of links. An answer is looked up in the log only where the member consented.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.methods.counts import require
from analysis.tidy import tidy_frame

TERM = "linkage"
_COLUMNS = ["wave", "group", "answers", "consented", "rate", "conf_low", "conf_high", "lowest", "highest", "status"]


@dataclass(frozen=True, slots=True)
class LinkageFit:
    """Rates of linkage.

    Attributes
    ----------
    rows : DataFrame
        Tidy table, term ``linkage``, by wave and group (``*``: all), statistics as `linkage` says.
    """

    rows: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        rates = self.rows.query("statistic == 'linkage_rate' and group == '*'").set_index("wave")["estimate"]
        return f"LinkageFit({', '.join(f'{wave} {rate:.3f}' for wave, rate in rates.items())})"


def linkage(links: pd.DataFrame) -> LinkageFit:
    r"""Put the intake's counts of links into rates with their errors and bounds.

    =============== ================================================================================== =========
    statistic       estimate                                                                           n
    =============== ================================================================================== =========
    linkage_rate    found / consented, with Wilson's interval (1927)                                   consented
    linkage_lowest  found / answers: nobody else is in the log                                         answers
    linkage_highest (found + answers - consented) / answers: everybody else is (Manski 1989)           answers
    =============== ================================================================================== =========

    Parameters
    ----------
    links : DataFrame
        A panel's ``linkage``: ``wave, group`` text, counts ``answers, consented``, shares ``rate, conf_low, conf_high, lowest,
        highest``, ``status`` (``linked``, ``accepted``, ``stopped``, ``no_log``).

    Returns
    -------
    LinkageFit
        The three statistics of every wave and group with answers, in the order given. A wave without a log has no rows; where
        nobody consented, or the link was stopped, the numbers are missing: ``not_estimable``.

    Raises
    ------
    ValueError
        For missing columns.

    Examples
    --------
    >>> links = pd.DataFrame({"wave": ["1"], "group": ["*"], "answers": [100], "consented": [80], "rate": [0.5],
    ...                       "conf_low": [0.393], "conf_high": [0.607], "lowest": [0.4], "highest": [0.6], "status": ["linked"]})
    >>> linkage(links).tidy().set_index("statistic")["estimate"].to_dict()
    {'linkage_rate': 0.5, 'linkage_lowest': 0.4, 'linkage_highest': 0.6}
    """
    require("links", links, _COLUMNS)
    there = links[(links["status"] != "no_log") & (links["answers"] > 0)].reset_index(drop=True)
    numbers = ["rate", "conf_low", "conf_high", "lowest", "highest"]
    there[numbers] = there[numbers].where(there["status"] != "stopped")
    keys = there[["wave", "group"]].assign(term=TERM)
    rates = there[["conf_low", "conf_high"]].assign(estimate=there["rate"], n=there["consented"])
    parts = [keys.assign(statistic="linkage_rate").join(rates)]
    parts += [
        keys.assign(statistic=f"linkage_{end}", estimate=there[end], n=there["answers"])
        for end in ("lowest", "highest")
    ]
    return LinkageFit(tidy_frame(pd.concat(parts).sort_index(kind="stable")))
