"""Exports of platforms all the way to the panel: two forms of one survey agree, marks and labels are followed."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest
import yaml

from survey import Refused, open_study
from tests.survey.readers.exports import saved

SINGLE = {"1、手机部数": "phones", "2、手机价格": "price", "3、性别": "sex", "4、年龄": "age", "5、月收入": "income"}
SINGLE["7、爱好投入占收入比重"] = "share"
MULTIPLE = {"6": ("hobby", "6、兴趣爱好"), "8": ("news", "8、关注资讯")}
HEAD = "item,version,module,wording_en,wording_zh,kind,codes,lowest,highest,scale,reverse,sensitive,topic\n"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="gb18030", newline="") as file:
        return [{k.strip(): v.strip() for k, v in row.items()} for row in csv.DictReader(file)]


def code_sets(folder: Path) -> tuple[dict, dict[str, list[str]]]:
    """Codes and labels as the first half of the rows pair them; the options of each multiple question in their order."""
    text, number = (rows_of(folder / f"wjx_by_{form}_gb18030.csv") for form in ("text", "code"))
    sets: dict[str, dict[str, str]] = {}
    for label, code in list(zip(text, number, strict=True))[:400]:
        for header, item in SINGLE.items():
            sets.setdefault(item, {})[code[header]] = label[header]
    options = {
        item: [h.partition("(")[2].removesuffix(")") for h in number[0] if h.startswith(f"第{n}题(")]
        for n, (item, _) in MULTIPLE.items()
    }
    sets |= {item: {str(i): o for i, o in enumerate(found, 1)} for item, found in options.items()}
    return {
        item: {"codes": {c: {"en": f"{item} {c}", "zh": w} for c, w in s.items()}} for item, s in sets.items()
    }, options


def study(folder: Path, file: Path, columns: dict[str, str], sets: dict, kinds: dict[str, str]) -> Path:
    (folder / "1").mkdir(parents=True)
    title = {"en": "Telephones", "zh": "手机"}
    settings = {"format": 1, "name": folder.name, "title": title, "synthetic": True, "code_sets": sets}
    settings["rules"] = {"out_of_range_share": 0.02}
    (folder / "study.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), "utf-8")
    lines = [f"{item},,A,{item},{item},{kind},{item},,,,,,\n" for item, kind in kinds.items()]
    (folder / "instrument.csv").write_text(HEAD + "".join(lines), "utf-8")
    shutil.copyfile(file, folder / "1" / file.name)
    wave: dict[str, Any] = {"wave": "1", "fieldwork": {"start": "2024-01-01", "end": "2024-01-31"}, "mode": "online"}
    wave["files"] = [{"file": file.name, "holds": "answers", "columns": columns}]
    (folder / "1" / "wave.yaml").write_text(yaml.safe_dump(wave, allow_unicode=True), "utf-8")
    return folder


def export(data: Path, form: str, kind: str, folder: Path) -> Path:
    """One form of the export as a file of this kind: as it is there, or its cells saved once more, numbers as numbers."""
    if kind in ("xls", "csv"):
        return data / f"wjx_by_{form}{'.xls' if kind == 'xls' else '_gb18030.csv'}"
    with (data / f"wjx_by_{form}_gb18030.csv").open(encoding="gb18030", newline="") as file:
        return saved(folder / f"{form}.{kind}", list(csv.reader(file)), numbers=True)


@pytest.mark.parametrize("kind", ["xls", "csv", "xlsx", "parquet"])
def test_both_forms_of_a_wenjuanxing_export_are_one_table(
    tmp_path: Path, shared_data: Callable[[str], Path], kind: str
) -> None:
    data = shared_data("wjx_phone_survey")
    sets, options = code_sets(data)
    kinds = dict.fromkeys(SINGLE.values(), "choice") | {item: "multiple" for item, _ in MULTIPLE.values()}
    text = SINGLE | {header: item for item, header in MULTIPLE.values()}
    number = dict(SINGLE)
    for n, (item, _) in MULTIPLE.items():
        number |= {f"第{n}题({option})": f"{item}={i}" for i, option in enumerate(options[item], 1)}
    found = [
        open_study(study(tmp_path / form, export(data, form, kind, tmp_path), columns, sets, kinds)).panel().members
        for form, columns in (("text", text), ("code", number))
    ]
    items = [c for c in found[0] if c.partition("=")[0] in kinds]
    assert len(items) == len(SINGLE) + 14 + 10
    shown = [f.sort_values(items, ignore_index=True)[items] for f in found]
    assert len(shown[0]) == 800
    pd.testing.assert_frame_equal(shown[0], shown[1])
    hobby = found[0].filter(like="hobby=").sum()
    assert hobby["hobby=1"] == sum(
        "运动" in row["6、兴趣爱好"].split("┋") for row in rows_of(data / "wjx_by_text_gb18030.csv")
    )


AGREE = {"agree": {"codes": {"1": {"en": "No", "zh": "不同意"}, "2": {"en": "Yes", "zh": "同意"}}}}


def test_labels_of_a_file_must_mean_what_the_instrument_means(tmp_path: Path) -> None:
    file = tmp_path / "a.sav"
    frame = pd.DataFrame({"q": [1.0, 2.0, 2.0]})
    labels: Any
    for labels, turned in (({1: "No", 2: "Yes"}, False), ({1: "Yes", 2: "No"}, True)):
        pyreadstat.write_sav(frame, file, variable_value_labels={"q": labels})
        place = study(tmp_path / f"s{turned:d}", file, {"q": "agree"}, AGREE, {"agree": "choice"})
        if turned:
            with pytest.raises(Refused, match="other meanings than the instrument"):
                open_study(place).panel()
        else:
            assert open_study(place).panel().members["agree"].sum() == 5


def test_previews_are_set_aside_and_unfinished_answers_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    header = ["StartDate", "EndDate", "Status", "Progress", "Duration (in seconds)", "Finished", "ResponseId", "Q1"]
    imports = ["startDate", "endDate", "status", "progress", "duration", "finished", "_recordId", "QID1"]
    day = "2024-01-02 10:00:00"
    rows = [
        (day, day, status, p, "60", f, f"R_{i}", "1")
        for i, (status, p, f) in enumerate([("0", "100", "1"), ("1", "100", "1"), ("0", "40", "0"), ("0", "100", "1")])
    ]
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, header, [f'{{"ImportId":"{i}"}}' for i in imports], *rows])
    tally = open_study(study(tmp_path / "s", file, {"Q1": "agree"}, AGREE, {"agree": "choice"})).panel().tally
    counted = dict(zip(tally["rule"], tally["rows"], strict=True))
    assert counted["read"] == 4
    assert counted["aside:preview"] == 1
    assert counted["note:unfinished"] == 1
    assert counted["as_is"] == 3
