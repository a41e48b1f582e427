"""Complementary suppression: hand-made tables, and linear programming as the judge of random ones.

Tolerance: the solver's feasibility tolerance is 1e-7; intervals of whole people are compared to 1e-6.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from analysis.core import suppression

SOLVER = 1e-6
LEAST = {"minimum": 10, "difference": 10}


def full_counts(table, finest):
    """Counts of every cell from the finest ones, shape (columns, rows)."""
    counts = np.asarray(finest) @ suppression.below(table).T
    return np.vstack([counts.sum(0), counts]).astype(np.int64).ravel()


def never_shown(table):
    never = np.zeros((table.columns + 1, table.rows), dtype=bool)
    never[-1], never[:, table.own] = True, True
    return never.ravel()


def small(counts):
    return (counts > 0) & (counts < 10)


def random_table(seed, mean):
    """Cities with one to four counties, groups of very different sizes, a few people without county or group."""
    rng = np.random.default_rng(seed)
    parent = [-1, 0, 1, 1, 1]
    parent += [city for city in (2, 3, 4) for _ in range(rng.integers(1, 5))]
    groups = int(rng.integers(2, 6))
    table = suppression.lattice(parent, groups + 1)
    atoms = ~np.isin(np.arange(table.rows), table.parent)
    finest = rng.poisson(rng.gamma(0.8, mean, (groups + 1, 1)) * rng.gamma(1, 1, (1, table.rows))) * atoms
    finest[:, table.own] = rng.poisson(0.05 * finest[:, table.own])
    finest[-1] = rng.poisson(0.05 * finest[-1])
    return table, full_counts(table, finest)


def shortfalls(table, counts, hidden, among=True):
    """How many small cells a reader can pin: interval below 10 wide, or not reaching 10."""
    cells = np.flatnonzero(small(counts) & among)
    ends = suppression.audit(counts, suppression.relations(table), hidden, cells)
    return int(((ends[:, 1] < 10 - SOLVER) | (ends[:, 1] - ends[:, 0] < 10 - SOLVER)).sum())


def test_sums_of_a_tree_crossed_with_groups_hold():
    # root - top - (a, b), two groups and those without; rows: root, top, a, b, own of root, own of top
    table = suppression.lattice([-1, 0, 1, 1], 3)
    finest = np.array([[0, 0, 5, 7, 1, 2], [0, 0, 20, 30, 0, 3], [0, 0, 1, 0, 0, 0]])
    counts = full_counts(table, finest).reshape(4, 6)
    assert counts[0].tolist() == [69, 68, 26, 37, 1, 5]
    assert counts[1].tolist() == [15, 14, 5, 7, 1, 2]
    assert np.abs(suppression.relations(table) @ counts.ravel()).max() == 0


def test_every_cell_stands_in_two_sums():
    table = suppression.lattice([-1, 0, 1, 1, 2], 2)
    signs = suppression.relations(table).toarray()
    assert (signs.sum(0) == 0).all()
    assert (np.abs(signs).sum(0) == 2).all()


def test_a_small_group_takes_the_next_smallest_along():
    table = suppression.lattice([-1], 5)
    counts = full_counts(table, [[0, 4], [0, 12], [0, 50], [0, 30], [0, 0]])
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    assert hidden.reshape(6, 2)[:, 0].tolist() == [False, True, True, False, False, False]


def test_people_without_a_group_are_protected_too():
    # 30 + 40 + 3 = 73: the three without a group are 73 - 70, so a group goes
    table = suppression.lattice([-1], 3)
    counts = full_counts(table, [[0, 30], [0, 40], [0, 3]])
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    assert hidden.reshape(4, 2)[:, 0].tolist() == [False, True, False, True]


def test_small_parts_that_make_ten_together_protect_each_other():
    table = suppression.lattice([-1], 4)
    counts = full_counts(table, [[0, 4], [0, 8], [0, 50], [0, 0]])
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    assert hidden.reshape(5, 2)[:, 0].tolist() == [False, True, True, False, False]


def test_a_total_goes_only_where_nothing_else_can():
    table = suppression.lattice([-1], 3)
    counts = full_counts(table, [[0, 4], [0, 5], [0, 0]])
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    assert hidden.reshape(4, 2)[:3, 0].tolist() == [True, True, True]


def test_a_city_of_one_county_is_hidden_with_it():
    # top: city 1 (county a: 12), city 2 (county b: 6, county c: 40); nobody at city or top itself
    table = suppression.lattice([-1, 0, 1, 1, 2, 3, 3], 1)
    finest = np.zeros((1, table.rows), dtype=int)
    finest[0, [4, 5, 6]] = [12, 6, 40]
    counts = full_counts(table, finest)
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    city, county = hidden.reshape(2, -1)[0, [2, 4]]
    assert city == county
    assert shortfalls(table, counts, hidden) == 0


@pytest.mark.parametrize(("corner", "found"), [(0, True), (2, False)])
def test_an_empty_cell_protects_nobody(corner, found):
    # 5 and 20 above 20 and the corner, all four hidden: the five can grow only as the corner does, and nobody cannot
    table = suppression.lattice([-1, 0, 0], 2)
    counts = full_counts(table, [[0, 5, 20, 0], [0, 20, corner, 0]])
    inner = np.zeros((3, 4), dtype=bool)
    inner[1:, 1:3] = True
    open_ = suppression.exposed(table, counts, hidden=inner.ravel(), sensitive=small(counts), **LEAST)
    assert open_.any() == found
    assert (shortfalls(table, counts, inner.ravel() & (counts > 0)) > 0) == found


def test_a_cell_of_one_person_protects_nobody_from_that_person():
    # as above: whoever is the corner knows that it is one, and so that the five are five; nobody else does
    table = suppression.lattice([-1, 0, 0], 2)
    counts = full_counts(table, [[0, 5, 20, 0], [0, 20, 1, 0]])
    inner = np.zeros((3, 4), dtype=bool)
    inner[1:, 1:3] = True
    open_ = suppression.exposed(table, counts, hidden=inner.ravel(), sensitive=small(counts), **LEAST)
    assert np.flatnonzero(open_).tolist() == [5]
    assert shortfalls(table, counts, inner.ravel()) == 0
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    assert hidden.sum() > inner.sum()


def test_the_same_person_in_a_county_and_its_city_is_one_reader():
    # city 1 has county a alone, of one person: both cells are that person, and none of them is a way round for the other
    table = suppression.lattice([-1, 0, 0, 1, 2, 2], 1)
    finest = np.zeros((1, table.rows), dtype=int)
    finest[0, [3, 4, 5]] = [1, 30, 40]
    counts = full_counts(table, finest)
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    assert shortfalls(table, counts, hidden) == 0
    # the whole goes: city 2 alone would follow from its counties
    assert hidden.reshape(2, -1)[0].tolist() == [True, True, False, True, False, False, False, False, False]


def test_audit_of_a_table_done_by_hand():
    # rows 4+16=20, 6+24=30, columns 10, 40; all four inner cells hidden: x11 in 0..10, x22 in 20..30
    sums = csr_array(
        np.array(
            [[1, 1, 0, 0, -1, 0, 0, 0], [0, 0, 1, 1, 0, -1, 0, 0], [1, 0, 1, 0, 0, 0, -1, 0], [0, 1, 0, 1, 0, 0, 0, -1]]
        )
    )
    counts = np.array([4.0, 16, 6, 24, 20, 30, 10, 40])
    ends = suppression.audit(counts, sums, np.arange(8) < 4)
    assert ends == pytest.approx(np.array([[0, 10], [10, 20], [0, 10], [20, 30]]), abs=SOLVER)


def test_audit_refuses_what_would_prove_nothing():
    sums = csr_array(np.array([[1.0, 1.0, -1.0]]))
    with pytest.raises(ValueError, match="do not add up"):
        suppression.audit(np.array([1.0, 2.0, 4.0]), sums, np.array([True, True, False]))
    with pytest.raises(ValueError, match="hidden cells only"):
        suppression.audit(np.array([1.0, 2.0, 3.0]), sums, np.array([True, True, False]), [2])


def test_a_tree_out_of_order_is_refused():
    with pytest.raises(ValueError, match="root"):
        suppression.lattice([-1, 2, 0], 1)
    with pytest.raises(ValueError, match="column"):
        suppression.lattice([-1, 0], 0)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), mean=st.sampled_from([3, 8, 20]))
def test_no_small_cell_of_a_random_table_can_be_worked_out(seed, mean):
    table, counts = random_table(seed, mean)
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    assert hidden[small(counts)].all()
    assert shortfalls(table, counts, hidden) == 0


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_one_pattern_by_least_counts_protects_every_table(seed):
    table, counts = random_table(seed, 20)
    rng = np.random.default_rng(seed)
    finest = counts.reshape(table.columns + 1, -1)[1:] * ~np.isin(np.arange(table.rows), table.parent)
    many = [full_counts(table, rng.binomial(finest, 0.95)) for _ in range(3)]
    least, some = np.min(many, axis=0), np.any([small(c) for c in many], axis=0)
    partly = some & (np.max(many, axis=0) >= 10)
    if ((least == 0) & (np.max(many, axis=0) >= 10)).any():
        return  # not tables of nearly the same people
    never = never_shown(table)
    common = suppression.protect(table, least, never=never, sensitive=some, partly=partly, **LEAST) | (some & ~partly)
    settled = some & ~suppression.exposed(table, least, hidden=common, sensitive=some, **LEAST)
    assert settled.sum() > some.sum() / 2
    for counts in many:
        # readers know who is nobody, so what is empty in this table is not hidden
        assert shortfalls(table, counts, (common | small(counts)) & (counts > 0), among=settled) == 0
        rest = {"suggested": common, "settled": settled}
        whole = suppression.protect(table, counts, never=never, sensitive=small(counts), **rest, **LEAST)
        assert shortfalls(table, counts, whole) == 0


def test_the_judge_sees_what_hiding_small_cells_alone_gives_away():
    # the negative control: without complementary suppression most random tables give small cells away
    leaks = [
        shortfalls(t, n, small(n) | (never_shown(t) & (n > 0))) > 0 for t, n in (random_table(s, 20) for s in range(6))
    ]
    assert sum(leaks) >= 4


def test_a_reader_alone_in_a_county_and_its_city_learns_of_nobody_else():
    # two cities of one county each; g has one person in the first, h one in the second, who knows both cells of their own
    table = suppression.lattice([-1, 0, 0, 1, 2], 2)
    finest = np.zeros((2, table.rows), dtype=int)
    finest[0, [3, 4]], finest[1, [3, 4]] = [1, 20], [20, 1]
    counts = full_counts(table, finest)
    hidden = suppression.protect(table, counts, never=never_shown(table), sensitive=small(counts), **LEAST)
    known = hidden.copy().reshape(3, -1)
    known[2, [2, 4]] = False
    other = np.flatnonzero(known.ravel() & (counts == 1))
    ends = suppression.audit(counts, suppression.relations(table), known.ravel(), other)
    assert other.tolist() == [table.rows + 1, table.rows + 3]
    assert (ends[:, 1] - ends[:, 0] >= LEAST["difference"]).all()
