"""Make `.venv`: the packages of lock.txt by hash, through uv or else pip, then the project itself, editable.

Run by make, from the project's root, with a Python of 3.11 or newer. Asks the network for nothing when the packages in
`.venv` are already those of the lock: then only the project's own entry is written again. Prints no path of the machine.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".venv"
PYTHON = HOME / "bin" / "python"
LOCK, UV = "requirements/lock.txt", "requirements/uv.txt"
MARK = HOME / "lock.sha256"


class SetupFault(Exception):
    """A step of the set-up failed; the message is what the tool said, without the machine's paths."""


def main() -> int:
    """Make or mend `.venv`, then write its stamp; 1 and a message in two languages where that fails."""
    try:
        if not packages_are_those_of_the_lock():
            say("Setting up .venv, once; this can take some minutes.", "正在准备 .venv（仅首次），可能需要几分钟。")
            install_packages()
        run(PYTHON, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation", "-e", ".")
    except (SetupFault, OSError) as fault:
        say("The set-up stopped. Is there a network? Then run make again.", "环境准备中断。请检查网络后重新运行 make。")
        print(without_paths(str(fault)), file=sys.stderr)
        return 1
    (HOME / ".ready").touch()
    return 0


def packages_are_those_of_the_lock() -> bool:
    return MARK.is_file() and MARK.read_text() == wanted() and PYTHON.exists()


def wanted() -> str:
    """The checksum of both lists and of the Python that reads them."""
    lists = b"".join((ROOT / name).read_bytes() for name in (LOCK, UV))
    return hashlib.sha256(lists + sys.version.encode()).hexdigest()


def install_packages() -> None:
    """An empty environment, filled by uv (seconds), or by pip where uv cannot be had (minutes)."""
    run(sys.executable, "-m", "venv", "--clear", ".venv")
    try:
        pip("-r", UV)
        run(
            HOME / "bin" / "uv",
            "pip",
            "install",
            "-q",
            "--python",
            PYTHON,
            "--require-hashes",
            "-r",
            LOCK,
            env=mirror(),
        )
    except SetupFault:
        say("uv could not be used; pip does it, slower.", "无法使用 uv，改用 pip，速度较慢。")
        pip("-r", LOCK)
    MARK.write_text(wanted())


def mirror() -> dict[str, str]:
    """uv does not read pip's settings: hand it the mirror that pip is told to use, where there is one."""
    asked = subprocess.run([PYTHON, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True)
    address = os.environ.get("PIP_INDEX_URL") or asked.stdout.strip()
    return {"UV_DEFAULT_INDEX": address} if address else {}


def pip(*arguments: str) -> None:
    run(PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", *arguments)


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Run quietly; keep the last lines for the message of a fault."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**(env or {}), **os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SetupFault("\n".join(done.stdout.strip().splitlines()[-12:]))


def without_paths(text: str) -> str:
    """Nobody who is sent this message should learn where the project lies, or whose machine it is."""
    for place, name in ((str(ROOT), "."), (sys.base_prefix, "PYTHON"), (str(Path.home()), "~")):
        text = text.replace(place, name)
    return text


def say(english: str, chinese: str) -> None:
    print(f"{english}\n{chinese}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
