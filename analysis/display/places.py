"""The tree of places, as far as display needs it: what stands above a place, and which places stand on one level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.display.rows import Row


@dataclass(frozen=True, slots=True)
class Places:
    """The tree of places.

    Attributes
    ----------
    parents : mapping of code to the code above; tops are absent
    levels : mapping of code to the level's code
    """

    parents: Mapping[str, str]
    levels: Mapping[str, str]

    def on_one_level(self, rows: Sequence[Row], level: str | None) -> tuple[Row, ...]:
        """Keep the places of one level.

        Parameters
        ----------
        rows : sequence of Row
        level : str or None
            None: the highest level that has more than one of the places; all rows where no level is known.

        Raises
        ------
        ValueError
            Where no row stands on the level asked for.
        """
        if level is None:
            return self._highest(rows)
        kept = tuple(r for r in rows if self.levels.get(r.keys["region"]) == level)
        if not kept:
            known = sorted({self.levels.get(r.keys["region"], "unknown") for r in rows})
            raise ValueError(f"no place of the table is of level {level!r}; there are {known}")
        return kept

    def path(self, code: str) -> tuple[str, ...]:
        """Give the places above a place, the topmost first, and the place itself."""
        found = [code]
        while (above := self.parents.get(found[0])) is not None and above not in found:
            found.insert(0, above)
        return tuple(found)

    def _highest(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        depths: dict[int, list[Row]] = {}
        for row in rows:
            depths.setdefault(len(self.path(row.keys["region"])), []).append(row)
        many = [d for d in sorted(depths) if len(depths[d]) > 1]
        return tuple(depths[many[0]] if many else rows)


def places_of(hierarchy: pd.DataFrame | None) -> Places:
    """Read the hierarchy (``code, parent, level, ...``; of several rows of a place the last counts)."""
    if hierarchy is None:
        return Places({}, {})
    rows = list(hierarchy[["code", "parent", "level"]].itertuples(index=False))
    parents = {str(c): str(p) for c, p, _ in rows if not pd.isna(p) and str(p)}
    return Places(parents, {str(c): str(level) for c, _, level in rows if not pd.isna(level)})
