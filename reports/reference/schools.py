"""Estimates on the schools of California and on the European Social Survey: the numbers that R's survey documents itself with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

import analysis
import survey
from analysis.methods.design import Design
from reports.reference import Check, Line, compare

ROUNDED = 1e-5  # R's models stop at a relative change of the deviance of 1e-8, its errors agree to about 1e-7
RAKED = 1e-7  # R's rake stops at 1e-10 of the sums
TOTALS = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
LIMITS = ("estimate", "std_error", "conf_low", "conf_high")
DESIGNS = {
    "apistrat": Design(weights="pw", strata="stype", fpc="fpc"),
    "clus1": Design(weights="pw", cluster="dnum", fpc="fpc1"),
    "clus2": Design(weights="pw", cluster=("dnum", "cds"), fpc=("fpc1", "fpc2")),
    "strclus": Design(weights="pw", strata="stype", cluster="dnum", fpc="fpc1"),
    "strclus2": Design(weights="pw", strata="stype", cluster=("dnum", "cds"), fpc=("fpc1", "fpc2")),
    "wr": Design(weights="pw", cluster="dnum"),
}
ESS = Design(weights="dweight", strata="stratval", cluster="psu")


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare, where the data are here."""
    if data is not None and (data / "api_strat").is_dir():
        table = pd.read_csv(home / "estimates_designs.csv")
        for check in _checks(frames(home, data)):
            yield from compare(table, check)
    if data is not None and (data / "ess4_britain").is_dir():
        table = pd.read_csv(home / "estimates_api.csv")
        for check in _ess(pd.read_csv(data / "ess4_britain" / "ess4_gb.csv")):
            yield from compare(table, check)


def frames(home: Path, data: Path) -> dict[str, pd.DataFrame]:
    """Give the published sample and those drawn by the script, with the design's numbers."""
    text = {"cds": "str"}
    population = pd.read_csv(data / "api_strat" / "apipop.csv", dtype=text)
    drawn = pd.read_csv(home / "estimates_samples.csv", dtype=text)
    samples = {"apistrat": pd.read_csv(data / "api_strat" / "apistrat.csv", dtype=text)}
    for name, rows in drawn.groupby("sample"):
        samples[str(name)] = rows.merge(population, on="cds", how="left", validate="1:1")
    return {name: frame.assign(yes=(frame["sch.wide"] == "Yes").astype(int)) for name, frame in samples.items()}


def _checks(samples: dict[str, pd.DataFrame]) -> Iterator[Check]:
    for name, frame in samples.items():
        yield from _estimates(name, frame, DESIGNS[name])
    for name in ("apistrat", "clus1", "clus2"):
        yield _quantiles(name, samples[name], DESIGNS[name])
    for name in ("apistrat", "clus1", "clus2", "strclus"):
        yield _model(name, samples[name], "gaussian", "api00", ["ell", "meals", "mobility"])
    for name in ("apistrat", "clus1"):
        yield _model(name, samples[name], "logit", "yes", ["ell", "meals"])
        yield from _weighted(name, samples[name])
    for name in ("apistrat", "clus1", "strclus"):
        yield Check(
            "rao_scott", "chisq F", partial(_rao_scott, samples[name], DESIGNS[name]), 1e-8, ("estimate",), name
        )
    yield Check(
        "likelihood", "logit lrt ~meals", partial(_likelihood, samples["apistrat"]), ROUNDED, ("estimate",), "apistrat"
    )
    yield Check(
        "jackknife", "JKn without fpc mean, mse=FALSE", partial(_jackknife, samples["apistrat"]), sample="apistrat"
    )
    yield Check("change", "panel change", partial(_panel, samples["apistrat"]), sample="apistrat")


def _estimates(name: str, frame: pd.DataFrame, design: Design) -> Iterator[Check]:
    made = _made(frame, design)
    yield Check("mean", "mean", made("api00"), sample=name)
    yield Check("total", "total", made("enroll", "total"), sample=name)
    yield Check("ratio", "ratio", made("api.stu", "ratio", denominator="enroll"), sample=name)
    yield Check("domains", "by stype", made("api00", by="stype"), sample=name)
    yield Check("domains", "total by stype", made("enroll", "total", by="stype"), sample=name)
    yield Check("proportion", "sch.wide", made("sch.wide", "proportion"), sample=name)
    yield Check("change", "change", partial(_change, frame, design), sample=name)
    if name in ("apistrat", "clus1", "clus2", "strclus"):
        yield Check("deff", "deff", partial(_deff, frame, design), columns=("estimate",), sample=name)


def _made(frame: pd.DataFrame, design: Design) -> Callable[..., Callable[[], pd.DataFrame]]:
    def made(variable: str, statistic: str = "mean", **asked: Any) -> Callable[[], pd.DataFrame]:
        asked |= {"design": design}
        return lambda: analysis.estimates(frame, variables=variable, statistic=statistic, **asked).tidy()

    return made


