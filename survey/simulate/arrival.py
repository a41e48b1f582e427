"""How true values are written down by those who send them: codes become labels, groups get names, times their format.

Frames go through here with roles and items as column names; headers are put on when the file is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from survey.simulate.template import Item, Template


def written_answers(plan: Template, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Write a wave's answers down: text only, ``item=code`` columns where several answers stand in columns of their own."""
    how = plan.truth["files"][wave]["answers"]
    frame = _spoilt_codes(plan, wave, frame)
    yes, no = how["consent"]
    frame["consent"] = np.where(frame["consent"], yes, no)
    frame["submitted"] = frame["submitted"].dt.strftime(how["clock"])
    frame["group"] = frame["group"].map(group_names(plan, how["groups"]))
    for item in plan.items(wave):
        if item.name in how["labels"]["items"]:
            frame[item.name] = _labelled(plan, wave, item, frame[item.name])
        if item.kind == "multiple" and item.name not in how.get("columns_of", ()):
            frame[item.name] = frame[item.name].str.replace(" ", how["separator"])
    frame = _in_columns(plan, wave, frame)
    for name, words in how["unmapped"].items():
        frame[name] = plan.stream("arrival", wave, name).choice(words, len(frame))
    return frame.astype(object)


def written_log(plan: Template, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Write a wave's log down, with the columns that its file has."""
    how = plan.truth["files"][wave]["log"]
    names = group_names(plan, how["groups"])
    frame = frame.assign(
        group=[how["separator"].join(names[code] for code in codes) for codes in frame["group"]],
        channel=frame["channel"].map(how["channels"]),
        start=_times(frame["start"], how["clock"], plan.study["time_zone"]),
    )
    return frame[list(how["roles"])].astype(object)


def written_registry(plan: Template, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Write a wave's registry down, with the totals row that some offices add."""
    how = plan.truth["files"][wave]["registry"]
    named = frame.assign(group=frame["group"].map(group_names(plan, how["groups"])))[list(how["roles"])].astype(object)
    if not how["total"]:
        return named
    counties = frame["region"].isin(plan.regions["county"])
    sums = frame.loc[counties, list(how["roles"])].drop(columns=["group", "region"]).sum()
    total = {"group": plan.truth["mess"]["total"], "region": "", **sums.to_dict()}
    return pd.concat([named, pd.DataFrame([total]).astype(object)], ignore_index=True)


def written_affairs(plan: Template, wave: str, kind: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Write a wave's proposals or cases down: days as text, empty where a stage has not happened."""
    how = plan.truth["files"][wave][kind]
    days = {str(c): frame[c].dt.strftime(how["clock"]).fillna("") for c in frame if frame[c].dtype.kind == "M"}
    named = frame.assign(**days, group=frame["group"].map(group_names(plan, how["groups"])))
    return named[list(how["roles"])].astype(object)


def group_names(plan: Template, how: str | Mapping[str, str]) -> dict[str, str]:
    """What stands in the file for each group's code: the code, its name in a language, or words of the file's own."""
    if not isinstance(how, str):
        return {code: how[code] for code in plan.groups["code"]}
    return dict(zip(plan.groups["code"], plan.groups["code" if how == "code" else f"name_{how}"], strict=True))


def headers(plan: Template, wave: str, columns: list[str]) -> dict[str, str]:
    """The header of each role, item and ``item=code`` in the wave's file of answers."""
    how = plan.truth["files"][wave]["answers"]
    found = dict(how["roles"])
    for number, item in enumerate(plan.items(wave), start=1):
        fields = {
            "number": number,
            "item": item.name,
            "wording_en": item.wording["en"],
            "wording_zh": item.wording["zh"],
        }
        found[item.name] = how["header"].format_map(fields)
        found |= {f"{item.name}={code}": f"{found[item.name]} {code}" for code in item.codes}
    return {column: found.get(column, column) for column in columns}


def _spoilt_codes(plan: Template, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Put codes that no item has into a few cells of each item with codes."""
    truth, frame = plan.truth["mess"], frame.copy()
    for item in plan.items(wave):
        if item.kind != "choice":
            continue
        rng = plan.stream("mess", wave, item.name)
        wrong = (rng.random(len(frame)) < float(truth["cells"])) & (frame[item.name] != "").to_numpy()
        frame.loc[wrong, item.name] = rng.choice(truth["strange_codes"], int(wrong.sum()))
    return frame


def _labelled(plan: Template, wave: str, item: Item, answers: pd.Series) -> pd.Series:
    """Labels for codes in a share of the cells, some in the other spelling of the code set."""
    how, rng = plan.truth["files"][wave]["answers"]["labels"], plan.stream("labels", wave, item.name)
    drawn = rng.random((2, len(answers)))
    labels = item.labels[how["language"]]
    plain = pd.Series([labels.get(code, code) for code in answers], index=answers.index)
    other = pd.Series([item.labels["also"].get(code, labels.get(code, code)) for code in answers], index=answers.index)
    spelled = plain.where(drawn[1] >= float(how["numbered"]), other)
    return answers.where(drawn[0] >= float(how["share"]), spelled)


def _in_columns(plan: Template, wave: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Replace an item by one 0/1 column a code, where the file has it so."""
    for item in plan.items(wave):
        if item.name not in plan.truth["files"][wave]["answers"].get("columns_of", ()):
            continue
        ticked, place = frame[item.name].str.split(" "), list(frame.columns).index(item.name)
        for code in reversed(item.codes):
            marks = [("" if codes == [""] else str(int(code in codes))) for codes in ticked]
            frame.insert(place, f"{item.name}={code}", marks)
        frame = frame.drop(columns=item.name)
    return frame


def _times(start: pd.Series, clock: str, zone: str) -> Any:
    if clock == "epoch_ms":
        passed = start.dt.tz_localize(zone) - pd.Timestamp(0, tz="UTC")
        return (passed // pd.Timedelta(milliseconds=1)).astype(object)
    return start.dt.strftime(clock)
