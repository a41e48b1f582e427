"""Seeded mutations: what offices do to tables, and, by `damage`, what programs and disks do to files.

Each mutation is drawn by a `random.Random` whose seed is the number of the case, so a number is a file. Mutations that leave a file
that must be accepted (rows in another order, another line ending, another valid answer) are marked sure.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.survey.fuzz.damage import Mutated, changed_lines, damaged, damaged_part, rewritten
from tests.survey.fuzz.forms import parquet_bytes, xlsx_bytes
from tests.survey.fuzz.nasty import NASTY
from tests.survey.fuzz.seeds import Seed, Table


def _at(rng: random.Random, table: Table, head: int) -> tuple[int, int]:
    row = rng.randrange(head, len(table))
    return row, rng.randrange(len(table[row]))


def valid_cells(rng: random.Random, table: Table, seed: Seed) -> None:
    """Another person's answer to the same question, or two of them swapped: undetectable, so the new answers must come out."""
    column = rng.choice(
        [n for target, n in seed.columns.items() if target not in ("member", "group", "region", "activity")]
    )
    a, b = (rng.randrange(seed.head, len(table)) for _ in "ab")
    if rng.random() < 0.5:
        table[a][column] = table[b][column]
    else:
        table[a][column], table[b][column] = table[b][column], table[a][column]


def shuffle_rows(rng: random.Random, table: Table, seed: Seed) -> None:
    body = table[seed.head :]
    rng.shuffle(body)
    table[seed.head :] = body


def drop_rows(rng: random.Random, table: Table, seed: Seed) -> None:
    for _ in range(rng.randrange(1, len(table) - seed.head)):
        del table[rng.randrange(seed.head, len(table))]


def repeat_rows(rng: random.Random, table: Table, seed: Seed) -> None:
    for _ in range(rng.randrange(1, 4)):
        table.insert(rng.randrange(seed.head, len(table) + 1), list(table[rng.randrange(seed.head, len(table))]))


def blank_rows(rng: random.Random, table: Table, seed: Seed) -> None:
    for _ in range(rng.randrange(1, 4)):
        table.insert(rng.randrange(seed.head + 1, len(table) + 1), [""] * len(table[0]))


def shuffle_columns(rng: random.Random, table: Table, seed: Seed) -> None:
    order = list(range(len(table[0])))
    rng.shuffle(order)
    table[:] = [[row[n] for n in order] for row in table]


def total_row(rng: random.Random, table: Table, seed: Seed) -> None:
    row = ["" if rng.random() < 0.5 else str(rng.randrange(500)) for _ in table[0]]
    table.append([rng.choice(("合计", "总计", "Total", "平均")), *row[1:]])


def nasty_cells(rng: random.Random, table: Table, seed: Seed) -> None:
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        row, column = _at(rng, table, seed.head)
        if rng.random() < 0.8:
            column = rng.choice(list(seed.columns.values()))
        table[row][column] = rng.choice(NASTY)


def nasty_column(rng: random.Random, table: Table, seed: Seed) -> None:
    column, value = rng.randrange(len(table[0])), rng.choice(NASTY)
    for row in table[seed.head :]:
        row[column] = value


def swap_any_cells(rng: random.Random, table: Table, seed: Seed) -> None:
    (a, b), (c, d) = _at(rng, table, seed.head), _at(rng, table, seed.head)
    table[a][b], table[c][d] = table[c][d], table[a][b]


def shift_row(rng: random.Random, table: Table, seed: Seed) -> None:
    row = table[rng.randrange(seed.head, len(table))]
    if rng.random() < 0.5:
        row.insert(rng.randrange(len(row)), rng.choice(NASTY))
    else:
        del row[rng.randrange(len(row))]


def as_decimals(rng: random.Random, table: Table, seed: Seed) -> None:
    """What a data frame with a gap makes of whole numbers."""
    column = rng.choice(list(seed.columns.values()))
    for row in table[seed.head :]:
        row[column] += ".0" if row[column].isdigit() else ""


