"""Which further cells must be hidden so that the small ones cannot be worked out from the others?

A table of counts that is a tree (regions) crossed with a flat column (groups) is a network: every cell stands in
exactly two sums, once on each side, so a cell is an arc and a sum is a node. A hidden cell can be raised by what can flow
back from its head to its tail over other hidden cells; raising is free, lowering stops at nought. From this follow

- a fast proof: cells of at least ``difference`` people can be lowered by that much, so a small cell whose two ends lie in
  one strongly connected component of such arcs can be raised by ``difference``, and nobody can tell;
- an exact test for the rest: a maximum flow;
- the cheapest further cells to hide: a shortest path over what is still shown.

Sources: Cox (1995), Network models for complementary cell suppression, JASA 90, 1453-1462; Castro (2007), A shortest-paths
heuristic for statistical data protection in positive tables, INFORMS Journal on Computing 19, 520-533; Fischetti and
Salazar (2001), Solving the cell suppression problem, Management Science 47, 1008-1027 (the intervals that `audit` computes).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]
Ways = list[dict[int, int]]

_FREE = 1_000_000
_HIDDEN_COST = 1e-3


@dataclass(frozen=True, slots=True)
class Lattice:
    """The cells of a tree crossed with a flat column, as arcs between the sums they stand in.

    Attributes
    ----------
    parent : (rows,) int
        The row above each row, -1 for the root. Rows are the tree's nodes, then one row of its own (the people
        coded at the node itself) for each node that has children, and for the root.
    own : (rows,) bool
        The rows of their own: never shown.
    columns : int
        Columns besides the total. A cell's place is ``column * rows + row``; column 0 is the total.
    tail, head : (cells,) int
        The two sums each cell stands in.
    height : (cells,) int
        How many sums the cell is a total of, one above the other; 0 for the finest cells.
    nodes : int
        Number of sums.
    """

    parent: Ints
    own: Mask
    columns: int
    tail: Ints
    head: Ints
    height: Ints
    nodes: int

    @property
    def rows(self) -> int:
        """Number of rows, those of their own included."""
        return len(self.parent)

    @property
    def cells(self) -> int:
        """Number of cells: rows times columns, the total column included."""
        return len(self.tail)


def lattice(parent: Iterable[int], columns: int) -> Lattice:
    """Build the network of a tree crossed with a flat column.

    Parameters
    ----------
    parent : (nodes of the tree,) int
        The node above each node; the first is the root with -1, and a node comes after its parent.
    columns : int
        Number of values of the flat column, those who have none counted as one more; at least 1.

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        When the tree is not in that order or there is no column.
    """
    tree = np.asarray(list(parent), dtype=np.int64)
    if not len(tree) or tree[0] != -1 or (tree[1:] < 0).any() or (tree[1:] >= np.arange(1, len(tree))).any():
        raise ValueError("a tree starts with its root (-1) and names a node before the nodes below it")
    if columns < 1:
        raise ValueError(f"a table needs at least one column, seen {columns}")
    inner = np.union1d(tree[1:], [0])
    rows = np.concatenate([tree, inner])
    own = np.arange(len(rows)) >= len(tree)
    tail, head, nodes = _arcs(rows, inner, columns)
    height = _heights(rows)
    height = height[None, :] + (np.arange(columns + 1)[:, None] == 0)
    return Lattice(rows, own, columns, tail, head, height.ravel(), nodes)


def relations(table: Lattice) -> csr_array:
    """Give the sums as a matrix, shape (sums, cells) of +1 and -1: times the counts it is nought."""
    cells = np.arange(table.cells)
    sign = np.ones(table.cells)
    rows, columns = np.concatenate([table.tail, table.head]), np.concatenate([cells, cells])
    return csr_array((np.concatenate([sign, -sign]), (rows, columns)), shape=(table.nodes, table.cells))


def below(table: Lattice) -> Floats:
    """Give the matrix, shape (rows, rows), that adds each row's finest rows up to every row above them."""
    adds = np.eye(table.rows)
    adds[np.unique(table.parent[table.parent >= 0])] = 0.0
    for row in range(table.rows - 1, 0, -1):
        step = table.parent[row]
        while step >= 0 and adds[row, row]:
            adds[step, row] = 1.0
            step = table.parent[step]
    return adds


