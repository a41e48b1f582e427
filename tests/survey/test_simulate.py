"""The synthetic study: it is what its generator makes, it holds what its truth says, and another truth makes another study.

Tolerances: shares of 12,000 people have standard errors below 0.005, so 0.02 is four of them. Means of a five-point item
over the smallest organisation (450 answers) have standard errors of about 0.05.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from survey.simulate import simulate, true_means

SHARE = 0.02
WAVES = ("2022", "2023", "2024")
PLAIN = str.maketrans("０１２３４５６７８９", "0123456789")
SMALL = {
    "population": {"people": 3000},
    "waves": {wave: {"answers": 400} for wave in WAVES},
    "scales": {"trust": {"mean": 1.5}},
}


@pytest.fixture(scope="module")
def demo(project: Path) -> Path:
    return project / "data" / "raw" / "demo"


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("made") / "demo")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("made") / "other", truth=SMALL, seed=7)


@pytest.fixture(scope="module")
def raw(demo: Path) -> Callable[[str, str], pd.DataFrame]:
    """Read a committed file with its wave.yaml: text, mapped columns, rows as they stand."""
    held: dict[tuple[str, str], pd.DataFrame] = {}

    def read(wave: str, holds: str) -> pd.DataFrame:
        if (wave, holds) not in held:
            entry = next(file for file in wave_yaml(demo / wave)["files"] if file["holds"] == holds)
            frame = read_file(demo / wave / entry["file"], entry["layout"])[list(entry["columns"])]
            held[wave, holds] = frame.rename(columns=entry["columns"])
        return held[wave, holds]

    return read


@pytest.fixture(scope="module")
def clean(demo: Path, raw: Callable[[str, str], pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Each wave's answers without the rows that a reader has to set aside."""
    return {wave: cleaned(demo, wave, raw(wave, "answers")) for wave in WAVES}


