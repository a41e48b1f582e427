"""Steps beyond coming and coming back: who stays, volunteers, joins, says so; by hand, and a simulated truth of small units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from statsmodels.stats.proportion import proportion_confint

from analysis import Design, estimates
from analysis.questions.attraction import fit_attraction

EXACT = 1e-12
SURE = 3
NAMES = {"group": "group", "region": None, "wave": "wave", "hierarchy": None}


def came(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    """A row a wave, member and group, with the day of the last time; first the same, no second."""
    frame = pd.DataFrame(rows, columns=["wave", "member", "group", "last"]).astype({"last": "datetime64[us]"})
    return frame.assign(first=frame["last"], second=pd.NaT, volunteered=0)


# Window of 100 days; ends on day 100, 150 and 260: the second wave's window reaches back into the first's.
ENDS = {"1": "2024-04-10", "2": "2024-05-30", "3": "2024-09-17"}
CAME = came(
    [
        ("1", "ann", "g1", "2024-03-01"),
        ("1", "bob", "g1", "2024-03-01"),
        ("1", "cat", "g1", "2024-03-01"),
        ("1", "dan", "g2", "2024-03-01"),
        ("2", "ann", "g1", "2024-05-01"),
        ("2", "dan", "g2", "2024-03-01"),
        ("3", "bob", "g1", "2024-08-01"),
        ("3", "dan", "g1", "2024-08-01"),
    ]
)


def seen(silent: dict[str, str] | None = None, **more) -> pd.DataFrame:
    rows = [(w, g, end) for w, end in ENDS.items() for g in ("g1", "g2")]
    frame = pd.DataFrame(rows, columns=["wave", "organisation", "end"]).astype({"end": "datetime64[us]"})
    quiet = [(silent or {}).get(w) == g for w, g in zip(frame["wave"], frame["organisation"], strict=True)]
    return frame.assign(reported=~np.array(quiet), **more)


def step(careers, term, statistic="conditional", *, wave, group="*", domain="*", **options) -> pd.Series:
    table = fit_attraction(
        None, careers, options.pop("members", None), options.pop("registry", None), **(NAMES | options)
    ).tidy()
    keys = ["wave", "group", "domain", "term", "statistic"]
    found = table[(table[keys] == [wave, group, domain, term, statistic]).all(axis=1) & (table["region"] == "*")]
    assert len(found) == 1
    return found.iloc[0]


def test_the_next_window_is_one_that_does_not_reach_back():
    """Wave 2's window opens before wave 1 is over, so wave 3 says who of wave 1 stayed: bob with g1; dan came to another."""
    found = step(CAME, "stayed", wave="1", observed=seen(), window_days=100)
    assert (found["estimate"], found["n"], found["status"]) == (1 / 4, 4, "ok")
    of_g1 = step(CAME, "stayed", wave="1", group="g1", observed=seen(), window_days=100)
    assert (of_g1["estimate"], of_g1["n"]) == (1 / 3, 3)
    assert of_g1[["conf_low", "conf_high"]].tolist() == pytest.approx(
        proportion_confint(1, 3, method="wilson"), abs=EXACT
    )


def test_without_a_limit_of_the_window_only_what_came_after_counts():
    """Ann came again in wave 2; dan's row there tells of a time before wave 1 was over."""
    found = step(CAME, "stayed", wave="1", observed=seen())
    assert (found["estimate"], found["n"]) == (1 / 4, 4)
    assert step(CAME, "stayed", wave="1", group="g2", observed=seen())["estimate"] == 0


def test_the_last_wave_is_not_followed_yet():
    found = step(CAME, "stayed", wave="3", observed=seen(), window_days=100)
    assert found["status"] == "not_estimable"
    assert np.isnan(found["estimate"])


def test_who_came_to_an_organisation_that_is_silent_later_has_not_left():
    options = {"observed": seen({"3": "g2"}), "window_days": 100}
    assert step(CAME, "stayed", wave="1", group="g2", **options)["status"] == "not_reported"
    whole = step(CAME, "stayed", wave="1", **options)
    assert (whole["estimate"], whole["n"]) == (1 / 3, 3)