def protect(
    table: Lattice,
    people: Ints,
    *,
    never: Mask,
    sensitive: Mask,
    minimum: int,
    difference: int,
    suggested: Mask | None = None,
    partly: Mask | None = None,
    settled: Mask | None = None,
) -> Mask:
    """Hide further cells until no sensitive cell can be worked out from what is still shown.

    Parameters
    ----------
    table : Lattice
        The cells and the sums between them.
    people : (cells,) int
        People in each cell. Where persons stand in several cells at once these are distinct persons, which is never
        more than what the sums add, so the protection is at least as strong as computed.
    never : (cells,) bool
        Cells that nobody shows in any case: rows of their own, people without a value of the column.
    sensitive : (cells,) bool
        Cells that must not be worked out: those below the minimum, and what the caller adds. They are hidden where anybody
        is in them.
    minimum, difference : int
        What the feasible interval of a sensitive cell must reach, and how wide it must be at least (never less than
        ``minimum``: the proofs below find widths).
    suggested : (cells,) bool, optional
        Cells to hide beforehand, such as the pattern of a variable answered by nearly the same people.
    partly : (cells,) bool, optional
        When ``people`` holds the least counts of many tables that get one pattern: the sensitive cells that some tables
        show. They are protected but protect nobody, and are not hidden for that. Least counts need not add up, so a cell may
        have no way round over what all tables fill: it is left to each table (`exposed` tells which are).
    settled : (cells,) bool, optional
        Sensitive cells known to be safe once these are hidden (see `exposed`); they are not looked at again.

    Returns
    -------
    (cells,) bool
        What is hidden, ``never`` included. An empty cell is never hidden: readers know that it is empty.

    Notes
    -----
    For every sensitive cell the other hidden cells leave an interval that is ``difference`` wide and reaches ``minimum``
    (proved by flow, not only checked); also for a reader who is the only one of another cell and knows it, as far as there is a
    way round without all such cells. Cost of a further cell: its people, so that a total goes only where nothing finer works;
    ties go to the finer, then to the first cell. Deterministic.
    """
    kept = sensitive if partly is None else sensitive & ~partly
    filled = people > 0
    hidden = filled & (never | kept | (False if suggested is None else suggested))
    given = hidden.copy()
    left = sensitive & (True if settled is None else ~settled)
    readers = []
    for alone in (False, True):
        net = _Network.of(table, people, filled, sensitive, minimum, difference, alone=alone)
        readers.append((net, left & net.on_a_way_round()))
        net.hide_round(hidden, readers[-1][1].copy())
    return _spared(hidden, given, readers)


def exposed(table: Lattice, people: Ints, *, hidden: Mask, sensitive: Mask, minimum: int, difference: int) -> Mask:
    """Tell which sensitive cells the hidden ones do not protect; arguments as in `protect`, result (cells,) bool.

    A cell that is safe with the least people of many tables and what is hidden in all of them is safe in each of them:
    nothing that is empty in one of them counts as hidden.
    """
    found = np.zeros(table.cells, dtype=bool)
    hidden = hidden & (people > 0)  # readers know that an empty cell is empty: it can be neither raised nor lowered
    for alone in (False, True):
        net = _Network.of(table, people, hidden, sensitive, minimum, difference, alone=alone)
        found[net.exposed(hidden, sensitive)[0]] = True
    return found


def audit(counts: Floats, sums: csr_array, hidden: Mask, cells: Iterable[int] | None = None) -> Floats:
    """What a reader can prove about hidden cells: the feasible interval of each, by linear programming.

    Parameters
    ----------
    counts : (cells,) float
        The true counts; those of shown cells are known to the reader, the hidden ones only as not negative.
    sums : (relations, cells) sparse
        The sums that the reader knows to hold: ``sums @ counts == 0``.
    hidden : (cells,) bool
        The cells not shown.
    cells : iterable of int, optional
        Which hidden cells to look at; all by default.

    Returns
    -------
    (number of cells, 2) float
        Least and largest feasible count; infinite where nothing bounds it.

    Raises
    ------
    ValueError
        When the counts do not fit the sums, or a cell asked for is not hidden.
    """
    counts = np.asarray(counts, dtype=np.float64)
    if np.abs(sums @ counts).max(initial=0.0) > 1e-6:
        raise ValueError("the counts do not add up in the sums given: an audit of them would prove nothing")
    place = np.flatnonzero(hidden)
    wanted = place if cells is None else np.asarray(list(cells), dtype=np.int64)
    if not np.isin(wanted, place).all():
        raise ValueError("a cell that is shown has no feasible interval: ask for hidden cells only")
    matrix, known = sums.tocsc()[:, place], -(sums @ np.where(hidden, 0.0, counts))
    ends = [(_end(matrix, known, at, 1.0), -_end(matrix, known, at, -1.0)) for at in np.searchsorted(place, wanted)]
    return np.asarray(ends, dtype=np.float64).reshape(-1, 2)