def _change(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    both = analysis.estimates(frame, variables=["api00", "api99"], design=design)
    return analysis.contrast(both, [(0, 1)]).tidy()


def _panel(frame: pd.DataFrame) -> pd.DataFrame:
    long = pd.concat([frame.assign(wave=w, y=frame[c]) for w, c in (("1", "api99"), ("2", "api00"))])
    design = replace(DESIGNS["apistrat"], cluster="cds")
    both = analysis.estimates(long, variables="y", by="wave", design=design)
    return analysis.contrast(both, [({"wave": "2"}, {"wave": "1"})]).tidy()


def _deff(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    return pd.DataFrame({"estimate": analysis.estimates(frame, variables="api00", design=design).deff})


def _quantiles(name: str, frame: pd.DataFrame, design: Design) -> Check:
    def make() -> pd.DataFrame:
        asked = {"variables": ["api00", "enroll"], "statistic": "quantile", "q": QUANTILES}
        return analysis.estimates(frame, **asked, design=design).tidy()

    return Check("quantile", "quantile math", make, columns=LIMITS, sample=name)


def _model(name: str, frame: pd.DataFrame, case: str, outcome: str, predictors: list[str]) -> Check:
    family = "binomial" if case == "logit" else case
    asked = {"outcome": outcome, "predictors": predictors, "family": family, "design": DESIGNS[name]}
    return Check("glm", case, lambda: analysis.glm(frame, **asked).tidy(), ROUNDED, sample=name)


def _rao_scott(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    test = analysis.rao_scott(frame, rows="sch.wide", columns="stype", design=design)
    return pd.DataFrame({"estimate": [test.statistic, test.df_num, test.df_den, test.p_value]})


def _likelihood(frame: pd.DataFrame) -> pd.DataFrame:
    asked: dict[str, Any] = {"outcome": "yes", "predictors": ["ell", "meals"], "terms": "meals", "family": "binomial"}
    asked |= {"method": "likelihood_ratio", "design": DESIGNS["apistrat"]}
    test, exact = analysis.glm_test(frame, **asked, tail="saddlepoint"), analysis.glm_test(frame, **asked)
    numbers = [test.statistic, test.p_value, test.df_num, test.df_den, *test.mixture, exact.p_value]
    return pd.DataFrame({"estimate": numbers})


def _jackknife(frame: pd.DataFrame) -> pd.DataFrame:
    made = survey.replicate(frame, [], base="pw", strata="stype", method="jackknife")
    design = Design(weights="pw", replicates=analysis.Replicates(**made.design, centre="mean"))
    return analysis.estimates(pd.concat([frame, made.weights], axis=1), variables="api00", design=design).tidy()


def _weighted(name: str, frame: pd.DataFrame) -> Iterator[Check]:
    margins = {"stype": TOTALS, "sch.wide": WIDE}
    for method, case, found in (
        ("poststratified", "poststratified", survey.poststratify(frame, "stype", TOTALS, base="pw")),
        ("raked", "raked", survey.rake(frame, margins, base="pw", tol=1e-12)),
    ):
        design = replace(DESIGNS[name], weights="made", calibration=found.calibration)
        made = _made(frame.assign(made=found.weights), design)
        yield Check(method, f"{case} mean", made("api00"), RAKED, sample=name)
        yield Check(method, f"{case} total", made("enroll", "total"), RAKED, sample=name)
        yield Check(method, f"{case} weights", partial(ends_of, found.weights), RAKED, ("estimate",), name)


def ends_of(weights: pd.Series) -> pd.DataFrame:
    """Smallest, largest and sum of weights."""
    return pd.DataFrame({"estimate": [weights.min(), weights.max(), weights.sum()]})


def _ess(frame: pd.DataFrame) -> Iterator[Check]:
    three = ["gvjbevn", "gvhlthc", "gvslvol"]

    def made(rows: pd.DataFrame, variables: list[str]) -> pd.DataFrame:
        return analysis.estimates(rows, variables=variables, design=ESS).tidy()

    def domain() -> pd.DataFrame:
        rows = analysis.estimates(frame, variables="gvslvue", by={"group": "stratval"}, design=ESS).tidy()
        return rows[rows["group"].str.contains("Avon")]

    whole = frame.dropna(subset=three)
    yield Check("mean", "ess item", partial(made, frame, three))
    yield Check("domains", "ess domain", domain)
    # R leaves out incomplete rows as if outside the domain: the design stays whole
    listwise = frame.assign(**{c: frame[c].where(frame.index.isin(whole.index)) for c in three})
    yield Check("mean", "ess listwise", partial(made, listwise, three))
