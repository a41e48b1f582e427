"""2,000 people whose every trace is marked: after a run, and after `seal`, no file that the workbench leaves has a mark or the key.

Everything is scanned: bytes as they are, Parquet decoded to text, what was printed and logged, and what stands in a panel.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyrage
import pytest
from typer.testing import CliRunner

from reports import checking
from reports.commands import app
from survey import Refused, open_study, provenance, store
from survey.identity import key_file
from survey.panel import FRAMES, Panel
from survey.study import Study
from tests.survey.builders import ANSWERS, FULL, LOG, LOGGED, change_wave, csv_text, write_study, write_wave

PEOPLE = 2000
EXTRA = 30  # columns that nobody mapped
MARK = "ZXQCANARY"


def phone(n: int) -> str:
    return f"1397{n:07}"


def marks() -> list[bytes]:
    """What must stand nowhere: the mark, in names, mails, quotes and extra columns, and every member's own number."""
    return [MARK.lower().encode(), "金丝雀".encode(), *(phone(n).encode() for n in range(PEOPLE))]


def texts() -> dict[str, str]:
    extra = {f"x{c}": f"{MARK} {c} 金丝雀" for c in range(EXTRA)}
    rows = [
        FULL
        | {
            "id": phone(n),
            "q7": f"{MARK}{n} said",
            **extra,
            "x0": f"{MARK}{n}",
            "x1": phone(n),
            "x2": f"{MARK}{n}@a.cn",
        }
        for n in range(PEOPLE)
    ]
    logged = [LOGGED | {"who": phone(n), "note": f"{MARK}{n}"} for n in range(PEOPLE)]
    return {"answers.csv": csv_text(rows, list(rows[0])), "log.csv": csv_text(logged, list(logged[0]))}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBENCH_KEYS", str(tmp_path / "keys"))
    cuts = [[], ["group"], ["region"], ["group", "region"]]
    folder = write_study(tmp_path, {"2024": {"files": texts()}}, synthetic=False, cuts=cuts)
    change_wave(folder, "2024", files=[ANSWERS, LOG])
    return open_study(folder)


def contents(place: Path) -> Iterator[tuple[str, bytes]]:
    """Every file's bytes; of Parquet, what it says too."""
    for path in (p for p in sorted(place.rglob("*")) if p.is_file()):
        yield path.name, path.read_bytes()
        if path.suffix == ".parquet":
            yield path.name, pd.read_parquet(path).to_csv().encode()


def traces(data: bytes, wanted: list[bytes]) -> list[bytes]:
    low = data.lower()
    quick = b"1397" in low or MARK.lower().encode() in low or "金丝雀".encode() in low
    return [mark for mark in wanted if mark in low] if quick else []


def key_forms() -> list[bytes]:
    secret = key_file("small").read_bytes()
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret)[:-1]]


def said(panel: Panel) -> bytes:
    accounts = [checking.account(panel, lang).text() for lang in ("en", "zh")]
    frames = [getattr(panel, name).to_csv() for name in FRAMES]
    return "\n".join([repr(panel), repr(panel.study), str(panel.provenance), *accounts, *frames]).encode()


def test_the_scan_finds_what_is_there(study: Study) -> None:
    found = {name: traces(data, marks()) for name, data in contents(study.folder)}
    assert len(found["answers.csv"]) == len(marks())
    assert len(found["log.csv"]) == len(marks()) - 1


