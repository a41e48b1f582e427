"""One finding of `workbench doctor`, and the words of all of them."""

from __future__ import annotations

from dataclasses import dataclass

from survey.faults import printable

FINE, WARN, MEND = 0, 1, 2
WORDS = {
    "key_open": (
        "the key file {file} can be read by other users; chmod 600 it",
        "密钥文件 {file} 可被其他用户读取；请设为 600 权限",
    ),
    "key_broken": (
        "{file} is not a key of the workbench (32 bytes); put the right one back from its backup",
        "{file} 不是本工作台的密钥（32 字节）；请从备份放回",
    ),
    "key_lost": (
        "the store of {study} was made with the key of fingerprint {fingerprint}, and it is not there; put it back from its backup",
        "{study} 的存储由指纹为 {fingerprint} 的密钥建立，而该密钥不在；请从备份放回",
    ),
    "key_folder_open": (
        "other users can enter the folder of the keys; chmod 700 it",
        "其他用户可进入密钥文件夹；请设为 700 权限",
    ),
    "key_in_project": (
        "the keys lie inside a project under version control: they would be copied with it. Move them, and set WORKBENCH_KEYS",
        "密钥放在受版本管理的项目之内，会随项目一起复制。请移出，并设置 WORKBENCH_KEYS",
    ),
    "key_synced": (
        "the folder of the keys looks as if it were copied elsewhere ({what}); move it to a folder that stays on this machine",
        "密钥文件夹似会被同步到别处（{what}）；请移到只留在本机的文件夹",
    ),
    "one_user": (
        "key and raw files of {study} belong to one user: who is evaluated, or works for them, must not hold both. Have a "
        "custodian keep the key or the files: workbench seal",
        "{study} 的密钥与原始文件属于同一用户：被评估方及其人员不应同时持有两者。请由保管人保管其一：workbench seal",
    ),
    "raw_open": (
        "raw files about people can be read by other users ({files}); take the permission away (chmod o-r)",
        "涉及个人的原始文件可被其他用户读取（{files}）；请取消该权限（chmod o-r）",
    ),
    "store_open": (
        "other users can enter the store {study}; chmod 700 its folder",
        "其他用户可进入存储 {study}；请将其文件夹设为 700 权限",
    ),
    "store_other": (
        "the store {study} belongs to another user of this machine; work as that user, or set WORKBENCH_HOME",
        "存储 {study} 属于本机的另一用户；请以该用户身份运行，或设置 WORKBENCH_HOME",
    ),
    "store_synced": (
        "the stores look as if they were copied elsewhere ({what}); set WORKBENCH_HOME to a folder that stays on this machine",
        "存储似会被同步到别处（{what}）；请用 WORKBENCH_HOME 指定只留在本机的文件夹",
    ),
    "jupyter": (
        "JupyterLab, {file}: {setting} {en}",
        "JupyterLab，{file}：{setting} {zh}",
    ),
    "jupyter_unread": (
        "JupyterLab's settings in {file} cannot be read; look at them, or take the file away",
        "无法读取 {file} 中的 JupyterLab 设置；请查看或移走该文件",
    ),
    "root": (
        "you work as root: whatever a notebook does, it may do everything. Work as an ordinary user",
        "当前以 root 身份运行：笔记本中的任何代码都拥有全部权限。请改用普通用户",
    ),
    "package_missing": (
        "packages of the lock are not installed ({names}); run make again",
        "锁定清单中的软件包未安装（{names}）；请重新运行 make",
    ),
    "package_other": (
        "packages have other versions than the lock says ({names}); numbers may differ from a reviewer's. Run make again",
        "软件包版本与锁定清单不一致（{names}），数字可能与复核者不同。请重新运行 make",
    ),
    "no_lock": (
        "requirements/lock.txt is not there: nobody knows which versions belong here",
        "缺少 requirements/lock.txt：无法确认应有的版本",
    ),
    "no_font": (
        "the Chinese font is not there: headings in reports may be boxes. Run make again",
        "缺少中文字体：报告中的标题可能显示为方框。请重新运行 make",
    ),
    "disk_low": (
        "{free} are free where the store lies; at least {least} are wanted",
        "存储所在磁盘仅剩 {free}；建议至少 {least}",
    ),
    "no_zones": (
        "this machine does not know the time zone {zone}: times cannot be read. Install the system's time zone data (tzdata)",
        "本机没有时区 {zone} 的数据，无法识别时间。请安装系统的时区数据（tzdata）",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found: how grave it is, what it is about, and the words.

    Attributes
    ----------
    level : {0, 1, 2}
        As the exit code.
    check : str
        One of `WORDS`.
    en, zh : str
    """

    level: int
    check: str
    en: str
    zh: str

    def say(self, language: str) -> str:
        """Give the words in a language."""
        return self.en if language == "en" else self.zh


def finding(level: int, check: str, **parts: str) -> Finding:
    """Make a finding; names from the machine are written so that they cannot steer a terminal."""
    en, zh = (words.format(**{name: printable(part) for name, part in parts.items()}) for words in WORDS[check])
    return Finding(level, check, en, zh)