def _arcs(rows: Ints, inner: Ints, columns: int) -> tuple[Ints, Ints, int]:
    """Tail (where the cell counts +1) and head (-1) of each cell; the total column runs against the others."""
    top = (columns + 1) * len(inner) + len(rows) - len(inner)
    place = np.full(len(rows), -1)
    place[inner] = np.arange(len(inner))
    atoms = np.flatnonzero(place < 0)
    crossing = np.full(len(rows), -1)
    crossing[atoms] = (columns + 1) * len(inner) + np.arange(len(atoms))
    start = np.arange(columns + 1)[:, None] * len(inner)
    lower = np.where(place >= 0, start + place, crossing)
    upper = np.where(rows >= 0, start + place[rows], top)
    tail, head = lower.copy(), upper.copy()
    tail[0], head[0] = upper[0], lower[0]
    return tail.ravel(), head.ravel(), top + 1


def _heights(rows: Ints) -> Ints:
    height = np.zeros(len(rows), dtype=np.int64)
    for row in range(len(rows) - 1, 0, -1):
        height[rows[row]] = max(height[rows[row]], height[row] + 1)
    return height


@dataclass(frozen=True, slots=True)
class _Network:
    """One table of people as a network: what can be raised and lowered, and what hiding a cell costs."""

    table: Lattice
    people: Ints
    sensitive: Mask
    minimum: int
    difference: int
    large: Mask  # cells that can be lowered by the whole difference
    lower: Ints  # by how much each cell can be lowered; a sensitive cell never by as much as the minimum
    cost: Floats
    start: Ints  # the arcs a path may use: start, end and their cell
    end: Ints
    cell: Ints
    arcs: dict[tuple[int, int], int]
    moves: Mask  # cells that hide others: for a reader who is the only one of a cell, all that more people are in
    tail: Ints  # the two ends of each cell; of one of a single person those of all cells that hold this person alone
    head: Ints

    @classmethod
    def of(
        cls,
        table: Lattice,
        people: Ints,
        filled: Mask,
        sensitive: Mask,
        minimum: int,
        difference: int,
        *,
        alone: bool,
    ) -> _Network:
        """Build it for a reader who knows nothing, or (``alone``) for any who is the only one of a cell and knows it."""
        difference = max(difference, minimum)  # an interval this wide reaches the minimum, wherever it begins
        lower = np.where(sensitive, np.minimum(people, minimum - 1), people)
        large = (people >= difference) & ~sensitive
        moves = filled & (people > 1) if alone else filled
        tail, head = _chained(table, filled, people) if alone else (table.tail, table.head)
        up, down = np.flatnonzero(moves), np.flatnonzero(large)
        start = np.concatenate([table.tail[up], table.head[down]])
        end = np.concatenate([table.head[up], table.tail[down]])
        cell = np.concatenate([up, down])
        cost = people + 1 + table.height + np.arange(len(people)) * (0.5 / len(people))
        arcs = dict(zip(zip(start.tolist(), end.tolist(), strict=True), cell.tolist(), strict=True))
        numbers = (minimum, difference, large, lower, cost, start, end, cell, arcs)
        return cls(table, people, sensitive, *numbers, moves, tail, head)

    def exposed(self, hidden: Mask, doubted: Mask, suspected: Ints | None = None) -> tuple[Ints, Labels]:
        """The doubted cells whose feasible interval is too short, and the classes of sums.

        Sums with one label can trade ``difference`` people both ways, whichever small cell is left out; cells between two
        classes are looked at by maximum flow. With ``suspected`` (cells,) the most suspected come first and one is enough.
        """
        cells = np.flatnonzero(hidden & self.moves)
        if not doubted.any():
            return np.empty(0, dtype=np.int64), np.arange(self.table.nodes, dtype=np.int32)
        labels, room = self._merged(self._classes(cells), cells)
        tail, head = labels[self.tail], labels[self.head]
        doubtful = np.flatnonzero(doubted & (tail != head))
        own = np.where(self.moves, self.lower, 0)  # a cell's own arc is no way round
        least = _two_steps(room, head[doubtful], tail[doubtful]) - own[doubtful]
        doubtful = doubtful[least < self.difference]
        # what leaves one end or reaches the other bounds every flow: most cells fail or pass without one
        bound = np.minimum(room.sum(1)[head[doubtful]], room.sum(0)[tail[doubtful]]) - own[doubtful]
        lost = bound + self.lower[doubtful] < min(self.minimum, self.difference)
        known, doubtful = doubtful[lost], doubtful[~lost]
        if suspected is not None:
            if len(known):
                return known, labels
            doubtful = doubtful[np.argsort(-suspected[doubtful], kind="stable")]
        ways = _ways(room)
        failing = (
            c for c in doubtful if not self._safe(ways, int(tail[c]), int(head[c]), int(self.lower[c]), int(own[c]))
        )
        found = list(islice(failing, None if suspected is None else 1))
        return np.concatenate([known, np.asarray(found, dtype=np.int64)]), labels

    def on_a_way_round(self) -> Mask:
        """The cells that hiding can protect: in counts that add up all filled ones, in the least counts of many tables not."""
        whole = _components(self.start, self.end, self.table.nodes)
        return whole[self.tail] == whole[self.head]

    def hide_round(self, hidden: Mask, left: Mask) -> None:
        """Hide the cheapest ways round until none of the cells that are left to look at is exposed."""
        while True:
            open_, labels = self.exposed(hidden, left)
            if not len(open_):
                return
            # what is safe stays so when more is hidden
            left[:] = False
            left[open_] = True
            for cell in open_[np.lexsort((open_, -self.people[open_]))]:
                if labels[self.tail[cell]] != labels[self.head[cell]]:
                    path, sums = self.cheapest_cycle(cell, hidden, labels)
                    hidden[path] = True
                    # all sums on the cycle can now trade with one another
                    labels[np.isin(labels, labels[sums])] = labels[sums[0]]

    def cheapest_cycle(self, cell: int, hidden: Mask, labels: Labels) -> tuple[list[int], list[int]]:
        """The cells and sums on the cheapest way round by which the cell can be raised by ``difference``.

        Besides the cells that can move so far, a way may cross a class: through a place of its own, at no cost.
        """
        t = self.table
        every, place = np.arange(t.nodes), t.nodes + labels
        start, end = np.concatenate([self.start, every, place]), np.concatenate([self.end, place, every])
        cells = np.concatenate([self.cell, np.full(2 * t.nodes, -1)])
        cost = np.where(cells < 0, _HIDDEN_COST, np.where(hidden, _HIDDEN_COST, self.cost)[cells])
        graph = csr_array((cost, (start, end)), shape=(2 * t.nodes, 2 * t.nodes))
        before = dijkstra(graph, indices=self.head[cell], return_predecessors=True)[1]
        sums = [int(self.tail[cell])]
        while sums[-1] != self.head[cell]:
            sums.append(int(before[sums[-1]]))
        steps = {(int(a), int(b)) for a, b in zip(sums[1:], sums, strict=False)}
        path = [self.arcs[step] for step in steps if step in self.arcs]
        return path, [s for s in sums if s < t.nodes]

    def _classes(self, cells: Ints) -> Labels:
        big = cells[self.large[cells]]
        t = self.table
        start, end = np.concatenate([t.tail[cells], t.head[big]]), np.concatenate([t.head[cells], t.tail[big]])
        return _components(start, end, t.nodes)

    def _merged(self, labels: Labels, cells: Ints) -> tuple[Labels, Ints]:
        """Merge classes that many small cells connect; give the labels and the capacities between the classes."""
        enough = self.difference + self.minimum - 1
        while True:
            size = int(labels.max()) + 1
            room = self._capacities(labels, cells, size)
            start, end = np.nonzero(room)
            strong = _two_steps(room, start, end) >= enough
            again = _components(start[strong], end[strong], size)
            if again.max() + 1 == size:
                return labels, room
            labels = again[labels]

    def _capacities(self, labels: Labels, cells: Ints, size: int) -> Ints:
        tail, head = labels[self.table.tail[cells]], labels[self.table.head[cells]]
        place, room = np.concatenate([tail * size + head, head * size + tail]), self.lower[cells]
        both = np.concatenate([np.full(len(cells), _FREE), room])
        total = np.bincount(place, weights=both, minlength=size * size).reshape(size, size)
        np.fill_diagonal(total, 0.0)
        return np.minimum(total, _FREE).astype(np.int64)

    def _safe(self, ways: Ways, tail: int, head: int, room: int, own: int) -> bool:
        """Whether the interval of a cell from tail to head, of ``room`` people, is wide enough and reaches the minimum.

        ``own`` is what the cell's own arc adds to the ways.
        """
        up = _flow(ways, head, tail, own, self.difference)
        if up >= self.difference:
            return True
        if room + up < min(self.minimum, self.difference):
            return False
        down = min(room, _flow(ways, tail, head, _FREE if own else 0, room))
        return room + up >= self.minimum and up + down >= self.difference


