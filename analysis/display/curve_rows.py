"""Which rows of released tables make curves over time: one a unit, in the order of time, cut where numbers may not be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.disclosure import Released
from analysis.display.rows import NothingThere, Row, frame_of, rows_of, rows_where, waves_of
from analysis.display.told import moment
from analysis.tidy import ALL

FIRM = 0.2
FROM = {"survival": 1.0}  # where a curve stands before anything happened; others begin with 0


@dataclass(frozen=True, slots=True)
class Curve:
    """A unit's numbers over time.

    Attributes
    ----------
    unit : str
        Its code; ``*`` for all together.
    times : tuple of float
        Rising; as many as rows.
    rows : tuple of Row
        Time is taken out of their domain.
    """

    unit: str
    times: tuple[float, ...]
    rows: tuple[Row, ...]

    @property
    def length(self) -> int:
        """How many rows are drawn: those before the first without a number."""
        return next((k for k, r in enumerate(self.rows) if not r.shown), len(self.rows))

    @property
    def ended(self) -> Row | None:
        """The row at which the curve breaks off; None where it runs through."""
        return self.rows[self.length] if self.length < len(self.rows) else None

    @property
    def drawn(self) -> list[tuple[float, Row]]:
        """Times and rows that are drawn."""
        return list(zip(self.times, self.rows, strict=True))[: self.length]

    def firm(self, time: float) -> bool:
        """Whether a fifth of those watched at the first time still are."""
        row = self.at(time)
        return row is None or not row.n < self.rows[0].n * FIRM

    def at(self, time: float) -> Row | None:
        """Give the row of a time that is drawn."""
        return dict(self.drawn).get(time)


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves of one measure.

    Attributes
    ----------
    name : str
        The released table's name.
    wave : str
    units : tuple of Curve
        In the order of the table.
    whole : Curve or None
        All together.
    """

    name: str
    wave: str
    units: tuple[Curve, ...]
    whole: Curve | None

    @property
    def shown(self) -> list[Curve]:
        """The units that have a number to show."""
        return [c for c in self.units if c.length]

    @property
    def every(self) -> list[Curve]:
        """The units that are drawn, and all together where that is drawn."""
        return [*self.shown, *([self.whole] if self.whole is not None and self.whole.length else [])]

    def last(self) -> float:
        """Give the time at which curves are held against each other.

        The latest at which as many as ever have a number and each still has a fifth of those watched at its first; where there
        is none, the latest at which as many as ever have a number.
        """
        times = sorted({t for c in self.every for t, _ in c.drawn})
        counts = {t: sum(c.at(t) is not None for c in self.every) for t in times}
        full = [t for t in times if counts[t] == max(counts.values())]
        firm = [t for t in full if all(c.firm(t) for c in self.every)]
        return max(firm or full, default=0.0)


def curves_of(
    released: Released | Sequence[Released],
    *,
    by: str | None,
    term: str | None,
    statistic: str,
    where: Mapping[str, str],
) -> Curves:
    """Choose the curves; keys other than `by` are held at what `where` says, else at all, the wave at the latest.

    `by` ``domain``: the parts beside the time tell the units apart.

    Raises
    ------
    ValueError
        Where the term is not settled or rows of one time are there twice.
    NothingThere
        Where the table has no times. Where it has no such units all together are left.
    """
    table, name = frame_of(released)
    table = rows_where(table, {"statistic": statistic, **({"term": term} if term is not None else {})})
    terms = sorted(set(table["term"]))
    if len(terms) > 1:
        raise ValueError(f"say which term: {', '.join(terms)}")
    held = {k: where.get(k, ALL) for k in ("group", "region", "domain") if k != by}
    timed = [(moment(r.keys["domain"]), r) for r in rows_of(table)]
    found = [(float(t), replace(r, keys={**r.keys, "domain": rest})) for (t, rest), r in timed if t]
    wave = where.get("wave") or max(waves_of([r for _, r in found]), default=ALL)
    found = [(t, r) for t, r in found if r.keys["wave"] == wave and all(r.keys[k] == v for k, v in held.items())]
    lines: dict[str, list[tuple[float, Row]]] = {}
    for time, row in found:
        lines.setdefault(row.keys[by] if by is not None else ALL, []).append((time, row))
    made = {unit: _curve(unit, line) for unit, line in lines.items()}
    whole = made.pop(ALL, None)
    if not made and whole is None:
        raise NothingThere(by or "term")
    return Curves(name, wave, tuple(made.values()), whole)


def _curve(unit: str, line: list[tuple[float, Row]]) -> Curve:
    ordered = sorted(line, key=lambda pair: pair[0])
    times = tuple(t for t, _ in ordered)
    if len(set(times)) < len(times):
        raise ValueError(f"a unit has two rows of one time: {unit!r}; hold more in where=")
    return Curve(unit, times, tuple(r for _, r in ordered))
