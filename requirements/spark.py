"""Put the packages of spark.txt (the extra `[spark]`) into `.venv`, by hash; asks for nothing where they are there already.

usage: python requirements/spark.py [--show]      (--show prints what pyproject.toml asks for, and installs nothing)
"""

from __future__ import annotations

import hashlib
import sys
import tomllib

import prepare

LOCK = "requirements/spark.txt"
MARK = prepare.HOME / "spark.sha256"
STAMP = prepare.HOME / ".spark"


def main(arguments: list[str]) -> int:
    """Install, then write the stamp; 1 and a message in two languages where that fails."""
    if arguments == ["--show"]:
        project = tomllib.loads((prepare.ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        print("\n".join(project["optional-dependencies"]["spark"]))
        return 0
    try:
        install()
    except (prepare.SetupFault, OSError) as fault:
        prepare.say(
            "Spark was not installed. Is there a network? Then run make again.",
            "Spark 未能安装。请检查网络后重新运行 make。",
        )
        print(prepare.without_paths(str(fault)), file=sys.stderr)
        return 1
    STAMP.touch()
    return 0


def install() -> None:
    """By uv or else pip; the build tools are those of `.venv`, which its lock holds."""
    wanted = hashlib.sha256((prepare.ROOT / LOCK).read_bytes() + prepare.wanted().encode()).hexdigest()
    if MARK.is_file() and MARK.read_text() == wanted:
        return
    prepare.say(
        "Installing Spark for the slow tests, once; some minutes.", "正在为慢速测试安装 Spark（仅首次），需要几分钟。"
    )
    options = ("--require-hashes", "--no-deps", "--no-build-isolation", "-r", LOCK)
    try:
        uv = prepare.HOME / "bin" / "uv"
        prepare.run(uv, "pip", "install", "-q", "--python", prepare.PYTHON, *options, env=prepare.mirror())
    except prepare.SetupFault:
        prepare.say("uv could not be used; pip does it, slower.", "无法使用 uv，改用 pip，速度较慢。")
        prepare.run(prepare.PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *options)
    MARK.write_text(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