def header_cell(rng: random.Random, table: Table, seed: Seed) -> None:
    row, column = table[rng.randrange(seed.head)], rng.randrange(len(table[0]))
    edits = (
        rng.choice(NASTY),
        row[column] + " ",
        row[column].upper(),
        row[column][:-1],
        rng.choice(row),
        f"{row[column]}.1",
    )
    row[column] = rng.choice(edits)


def swap_headers(rng: random.Random, table: Table, seed: Seed) -> None:
    a, b = (rng.randrange(len(table[0])) for _ in "ab")
    for row in table[: seed.head]:
        row[a], row[b] = row[b], row[a]


def header_rows(rng: random.Random, table: Table, seed: Seed) -> None:
    at = rng.randrange(seed.head)
    choice = rng.randrange(4)
    if choice == 0:
        del table[at]
    elif choice == 1:
        table.insert(rng.randrange(len(table)), list(table[at]))
    elif choice == 2:
        table.insert(0, [rng.choice(("调查结果", "Results 2024", *NASTY)), *[""] * (len(table[0]) - 1)])
    else:
        table.insert(at, [""] * len(table[0]))


def spare_column(rng: random.Random, table: Table, seed: Seed) -> None:
    at, name = rng.randrange(len(table[0]) + 1), rng.choice(NASTY)
    for n, row in enumerate(table):
        row.insert(at, name if n < seed.head else rng.choice(NASTY))


def drop_column(rng: random.Random, table: Table, seed: Seed) -> None:
    at = rng.randrange(len(table[0]))
    for row in table:
        del row[at]


TableMutation = Callable[[random.Random, Table, Seed], None]
SURE: tuple[TableMutation, ...] = (valid_cells, shuffle_rows, drop_rows, repeat_rows)
SURE_WHERE_PLAIN: tuple[TableMutation, ...] = (shuffle_columns,)
UNSURE: tuple[TableMutation, ...] = (
    *(
        nasty_cells,
        nasty_cells,
        nasty_cells,
        nasty_column,
        swap_any_cells,
        shift_row,
        as_decimals,
        blank_rows,
        total_row,
    ),
    *(header_cell, swap_headers, header_rows, spare_column, drop_column),
)
ROWS_ALONE: tuple[TableMutation, ...] = (nasty_cells, swap_any_cells, blank_rows)  # what SPSS and Stata can be given


def _changed_table(rng: random.Random, seed: Seed) -> Mutated:
    labelled = seed.form in ("sav", "dta")
    sure = SURE + (SURE_WHERE_PLAIN if seed.plain and not labelled else ())
    mutation = rng.choice(sure if rng.random() < 0.35 else ROWS_ALONE if labelled else UNSURE)
    table = [list(row) for row in seed.table]
    mutation(rng, table, seed)
    if seed.form == "parquet" and len({*table[0]}) < len(table[0]):
        return Mutated(mutation.__name__, xlsx_bytes(table))  # a workbook under the name of a Parquet file
    return Mutated(
        mutation.__name__,
        seed.data(table),
        table,
        seed.delimiter,
        sure=mutation in sure and not (seed.strict and mutation is repeat_rows),
    )


def mutate(seed: Seed, data: bytes, number: int) -> Mutated:
    """Give the file of a case; `data` is the whole file."""
    rng = random.Random(number)
    chance = rng.random()
    if seed.holds == "study":
        return changed_lines(rng, seed, data) if chance < 0.6 else damaged(rng, seed, data)
    if seed.form == "xlsx" and chance < 0.25:
        return damaged_part(rng, seed, data)
    if seed.form == "csv" and chance < 0.12:
        return rewritten(rng, seed)
    if seed.form == "parquet" and chance < 0.2:
        return damaged(rng, seed, parquet_bytes(seed.table, checked=True))
    return damaged(rng, seed, data) if chance < 0.55 else _changed_table(rng, seed)