def test_nor_are_they_in_a_study_without_organisations():
    careers = CAME[CAME["group"] == "g1"].drop(columns="group").assign(volunteered=0)
    alone = seen().drop_duplicates("wave").assign(organisation=None)
    for told, status in ((True, "ok"), (False, "not_reported")):
        where = NAMES | {"group": None, "observed": alone.assign(roles=told)}
        rows = fit_attraction(None, careers, None, None, **where).tidy()
        asked = (rows["term"] == "volunteered") & (rows["statistic"] == "conditional") & (rows["wave"] == "1")
        assert set(rows.loc[asked & (rows["domain"] == "*"), "status"]) == {status}


def test_roles_that_nobody_wrote_down_are_not_zero():
    careers = CAME.assign(volunteered=[2, 0, 0, 1, 0, 0, 0, 0])
    told = seen(roles=[True, False] * 3)
    assert step(careers, "volunteered", wave="1", group="g1", observed=told)["estimate"] == 1 / 3
    assert step(careers, "volunteered", wave="1", group="g2", observed=told)["status"] == "not_reported"
    whole = step(careers, "volunteered", wave="1", observed=told)
    assert (whole["estimate"], whole["n"]) == (1 / 3, 3)


def test_joined_is_of_those_the_organisation_is_there_for():
    registry = pd.DataFrame({"wave": "1", "group": ["g1", "g2"], "members": [30, 20], "eligible": [90, 40]})
    found = step(CAME, "joined", wave="1", registry=registry, observed=seen())
    assert (found["estimate"], found["n"]) == (50 / 130, 130)
    low, high = proportion_confint(50, 130, method="wilson")
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx([low, high], abs=EXACT)


def answers() -> pd.DataFrame:
    """Eight answers; six agreed to the link; hal's organisation is silent."""
    rows = [
        ("ann", "g1", "x", 1.0, 1.0), ("bob", "g1", "x", 0.0, 2.0), ("cat", "g1", "y", 1.0, 1.0), ("eve", "g1", "x", 1.0, 1.0),
        ("dan", "g1", "y", 0.0, 3.0), ("hal", "g2", "x", np.nan, 1.0), (None, "g1", "x", 1.0, 1.0), (None, "g2", "y", 0.0, 1.0),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["log_member", "group", "employer", "reached", "weight"])
    return frame.assign(wave="1", intends=[1.0, 0.0] * 4)


def test_what_members_say_has_the_errors_of_the_design():
    design = Design(weights="weight")
    found = step(CAME, "reached", wave="1", members=answers(), design=design, observed=seen())
    rows = estimates(answers(), variables=["reached"], statistic="proportion", by=["wave"], design=design).tidy()
    oracle = rows[rows["term"] == "reached=1"].iloc[0]
    assert found["estimate"] == pytest.approx(4 / 10, abs=EXACT)  # ann, cat, eve and one more, of all but hal
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "n"]
    assert found[numbers].tolist() == pytest.approx(oracle[numbers].tolist(), abs=EXACT)


def test_kinds_of_members_are_counted_among_those_who_agreed_to_the_link():
    """Of x: ann and bob came to g1, eve did not; hal's organisation is silent, one did not agree. Of y: cat came, dan elsewhere."""
    options = {
        "members": answers(),
        "by": ["employer"],
        "observed": seen({"1": "g2"}),
        "design": Design(weights="weight"),
    }
    one = step(CAME, "took_part", wave="1", domain="employer=x", **options)
    assert (one["estimate"], one["n"]) == (pytest.approx(3 / 4, abs=EXACT), 3)
    two = step(CAME, "took_part", wave="1", domain="employer=y", **options)
    assert (two["estimate"], two["n"]) == (pytest.approx(1 / 4, abs=EXACT), 2)
    stayed = step(CAME, "stayed", wave="1", domain="employer=x", **options | {"window_days": 100})
    assert (stayed["estimate"], stayed["n"]) == (
        pytest.approx(2 / 3, abs=EXACT),
        2,
    )  # bob, who counts twice as much as ann


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": ["employer"]}, "needs them"),
        ({"by": "employer", "members": answers()}, "list of columns"),
        ({"window_days": 100}, "window_days needs observed"),
        ({"members": answers().assign(reached=5.0)}, "8 answers are neither"),
        ({"careers": CAME.drop(columns=["second"])}, "lacks the columns \\['second'\\]"),
    ],
)
def test_what_cannot_be_is_refused_in_plain_words(options, words):
    options = dict(options)
    careers, members = options.pop("careers", CAME), options.pop("members", None)
    with pytest.raises(ValueError, match=words):
        fit_attraction(None, careers, members, None, **(NAMES | {"observed": None} | options))


