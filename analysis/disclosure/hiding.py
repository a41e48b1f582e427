"""Which cells of counted families stay hidden: the small ones, and as many others as protect them.

For the people of one set (who answered a question): cells below the minimum are hidden, then further ones
(`analysis.core.suppression`) so that nobody can work them out from what is shown. What one family hides of a cut that another
has too, both hide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.core import suppression
from analysis.disclosure.people import Family
from analysis.disclosure.rounding import Rules

Mask = NDArray[np.bool_]

_SAME_PEOPLE, _MANY = 0.8, 3


@dataclass(frozen=True, slots=True)
class Hint:
    """What sets of nearly the same people hide alike in one family.

    Attributes
    ----------
    hidden, settled : bool arrays
        The common pattern, and the sensitive cells that it settles: proved safe in every set it holds for, by what is
        filled in all of them. Of the shape of the family's ``people`` without the sets.
    alike : bool array
        By wave and extra columns, which sets it holds for.
    """

    hidden: Mask
    settled: Mask
    alike: Mask

    def none(self) -> Hint:
        """Give a hint of the same shape that holds for no set."""
        return Hint(self.hidden, self.settled, np.zeros_like(self.alike))


def hint_of(family: Family, sensitive: Mask, rules: Rules) -> Hint:
    """In each wave the pattern that sets of nearly the same people share, found once for all of them."""
    shape = family.people.shape
    hidden, settled = np.zeros(shape[:-1], dtype=bool), np.zeros(shape[:-1], dtype=bool)
    hint = Hint(hidden, settled, np.zeros((*shape[:-3], shape[-1]), dtype=bool))
    for place in np.ndindex(*(a.size - 1 for a in family.extras)):
        at = tuple(p + 1 for p in place)
        alike = _alike(family.people[at], rules.minimum)
        if len(alike):
            hint.alike[at][alike] = True
            hint.hidden[at], hint.settled[at] = _common(
                family, family.people[at][..., alike], sensitive[at][..., alike], rules
            )
    return hint


def hide(
    families: tuple[Family, ...],
    hints: tuple[Hint, ...],
    at: int,
    rules: Rules,
    overlap: bool,
    near: tuple[Mask, ...],
) -> tuple[Mask, ...]:
    """Hide cells of one set in every family; what one hides of a shared cut the others hide and protect too.

    Also where both hid it of themselves: hidden does not mean that it does not follow from what the other shows. What
    is ``near`` to a cell that is shown is hidden and protected like a small one: it must not follow from the rest of its cut.
    """
    counted = [replace(f, people=f.people[..., at : at + 1]) for f in families]
    sensitive = [too_small(f, rules, overlap) | n[..., None] for f, n in zip(counted, near, strict=True)]
    hidden = [np.zeros(f.people.shape, dtype=bool) for f in counted]
    todo = set(range(len(counted)))
    while todo:
        for i in sorted(todo):
            hidden[i] = _protect(counted[i], sensitive[i], hidden[i], hints[i], at, rules, overlap)
        todo = set()
        for one, other in ((i, j) for i in range(len(counted)) for j in range(len(counted)) if i != j):
            theirs, mine = _shared(counted[one], counted[other], hidden[one], sensitive[other])
            more = theirs & ~mine & (_shared(counted[one], counted[other], hidden[one], counted[other].people)[1] > 0)
            if more.any():
                mine |= more
                todo.add(other)
    return tuple(h[..., 0] for h in hidden)


def over_waves(family: Family, every: list[Mask], rules: Rules, overlap: bool) -> Mask:
    """Put the waves together, and hide over all of them what is hidden in one."""
    hidden = too_small(family, rules, overlap)[..., 0]
    hidden[1:-1] |= np.stack(every)
    _hide_totals(hidden[..., None], family.people, 0, rules, overlap)
    return hidden


def _hide_totals(hidden: Mask, people: Any, axis: int, rules: Rules, overlap: bool) -> None:
    """Hide the cells over all places of an axis where one of the places is hidden."""
    whole, parts = ((slice(None),) * axis + (s,) for s in (0, slice(1, None)))
    hidden[whole] |= hidden[parts].any(axis)
    if overlap:
        rest = people[(slice(None),) * axis + (slice(0, 1),)] - people[parts]
        hidden[whole] |= ((people[parts] > 0) & (rest > 0) & (rest < rules.difference)).any(axis)


def too_small(family: Family, rules: Rules, overlap: bool) -> Mask:
    """Cells too small, and with overlapping persons those that nearly make up a total."""
    people = family.people
    found = (people > 0) & (people < rules.minimum)
    if not overlap:
        return found
    column, row = people.ndim - 3, people.ndim - 2
    inner = (slice(None),) * column + (slice(1, None),)
    rest = people[(slice(None),) * column + (slice(0, 1),)] - people[inner]
    found[inner] |= (people[inner] > 0) & (rest > 0) & (rest < rules.difference)
    for node in range(1, people.shape[row]):
        rest = people[..., family.table.parent[node], :] - people[..., node, :]
        found[..., node, :] |= (people[..., node, :] > 0) & (rest > 0) & (rest < rules.difference)
    return found


def _protect(family: Family, sensitive: Mask, before: Mask, hint: Hint, of: int, rules: Rules, overlap: bool) -> Mask:
    """Protect each value of the extra columns by itself, then hide every total over one that is hidden."""
    hidden, extras = before.copy(), len(family.extras)
    for place in np.ndindex(*(a.size - 1 for a in family.extras)):
        at = tuple(p + 1 for p in place)
        people, small, start = family.people[at][..., 0], sensitive[at][..., 0], before[at][..., 0]
        if not people[0, 0]:
            continue
        if hint.alike[at][of]:
            start = start | hint.hidden[at]
            hidden[at][..., 0] = _pattern(family, people, small, start, rules, settled=hint.settled[at])
        else:
            hidden[at][..., 0] = _pattern(family, people, small, start, rules)
    for axis in range(extras):
        _hide_totals(hidden, family.people, axis, rules, overlap)
    return hidden | sensitive


def _common(family: Family, people: Any, sensitive: Any, rules: Rules) -> tuple[Mask, Mask]:
    """What many sets hide alike: fine cells by their least counts, totals by the fullest set; and which cells that settles."""
    least, some, nothing = people.min(-1), sensitive.any(-1), np.zeros(people.shape[:-1], dtype=bool)
    partly = some & (people.max(-1) >= rules.minimum)
    fine = family.table.height.reshape(some.shape) == 0
    sturdy = _pattern(family, least, some, nothing, rules, partly=partly) & fine
    full = int(people[0, 0].argmax())
    hint = _pattern(family, people[..., full], sensitive[..., full], sturdy & ~partly, rules)
    hint = (hint & ~sensitive[..., full]) | (some & ~partly)
    open_ = suppression.exposed(
        family.table,
        least.ravel(),
        hidden=hint.ravel(),
        sensitive=some.ravel(),
        minimum=rules.minimum,
        difference=rules.difference,
    )
    return hint, some & ~open_.reshape(some.shape)


def _alike(people: Any, minimum: int) -> Any:
    """Sets of nearly the same people, if there are many of them. Nobody in a cell that others fill: not alike."""
    whole = people[0, 0]
    alike = np.flatnonzero((whole >= _SAME_PEOPLE * whole.max()) & (whole > 0))
    some = people[..., alike]
    alike = alike[~((some == 0) & (some.max(-1, keepdims=True, initial=0) >= minimum)).any((0, 1))]
    return alike if len(alike) > _MANY else alike[:0]


def _pattern(family: Family, people: Any, sensitive: Any, before: Any, rules: Rules, **more: Any) -> Mask:
    never = np.zeros(people.shape, dtype=bool)
    never[-1], never[:, family.table.own] = True, True
    return suppression.protect(
        family.table,
        people.ravel(),
        never=never.ravel(),
        sensitive=sensitive.ravel(),
        minimum=rules.minimum,
        difference=rules.difference,
        suggested=before.ravel(),
        **{name: mask.ravel() for name, mask in more.items()},
    ).reshape(never.shape)


def _shared(one: Family, other: Family, first: Any, second: Any) -> tuple[Any, Any]:
    """Views of the cells that two families share, axes in one order."""
    common = sorted((set(one.names) & set(other.names)) - {""})
    return _view(one, common, first), _view(other, common, second)


def _view(family: Family, common: list[str], array: Any) -> Any:
    view = array[tuple(slice(None) if n in common else 0 for n in family.names)]
    kept = [n for n in family.names if n in common]
    return view.transpose(*(kept.index(n) for n in common), len(kept))