def wave_yaml(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((folder / "wave.yaml").read_text(encoding="utf-8"))
    return content


def read_file(path: Path, layout: dict[str, Any]) -> pd.DataFrame:
    plain = {"dtype": str, "keep_default_na": False}
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".xlsx":
        header = int(layout["header_row"]) - 1
        return pd.read_excel(path, sheet_name=layout["sheet"], header=header, engine="calamine", **plain)
    return pd.read_csv(path, encoding=layout.get("encoding", "utf-8-sig"), skip_blank_lines=False, **plain)


def cleaned(demo: Path, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    files = wave_yaml(demo / wave)["files"]
    places = set(true_regions())
    frame = frame[frame["member"].str.startswith("M") & ~frame["member"].duplicated()]
    frame = frame.assign(region=frame["region"].str.translate(PLAIN))
    frame["group"] = frame["group"].replace(files[0].get("values", {}).get("group", {}))
    known = pd.read_csv(demo / "groups.csv")["code"]
    return frame[frame["region"].isin(places) & frame["group"].isin(known)]


def true_regions() -> list[str]:
    return sorted(true_means()["region"].unique())


def number(answers: pd.Series) -> pd.Series:
    codes = pd.to_numeric(answers, errors="coerce")
    return codes.where(codes.between(0, 5))


def content(path: Path) -> Any:
    """What a file says: bytes; for workbooks the parts, for Parquet the table."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return {name: book.read(name) for name in book.namelist()}
    return pd.read_parquet(path).to_csv() if path.suffix == ".parquet" else path.read_bytes()


def written(folder: Path) -> dict[str, Path]:
    return {
        p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "README.md"
    }


def test_committed_files_are_the_generators_output(demo: Path, again: Path) -> None:
    ours, made = written(demo), written(again)
    assert list(ours) == list(made)
    assert [name for name in ours if content(ours[name]) != content(made[name])] == []


def test_files_are_small_enough_to_ship(demo: Path) -> None:
    assert sum(path.stat().st_size for path in written(demo).values()) < 14_000_000


def test_another_seed_and_truth_make_another_study(again: Path, other: Path) -> None:
    assert yaml.safe_load((other / "study.yaml").read_text(encoding="utf-8"))["name"] == "other"
    assert yaml.safe_load((other / "truth.yaml").read_text(encoding="utf-8"))["seed"] == 7
    assert all(
        content(other / name) != content(again / name)
        for name in written(again)
        if name.endswith((".csv", ".xlsx")) and "/" in name
    )
    ours, theirs = (pd.read_csv(folder / "2024" / "answers_2024.csv", dtype=str) for folder in (again, other))
    assert len(theirs) == pytest.approx(400, rel=0.05)
    assert number(theirs["trust_1"]).mean() > number(ours["trust_1"]).mean() + 0.5


def test_a_truth_that_names_a_strange_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scales names zeal"):
        simulate(tmp_path / "demo", truth={"scales": {"zeal": {"mean": 0}}})


def test_a_new_step_does_not_shift_the_others() -> None:
    changed = true_means(truth={"population": {"people": 10}, "activity": {"rate": 9.0}})
    pd.testing.assert_frame_equal(true_means(), changed)


def test_faults_of_the_answers_are_there(raw: Callable[[str, str], pd.DataFrame]) -> None:
    for wave, total in zip(WAVES, (1, 0, 1), strict=True):
        frame = raw(wave, "answers")
        blank = (frame == "").all(axis=1)
        twice = frame.duplicated() & ~blank
        second = frame["member"].duplicated() & ~twice & (frame["member"] != "")
        assert (frame["member"] == "合计").sum() == total
        assert (blank.sum() >= 10, twice.sum(), second.sum()) == (True, 48, 60)
        assert frame["region"].isin(["330103", "999999"]).sum() >= 5
        assert frame["group"].isin(["外省组织", "others"]).sum() >= 5
        assert 0 < frame["since"].str.contains("[０-９]").mean() < 0.01


def test_set_aside_and_out_of_range_shares_stay_below_two_per_cent(
    raw: Callable[[str, str], pd.DataFrame], clean: dict[str, pd.DataFrame]
) -> None:
    for wave in WAVES:
        assert 0.005 < 1 - len(clean[wave]) / len(raw(wave, "answers")) < 0.02
        shares = [clean[wave][item].isin(["77", "-3"]).mean() for item in ("age", "sat_help", "overall", "trust_4")]
        assert 0 < max(shares) < 0.02


def test_encodings_and_labels(demo: Path, raw: Callable[[str, str], pd.DataFrame]) -> None:
    with pytest.raises(UnicodeDecodeError):
        (demo / "2022" / "会员问卷2022.csv").read_text(encoding="utf-8")
    assert (demo / "2024" / "answers_2024.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert {"非常同意", "5-非常同意", "5"} <= set(raw("2022", "answers")["sat_help"])
    assert {"Strongly agree", "5"} <= set(raw("2023", "answers")["sat_help"])
    assert raw("2024", "answers")["barriers"].str.contains("┋").any()
    assert {"barriers=1", "barriers=8"} <= set(raw("2023", "answers").columns)


def test_panel_overlap_and_consent(clean: dict[str, pd.DataFrame]) -> None:
    before = set(clean["2022"]["member"])
    for wave in ("2023", "2024"):
        now = set(clean[wave]["member"])
        assert len(now & before) / len(now) == pytest.approx(0.45, abs=SHARE)
        before |= now
    yes = [clean[wave]["consent"].isin(["是", "yes", "1"]).mean() for wave in WAVES]
    assert yes == pytest.approx([0.667] * 3, abs=SHARE)


def test_full_pooled_and_withheld_units_occur_as_the_readme_says(clean: dict[str, pd.DataFrame]) -> None:
    for wave in WAVES:
        counts = pd.crosstab(clean[wave]["group"], clean[wave]["region"].str[:6]).to_numpy()
        assert counts.shape == (8, 90)
        shares = [(counts >= 30).mean(), ((counts >= 10) & (counts < 30)).mean(), (counts < 10).mean()]
        assert shares == pytest.approx([0.165, 0.325, 0.51], abs=0.02)


def test_groups_differ_as_they_truly_do(clean: dict[str, pd.DataFrame]) -> None:
    truth = true_means().set_index(["wave", "scale"]).loc[("2024", "findable")].groupby("group")["effect"].mean()
    seen = number(clean["2024"]["find_1"]).groupby(clean["2024"]["group"]).mean()
    assert seen.idxmin() == truth.idxmin() == "overseas_chinese"
    assert np.corrcoef(seen, truth[seen.index])[0, 1] > 0.8


def test_the_lucky_county_has_no_effect_of_its_own(clean: dict[str, pd.DataFrame]) -> None:
    answers = clean["2024"]
    here = answers["region"] == "330922"
    assert 10 <= here.sum() < 30
    assert number(answers["trust_2"])[here].mean() > number(answers["trust_2"])[~here].mean() + 0.3
    truth = true_means()
    truth = truth[(truth["wave"] == "2024") & (truth["scale"] == "trust")]
    city = truth[truth["region"].str.startswith("3309")].pivot(index="region", columns="group", values="effect")
    apart = city - truth.groupby("group")["effect"].mean()
    assert apart.loc["330922"].std() < 0.06 < apart.drop("330922").std(axis=1).min()


def test_the_pilot_raised_what_it_should(demo: Path, clean: dict[str, pd.DataFrame]) -> None:
    begins = yaml.safe_load((demo / "truth.yaml").read_text(encoding="utf-8"))["pilot"]["begins"]
    means = [
        number(clean[wave]["depend_1"]).groupby(clean[wave]["region"].isin(begins["2023"] + begins["2024"])).mean()
        for wave in ("2022", "2024")
    ]
    gain = (means[1] - means[0]).to_dict()
    assert gain[True] - gain[False] == pytest.approx(0.35 * 0.78, abs=0.12)


def test_nobody_needs_the_yearbook(clean: dict[str, pd.DataFrame]) -> None:
    assert all(number(clean[wave]["yearbook_need"]).mean() < 0.03 for wave in WAVES)


def test_the_log(demo: Path, raw: Callable[[str, str], pd.DataFrame]) -> None:
    logs = {wave: raw(wave, "log") for wave in WAVES}
    assert sum(map(len, logs.values())) == pytest.approx(100_000, rel=0.05)
    assert logs["2022"]["group"].str.contains(";").mean() > 0.05
    assert not logs["2023"]["group"].str.contains("LA").any()
    assert wave_yaml(demo / "2023")["not_reporting"] == ["literary_art"]
    assert set(logs["2023"]["response"]) == {"yes", "no", "waitlist", ""}
    assert set(logs["2024"]["channel"].dropna()) == {"online", "onsite"}
    assert all(0.003 < log.duplicated().mean() < 0.01 for log in logs.values())
    assert (
        logs["2024"]["start"]
        .dropna()
        .between(*(pd.to_datetime(["2023-05-01", "2024-05-01"]).as_unit("ms").astype(int) - 8 * 3_600_000))
        .all()
    )


def test_registry_adds_up_and_covers_the_answers(
    raw: Callable[[str, str], pd.DataFrame], clean: dict[str, pd.DataFrame]
) -> None:
    frame = raw("2024", "registry").astype({"members": int, "organisations": int, "established": int})
    below = frame[frame["region"].str.len() == 9]
    sums = below.groupby(["group", below["region"].str[:6]])["members"].sum()
    assert (frame.set_index(["group", "region"])["members"].loc[sums.index] == sums).all()
    assert (frame["established"] <= frame["organisations"]).all()
    answered = clean["2024"].groupby(["group", "region"]).size()
    assert (frame.set_index(["group", "region"])["members"].reindex(answered.index) >= answered).all()


def test_nothing_looks_like_a_telephone_or_identity_number(demo: Path) -> None:
    for name, path in written(demo).items():
        if path.suffix == ".csv":
            text = path.read_bytes().decode("gb18030" if name.startswith("2022") and "登记" not in name else "utf-8")
            assert not re.search(r"(?<!\d)(1[3-9]\d{9}|\d{17}[\dXx])(?!\d)|@", text), name


def test_the_table_of_places(project: Path) -> None:
    table = pd.read_csv(project / "survey" / "places.csv", dtype=str, keep_default_na=False)
    now = table[table["valid_to"] == ""]
    province = now[now["dated"] == "yes"]
    assert province["level"].value_counts().to_dict() == {"county": 90, "city": 11, "province": 1}
    assert not now["code"].duplicated().any()
    assert set(table.loc[table["valid_from"] == "2021-04-01", "code"]) == {
        "330102",
        "330105",
        "330109",
        "330110",
        "330113",
        "330114",
    }
    assert set(now["parent"]) <= {"", *now["code"]}