def _spared(hidden: Mask, given: Mask, readers: list[tuple[_Network, Mask]]) -> Mask:
    """Show again the totals that turn out not to be needed, the dearest first; ``given`` stays hidden."""
    net = readers[0][0]
    added = np.flatnonzero(hidden & ~given & (net.table.height > 0))
    batches = [added[np.argsort(-net.cost[added])]] if len(added) else []
    failed, tries = np.zeros(net.table.cells, dtype=np.int64), 0  # what failed last will fail again
    while batches:
        batch = batches.pop()
        hidden[batch] = False
        found = next((f for n, doubted in readers if len(f := n.exposed(hidden, doubted, failed)[0])), None)
        if found is not None:
            hidden[batch] = True
            tries += 1
            failed[found] = tries
            if len(batch) > 1:
                half = len(batch) // 2
                batches += [batch[half:], batch[:half]]
    return hidden


def _chained(table: Lattice, filled: Mask, people: Ints) -> tuple[Ints, Ints]:
    """The ends of each cell; cells of one person that follow from one another, over sums of nobody else, end where the last does.

    A county's only member is the city's only member too: whoever is meant to be hidden there is no stranger to the other cell.
    """
    tail, head = table.tail.copy(), table.head.copy()
    single = np.flatnonzero(filled & (people == 1))
    nodes = np.concatenate([table.tail[filled], table.head[filled]])
    times = np.bincount(nodes, minlength=table.nodes)
    leaves = {int(table.tail[c]): int(c) for c in single}
    enters = {int(table.head[c]): int(c) for c in single}
    for cell in single:
        at, seen = int(head[cell]), {int(cell)}
        while times[at] == 2 and at in leaves and leaves[at] not in seen:
            seen.add(leaves[at])
            at = int(table.head[leaves[at]])
        head[cell] = at
        at = int(tail[cell])
        while times[at] == 2 and at in enters and enters[at] not in seen:
            seen.add(enters[at])
            at = int(table.tail[enters[at]])
        tail[cell] = at
    return tail, head