def test_no_trace_of_anybody_and_of_the_key_in_what_a_run_leaves(
    study: Study, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    panel = study.panel()
    assert len(panel.members) == len(panel.careers) == PEOPLE
    told = [CliRunner().invoke(app(), ["check", str(study.folder), "--lang", lang]).output for lang in ("en", "zh")]
    told.append(CliRunner().invoke(app(), ["check", str(study.folder), "--json"]).output)
    left = [
        *contents(tmp_path / "home"),
        ("panel", said(panel)),
        ("log", caplog.text.encode()),
        ("told", "".join(told).encode()),
    ]
    assert len(left) > 20
    assert "of these, columns that lead to people" in told[0]
    for name, data in left:
        assert traces(data, marks()) == [], name
        assert [form for form in key_forms() if form in data] == [], name


def test_no_trace_in_a_refusal_either(study: Study) -> None:
    columns = ANSWERS["columns"] | {"x1": "strata"}
    change_wave(study.folder, "2024", files=[ANSWERS | {"columns": columns}, LOG])
    with pytest.raises(Refused) as caught:
        open_study(study.folder).panel()
    told = [checking.refusal(caught.value.faults, "small", "2024", lang).text() for lang in ("en", "zh")]
    assert "x1" in str(caught.value)
    assert traces("\n".join([str(caught.value), repr(caught.value), *told]).encode(), marks()) == []


def seal(study: Study, method: str) -> str:
    """Seal the wave as an office does it; give what it was told."""
    to = ["--delete"] if method == "deleted" else ["--to", str(pyrage.x25519.Identity.generate().to_public())]
    done = CliRunner().invoke(app(), ["seal", str(study.folder), "2024", *to, "--yes", "--lang", "en"])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("method", ["encrypted", "deleted"])
def test_after_seal_no_trace_is_left_anywhere(study: Study, tmp_path: Path, method: str) -> None:
    before = study.panel()
    told = seal(study, method)
    checked = CliRunner().invoke(app(), ["check", str(study.folder)])
    for name, data in (
        *contents(study.folder),
        *contents(tmp_path / "home"),
        ("panel", said(open_study(study.folder).panel())),
        ("told", (told + checked.output).encode()),
    ):
        assert traces(data, marks()) == [], name
    assert not {"answers.csv", "log.csv"} & {path.name for path in study.folder.rglob("*")}
    pd.testing.assert_frame_equal(open_study(study.folder).panel().members, before.members)
    assert store.verify(store.home("small")).faults == ()


@pytest.mark.parametrize(
    ("method", "changed"), [("encrypted", "code"), ("deleted", "code"), ("encrypted", "wording"), ("deleted", "wave")]
)
def test_a_sealed_study_goes_on(study: Study, monkeypatch: pytest.MonkeyPatch, method: str, changed: str) -> None:
    """With a later version of the code, another wording of a question, or another wave the sealed rows are still there."""
    before = study.panel()
    seal(study, method)
    if changed == "code":
        monkeypatch.setattr(provenance, "code", lambda: "0" * 64)
    if changed == "wording":
        table = study.folder / "instrument.csv"
        table.write_text(table.read_text("utf-8").replace("I am a stranger", "I feel a stranger"), "utf-8")
    if changed == "wave":
        later = {name: text.replace("2024-", "2025-").replace(MARK, MARK + "2") for name, text in texts().items()}
        write_wave(study.folder, "2025", files=later)
        change_wave(study.folder, "2025", files=[ANSWERS, LOG])
    after = open_study(study.folder).panel()
    assert after.provenance != before.provenance
    old = after.members[after.members["wave"] == "2024"].reset_index(drop=True)
    # whether they came again is what a later wave tells of them
    told = ["again"] if changed == "wave" else []
    pd.testing.assert_frame_equal(old.drop(columns=told), before.members.drop(columns=told), check_like=True)
    pd.testing.assert_frame_equal(after.careers[after.careers["wave"] == "2024"], before.careers, check_like=True)
    assert after.linkage.loc[after.linkage["wave"] == "2024", "found"].tolist() == before.linkage["found"].tolist()
    if changed == "wave":
        assert set(after.members.loc[after.members["wave"] == "2025", "member"]) == set(old["member"])


def test_columns_that_nobody_mapped_are_in_no_table(study: Study) -> None:
    panel = study.panel()
    for name in FRAMES:
        assert not {f"x{c}" for c in range(EXTRA)} & set(getattr(panel, name).columns), name
    row = panel.arrived.set_index("file").loc["answers.csv"]
    assert row["identifying"] == "x1, x2"
    assert len(row["left_out"].split(", ")) >= 10


@pytest.mark.slow
def test_no_trace_in_the_report(study: Study, tmp_path: Path) -> None:
    done = CliRunner().invoke(app(), ["report", str(study.folder)])
    assert done.exit_code == 0, done.output
    left = [*contents(tmp_path / "home"), ("told", done.output.encode())]
    assert sum(name.endswith(".html") for name, _ in left) >= 4
    for name, data in left:
        assert traces(data, marks()) == [], name
        assert [form for form in key_forms() if form in data] == [], name
