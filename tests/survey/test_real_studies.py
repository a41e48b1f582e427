"""Real studies through the whole of this room: the numbers that papers and R give come out of the verbs on the panel.

Tolerances: the references are printed to six decimals (standard errors and coefficients of the mixed models too), so half a
unit of the last one; means and the alpha are of exact sums, the same half unit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import analysis
from survey import open_study
from survey.panel import Panel

PRINTED = 5.1e-7


@pytest.fixture(scope="module")
def panel(real_study: Callable[[str], Path]) -> Callable[[str], Panel]:
    held: dict[str, Panel] = {}

    def build(name: str) -> Panel:
        if name not in held:
            held[name] = open_study(real_study(name)).panel()
        return held[name]

    return build


def rows_of(panel: Panel) -> dict[str, int]:
    return panel.tally.groupby("rule")["rows"].sum().to_dict()


ICC = [
    ("hours", "anova", 0.133107, 0.919673),
    ("leadership", "anova", 0.127028, 0.915613),
    ("cohesion", "anova", 0.044265, 0.775460),
    ("wellbeing", "anova", 0.043369, 0.771713),
    ("hours", "reml", 0.129237, 0.917129),
    ("leadership", "reml", 0.147461, 0.928044),
    ("cohesion", "reml", 0.048048, 0.790075),
]


@pytest.mark.parametrize(("outcome", "method", "icc1", "icc2"), ICC)
def test_soldiers_in_companies_icc(
    panel: Callable[[str], Panel], outcome: str, method: str, icc1: float, icc2: float
) -> None:
    found = analysis.icc(panel("bh1996").members, outcome=outcome, group="group", method=method).tidy()
    got = found.set_index("statistic")["estimate"]
    assert (got["icc1"], got["icc2"]) == pytest.approx((icc1, icc2), abs=PRINTED)


def test_soldiers_in_companies_rows_and_models(panel: Callable[[str], Panel]) -> None:
    members = panel("bh1996").members
    assert rows_of(panel("bh1996")) == {"read": 7382, "as_is": 7382, "repaired": 0}
    assert (len(members), members["group"].nunique(), members["log_member"].notna().sum()) == (7382, 99, 0)
    null = analysis.fit_mixed(members, outcome="wellbeing", random=("group",))
    assert (null.variance_of("group"), null.variance_of("residual")) == pytest.approx((0.035801, 0.789497), abs=PRINTED)
    share = null.variance_of("group") / (null.variance_of("group") + null.variance_of("residual"))
    assert share == pytest.approx(0.043379, abs=PRINTED)
    two = analysis.fit_mixed(members, outcome="wellbeing", fixed=("hours", "hours_company"), random=("group",))
    got = two.coefficients.set_index("term")[["estimate", "std_error"]].loc[["(Intercept)", "hours", "hours_company"]]
    expected = [4.740831, 0.213679, -0.046461, 0.004888, -0.126926, 0.019403]
    assert got.to_numpy().ravel().tolist() == pytest.approx(expected, abs=2 * PRINTED)


def test_students_in_faculties(panel: Callable[[str], Panel]) -> None:
    found = panel("univer_2002")
    items = ["informat", "willingn", "officeho", "compete", "overall"]
    assert rows_of(found) == {"read": 2179, "as_is": 2179, "repaired": 0}
    means = analysis.estimates(found.members, variables=items).tidy().set_index("term")["estimate"]
    assert means[items].tolist() == pytest.approx([5.536485, 5.981643, 5.280863, 5.636989, 5.717760], abs=PRINTED)
    alpha = analysis.reliability(found.members, scales=found.item_scales).tidy()
    assert alpha.loc[alpha["statistic"] == "alpha", "estimate"].item() == pytest.approx(0.856169, abs=PRINTED)
    icc = analysis.icc(found.members, outcome="overall", group="group").tidy().set_index("statistic")["estimate"]
    assert icc[["icc1", "icc2", "icc1_unequal"]].tolist() == pytest.approx([0.226419, 0.980024, 0.235208], abs=PRINTED)
    model = analysis.fit_mixed(found.members, outcome="overall", fixed=tuple(items[:4]), random=("group",))
    assert (model.variance_of("group"), model.variance_of("residual")) == pytest.approx(
        (0.008026, 0.373857), abs=PRINTED
    )
    pd.testing.assert_series_equal(found.members["service"], found.members[items[:4]].mean(axis=1), check_names=False)


def test_meetings_in_a_city(panel: Callable[[str], Panel]) -> None:
    found = panel("la_meetup_rsvps")
    assert rows_of(found) == {
        "read": 56818,
        "as_is": 56818,
        "repaired": 0,
        "note:attendance_not_recorded": 17,  # by pandas: rows of events that nobody said yes to
        "note:near_duplicate": 247,  # by pandas: duplicated (member, created) beyond the first
    }
    assert found.aside.empty
    careers = found.careers
    assert careers["member"].nunique() == len(careers) == 11284
    assert (careers["count"] > 1).mean() == pytest.approx(0.480681, abs=PRINTED)
    assert careers["count"].mean() == pytest.approx(3.927774, abs=PRINTED)
    assert careers["count"].sum() == 44321


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("bh1996", ("log", "registry", "items", "regions", "attraction", "detachment", "contact")),
        ("univer_2002", ("log", "registry", "regions", "attraction", "cohesion", "detachment", "contact")),
        ("la_meetup_rsvps", ("survey", "registry", "scales", "items", "regions", "groups", "attraction", "cohesion")),
    ],
)
def test_a_study_says_what_it_does_not_have(panel: Callable[[str], Panel], name: str, missing: tuple[str, ...]) -> None:
    needs = (
        "survey",
        "log",
        "registry",
        "scales",
        "items",
        "regions",
        "groups",
        "attraction",
        "cohesion",
        "detachment",
        "contact",
    )
    told = panel(name).missing_inputs(needs)
    assert set(missing) <= set(told)
    assert {"bh1996": "groups", "univer_2002": "items", "la_meetup_rsvps": "log"}[name] not in told