def _components(start: Ints, end: Ints, size: int) -> Labels:
    graph = csr_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(size, size))
    return connected_components(graph, directed=True, connection="strong")[1]


def _two_steps(room: Ints, start: NDArray[np.integer], end: NDArray[np.integer]) -> Ints:
    """Least flow from start to end: straight, and by one class in between (such ways share no arc)."""
    return room[start, end] + np.minimum(room[start], room.T[end]).sum(axis=1)


def _ways(room: Ints) -> Ways:
    """The capacities as neighbours of each class."""
    ways: Ways = [{} for _ in room]
    for start, end in zip(*np.nonzero(room), strict=True):
        ways[start][int(end)] = int(room[start, end])
    return ways


def _flow(ways: Ways, source: int, sink: int, without: int, enough: int) -> int:
    """Largest flow from source to sink, up to ``enough``, without the cell's own arc between them of that capacity.

    Shortest ways are filled one after the other (Edmonds and Karp 1972); these graphs are small.
    """
    used = {(source, sink): without}
    total = 0
    while total < enough:
        before = _reach(ways, used, source, sink)
        if sink not in before:
            break
        path, node = [], sink
        while node != source:
            path.append((before[node], node))
            node = before[node]
        more = min(enough - total, *(ways[a].get(b, 0) - used.get((a, b), 0) for a, b in path))
        for a, b in path:
            used[a, b] = used.get((a, b), 0) + more
            used[b, a] = used.get((b, a), 0) - more
        total += more
    return total


def _reach(ways: Ways, used: dict[tuple[int, int], int], source: int, sink: int) -> dict[int, int]:
    """Search in breadth for the sink over arcs with room; give where each class was reached from."""
    before, edge = {source: source}, [source]
    while edge and sink not in before:
        ahead = []
        for a in edge:
            for b, room in ways[a].items():
                if b not in before and room > used.get((a, b), 0):
                    before[b] = a
                    ahead.append(b)
        edge = ahead
    return before


def _end(matrix: csr_array, known: Floats, at: int, sign: float) -> float:
    goal = np.zeros(matrix.shape[1])
    goal[at] = sign
    answer = linprog(goal, A_eq=matrix, b_eq=known, bounds=(0, None), method="highs")
    if answer.status == 3:
        return -np.inf
    if answer.status != 0:
        raise ValueError(f"the audit found no answer for a cell: {answer.message}")
    return float(answer.fun)