def test_times_alone_say_who_came_again():
    """A list that counts times without days."""
    careers = pd.DataFrame({"member": ["a", "b", "c"], "count": [1, 2, 5]})
    table = fit_attraction(
        None, careers, None, None, observed=None, group=None, region=None, wave=None, hierarchy=None
    ).tidy()
    assert table.query("term == 'returned' and statistic == 'conditional'")["estimate"].item() == 2 / 3


def federation(seed: int, groups: int = 12, places: int = 40) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Careers of a federation whose organisations and places differ in how many come, on the logit, and its registry."""
    rng = np.random.default_rng(seed)
    eta = -1.0 + rng.normal(0, 0.7, groups)[:, None] + rng.normal(0, 0.4, places) + rng.normal(0, 0.3, (groups, places))
    sizes = rng.integers(4, 60, (groups, places))
    many = rng.binomial(sizes, expit(eta))
    g, p = np.indices(sizes.shape)
    cells = pd.DataFrame({"group": [f"g{k:02d}" for k in g.ravel()], "region": [f"p{k:02d}" for k in p.ravel()]})
    careers = cells.loc[cells.index.repeat(many.ravel())].reset_index(drop=True)
    when = pd.Timestamp("2024-01-01")
    careers = careers.assign(member=[f"m{k}" for k in range(len(careers))], first=when, second=pd.NaT)
    truth = cells.assign(members=sizes.ravel(), share=expit(eta).ravel())
    return careers, truth[["group", "region", "members"]], truth


def test_small_units_lean_on_the_others_and_cover_their_truth():
    """Shrunken shares of cells, places and organisations: nearer to the truth than counts, and covered as often as promised."""
    covered, size, better = {"cell": 0.0, "place": 0.0}, {"cell": 0, "place": 0}, []
    for seed in range(6):
        careers, registry, truth = federation(seed)
        fit = fit_attraction(
            None, careers, None, registry, observed=None, group="group", region="region", wave=None, hierarchy=None
        )
        rows = fit.tidy().query("term == 'took_part'")
        pooled = rows[rows["statistic"] == "shrunken_share"]
        cells = pooled[(pooled["group"] != "*") & (pooled["region"] != "*")].merge(truth, on=["group", "region"])
        assert set(cells["status"]) <= {"ok", "pooled"}
        assert (
            cells.loc[cells["status"] == "pooled", "basis"] == cells.loc[cells["status"] == "pooled", "group"]
        ).all()
        direct = rows[rows["statistic"] == "conditional"].merge(truth, on=["group", "region"])
        better.append(
            ((cells["estimate"] - cells["share"]) ** 2).mean() / ((direct["estimate"] - direct["share"]) ** 2).mean()
        )
        weights = truth.assign(came=truth["share"] * truth["members"]).groupby("region")[["came", "members"]].sum()
        places = pooled[(pooled["group"] == "*")].set_index("region")
        share = (weights["came"] / weights["members"]).reindex(places.index)
        for name, inside in (
            ("cell", cells["share"].between(cells["conf_low"], cells["conf_high"])),
            ("place", share.between(places["conf_low"], places["conf_high"])),
        ):
            covered[name], size[name] = covered[name] + inside.sum(), size[name] + len(inside)
    assert np.mean(better) < 0.6  # half the squared error of counts, and less
    for name in covered:
        assert abs(covered[name] / size[name] - 0.95) < SURE * np.sqrt(0.95 * 0.05 / size[name]) + 0.01


def test_guests_beyond_the_registry_make_a_pooled_share_not_estimable():
    """Where more came than the registry counts, mostly guests of joint activities, no share of members is made of it."""
    careers, registry, _ = federation(3)
    of_g00 = registry["group"] == "g00"
    few = registry.assign(members=registry["members"].mask(of_g00, 2))
    options = {"observed": None, "group": "group", "region": "region", "wave": None, "hierarchy": None}
    rows = fit_attraction(None, careers, None, few, **options).tidy()
    pooled = rows[(rows["term"] == "took_part") & (rows["statistic"] == "shrunken_share") & (rows["region"] == "*")]
    guests = pooled.set_index("group").loc["g00"]
    assert (guests["status"], guests["basis"]) == ("not_estimable", "registry smaller than log")
    assert np.isnan(guests["estimate"])
    assert pooled.query("group != 'g00'")["estimate"].notna().all()
