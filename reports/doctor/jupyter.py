"""JupyterLab's settings that would let others in. Files of settings are read as text: nothing in them is run.

A server that listens to others, asks for no token or trusts any page gives whoever reaches it every file of its user.
"""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reports.commands.lab import SETTINGS
from reports.doctor.findings import MEND, WARN, Finding, finding

SERVER = ("ServerApp", "NotebookApp", "LabApp", "JupyterApp")
FILES = ("jupyter_config", "jupyter_server_config", "jupyter_notebook_config", "jupyter_lab_config")
SHIPPED = "workbench lab"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
FOREIGN = "https://somewhere.example"  # a page that has no business here
Setting = tuple[str, str, Any]  # class, name, value


def _matches_anything(value: Any) -> bool:
    try:
        return bool(value) and re.match(str(value), FOREIGN) is not None
    except re.error:
        return True


# name: classes in which it counts, whether a value is bad, how grave, and why.
BAD: dict[str, tuple[tuple[str, ...], Callable[[Any], bool], int, str, str]] = {
    "ip": (
        SERVER,
        lambda v: v not in LOOPBACK,
        MEND,
        "lets other machines reach the server; take it out, or say 127.0.0.1",
        "使其他机器可以访问服务器；请删除，或改为 127.0.0.1",
    ),
    "token": (
        (*SERVER, "IdentityProvider"),
        lambda v: v in ("", None),
        MEND,
        "is empty: nobody is asked who they are; take it out",
        "为空：任何人无需验证即可进入；请删除",
    ),
    "allow_root": (
        SERVER,
        lambda v: v is True,
        MEND,
        "lets the server run as root; take it out",
        "允许以 root 身份运行；请删除",
    ),
    "allow_origin": (
        SERVER,
        lambda v: v == "*",
        MEND,
        "lets any web page use the server; take it out",
        "允许任何网页调用服务器；请删除",
    ),
    "allow_origin_pat": (
        SERVER,
        _matches_anything,
        MEND,
        "fits any web page; take it out",
        "与任何网页都匹配；请删除",
    ),
    "disable_check_xsrf": (
        SERVER,
        lambda v: v is True,
        MEND,
        "lets other pages send commands in your name; take it out",
        "使其他网页可以冒用您的身份发送指令；请删除",
    ),
    "allow_remote_access": (
        SERVER,
        lambda v: v is True,
        MEND,
        "lets the server be reached under any name; take it out",
        "允许以任意主机名访问服务器；请删除",
    ),
    "collaborative": (
        SERVER,
        lambda v: v is True,
        WARN,
        "keeps a history of everything that was ever in a notebook; take it out",
        "会保存笔记本中曾出现过的全部内容；请删除",
    ),
}
ARGUMENT = re.compile(r"--(?P<of>\w+)\.(?P<name>\w+)=(?P<value>.*)")


def findings() -> Iterator[Finding]:
    """Look at how `workbench lab` starts JupyterLab, at every file of settings that Jupyter would read, and at who you are."""
    yield from _judged(SHIPPED, _arguments(SETTINGS))
    for path in _files():
        settings = _read(path)
        if settings is None:
            yield finding(WARN, "jupyter_unread", file=path.name)
        else:
            yield from _judged(path.name, settings)
    if is_root():
        yield finding(WARN, "root")


def is_root() -> bool:
    """Tell whether this process may do everything."""
    return os.geteuid() == 0


def _judged(file: str, settings: list[Setting]) -> Iterator[Finding]:
    names = {name for _, name, value in settings if value}
    for of, name, value in settings:
        if name not in BAD:
            continue
        classes, bad, level, en, zh = BAD[name]
        guarded = name == "token" and names & {"password", "hashed_password"}  # another door with a lock
        if of in classes and bad(value) and not guarded:
            yield finding(level, "jupyter", file=file, setting=f"{of}.{name}", en=en, zh=zh)


def _files() -> list[Path]:
    from jupyter_core.paths import jupyter_config_path

    found = []
    for folder in map(Path, jupyter_config_path()):
        for name in FILES:
            found += [folder / f"{name}.py", folder / f"{name}.json"]
            found += sorted((folder / f"{name}.d").glob("*.json"))
    return [path for path in found if path.is_file()]


def _read(path: Path) -> list[Setting] | None:
    try:
        text = path.read_text("utf-8")
        return _assigned(ast.parse(text)) if path.suffix == ".py" else _given(json.loads(text))
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None


def _given(content: Any) -> list[Setting]:
    """Settings of a JSON file: {class: {name: value}}."""
    if not isinstance(content, dict):
        raise ValueError("no mapping")
    parts = ((of, own) for of, own in content.items() if isinstance(own, dict))
    return [(of, name, value) for of, own in parts for name, value in own.items()]


def _assigned(tree: ast.Module) -> list[Setting]:
    """Settings of a Python file: ``c.Class.name = value``; a value that is computed is taken as unknown."""
    pairs = ((target, node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets)
    return [
        (target.value.attr, target.attr, _value(value))
        for target, value in pairs
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Attribute)
    ]


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def _arguments(line: tuple[str, ...]) -> list[Setting]:
    matches = (ARGUMENT.fullmatch(argument) for argument in line)
    return [(m["of"], m["name"], {"True": True, "False": False}.get(m["value"], m["value"])) for m in matches if m]
