"""The table of faults: what may befall an intake or a store, what holds then, what is said, and which tests show it.

`make faults` writes docs/faults.md from it. The words are held to what the product says: each test asks `said`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One row.

    Attributes
    ----------
    fault, guarantee : str
        What befalls, and what holds all the same.
    shown : str
        How it is brought about in the tests.
    tests : tuple of str
        ``file::test``, each below tests/.
    en, zh : str
        A part of what is said, word for word; empty where nothing need be said.
    """

    fault: str
    guarantee: str
    shown: str
    tests: tuple[str, ...]
    en: str = ""
    zh: str = ""


STORE = "survey/store/"
ROWS = (
    Fault(
        "kill during ingest",
        "the old state or the new one, never between; the run after it ends as a clean run does, by the hash of every file",
        "SIGKILL at 22 named steps, at calls spread over the whole run and at random moments: 50 in the slow tier, 1,000 in "
        "`make validate`",
        (f"{STORE}test_kills.py::test_killed_at_a_named_step", f"{STORE}test_kills.py::test_killed_anywhere"),
    ),
    Fault(
        "kill at the rename",
        "the old file is whole",
        "SIGKILL before and after each kind of rename: of a table, of the manifest's copy, of the manifest",
        (f"{STORE}test_kills.py::test_killed_at_every_other_named_step",),
    ),
    Fault(
        "power loss",
        "what is done when a run ends is on the disk; before that, the old state or the new one",
        "the calls are replayed on a disk that keeps only what was brought to it, and every state that could be left is built",
        (
            f"{STORE}test_power.py::test_whatever_a_loss_of_power_leaves_is_whole",
            f"{STORE}test_power.py::test_what_is_done_is_on_the_disk",
        ),
    ),
    Fault(
        "disk full",
        "said in words; the old state; what was begun is taken away, so that its space is free; the next run goes through",
        "a file system of 1 MB, a limit on the size of files, ENOSPC at each call in turn (also at fsync and close)",
        (
            f"{STORE}test_faults_disk.py::test_a_disk_that_is_full",
            f"{STORE}test_faults_disk.py::test_a_limit_on_the_size_of_files",
            f"{STORE}test_faults_disk.py::test_an_error_at_each_call_in_turn",
        ),
        "the disk is full, or a limit on the size of files is reached: the store is as it was",
        "磁盘已满，或已达到文件大小上限：存储保持原状",
    ),
    Fault(
        "I/O error on read, write, fsync",
        "an error is never taken for success: said in words, the old state or the new one, the next run goes through",
        "the k-th call fails, for k = 1, 2, ... until a run succeeds: open, write, fsync, rename, delete, close, and reading",
        (f"{STORE}test_faults_disk.py::test_an_error_at_each_call_in_turn",),
        "the disk reports an error (EIO): the store is as it was",
        "磁盘报告错误（EIO）：存储保持原状",
    ),
    Fault(
        "read-only folder",
        "said in words, with the folder; what is stored can be read; nothing is written",
        "as an ordinary user on folders of mode 0500; no byte and no time changes",
        (f"{STORE}test_faults_disk.py::test_a_folder_that_may_not_be_written",),
        "the store cannot be written: you may not write to the folder",
        "无法写入存储文件夹",
    ),
    Fault(
        "another user's store",
        "refused",
        "a store whose owner is not who runs",
        (f"{STORE}test_faults_disk.py::test_the_store_of_another_user",),
        "this store belongs to another user of this machine",
        "该存储属于本机的另一用户",
    ),
    Fault(
        "out of memory",
        "the old state, and the next run goes through; said in words, but where a library written in C ends the process instead",
        "a limit on the address space at 25, 50 and 75 % of what the run needs beyond its start; every kind of error by which "
        "Python, numpy, pyarrow, the engine and the operating system say it",
        (
            f"{STORE}test_faults_memory.py::test_too_little_memory",
            f"{STORE}test_faults_memory.py::test_whoever_says_it_it_is_said_in_words",
        ),
        "the memory does not suffice for this study",
        "内存不足，无法处理本研究",
    ),
    Fault(
        "two runs at once",
        "one waits and says for whom, or is refused after WORKBENCH_WAIT with process, machine and since when; a killed process's "
        "lock is taken over at once; the end is that of one run after the other",
        "20 processes of 20 saves each; 20 ingests of one study; a holder that is killed",
        (
            f"{STORE}test_together.py::test_twenty_processes_are_one_after_the_other",
            f"{STORE}test_together.py::test_twenty_ingests_at_once_are_one",
            f"{STORE}test_lock.py::test_a_second_writer_is_refused_with_process_host_and_since_when",
            f"{STORE}test_lock.py::test_a_killed_process_s_lock_is_taken_over_at_once",
        ),
        "is writing to this store; wait until it is done and run again",
        "正在写入该存储",
    ),
    Fault(
        "reader during write",
        "a reader sees a whole version, or is told that a newer one has taken its place",
        "a reader in a loop during 40 swaps (500 in the slow tier)",
        (f"{STORE}test_together.py::test_a_reader_sees_a_whole_version_during_many_swaps",),
        "was changed or taken away since it was opened; run again",
        "在打开后被改动或移走",
    ),
    Fault(
        "corrupted cache",
        "found at the next reading, said, built again to the same bytes",
        "300 random bytes flipped; besides that a byte at 100 places of every file, and every file cut off",
        (
            f"{STORE}test_damage.py::test_a_cache_with_three_hundred_flipped_bytes_is_built_again_as_it_was",
            f"{STORE}test_damage.py::test_a_flipped_byte_anywhere_is_found",
            f"{STORE}test_damage.py::test_a_file_that_is_cut_off_is_found",
        ),
        "tables are damaged or lost and are built again",
        "以下表已损坏或丢失，将重新生成",
    ),
    Fault(
        "corrupted raw file",
        "what cannot be read is refused by name and nothing is stored; a byte that still reads as an answer makes a new version",
        "bytes flipped in a file after its ingest, a header garbled; the fuzzer (10,000 files) for the rest",
        (f"{STORE}test_faults_raw.py::test_a_raw_file_that_was_garbled",),
    ),
    Fault(
        "raw file deleted after ingest",
        "the next run is refused by the file's name; verify lists it",
        "each file of the wave deleted in turn",
        (
            f"{STORE}test_faults_raw.py::test_a_raw_file_that_is_gone",
            "reports/test_store_commands.py::test_verify_tells_which_raw_files_differ",
        ),
    ),
    Fault(
        "raw file edited after ingest",
        "told at the next run, which makes a new version and keeps the old one; verify lists it",
        "files edited and added after ingest",
        (
            f"{STORE}test_versions.py::test_a_corrected_file_is_a_new_version_and_the_old_one_stays_readable",
            "reports/test_store_commands.py::test_verify_tells_which_raw_files_differ",
        ),
        "files differ from what the version before recorded",
        "文件与上一版本的记录不同",
    ),
    Fault(
        "a file still being written while it is read",
        "refused; nothing is stored under the checksum of what it was",
        "a file that grows after its checksum was taken",
        (f"{STORE}test_faults_raw.py::test_a_file_that_changes_while_it_is_read",),
        "the file was changed while it was being read: nothing was stored",
        "读取过程中文件发生了变化",
    ),
    Fault(
        "truncated gz or Parquet as input",
        "refused by name; nothing is stored",
        "cut off at many places",
        (
            f"{STORE}test_faults_raw.py::test_a_truncated_parquet_file",
            f"{STORE}test_faults_raw.py::test_a_packed_file_whole_or_truncated",
        ),
    ),
    Fault(
        "old store, new code",
        "read",
        "a store of format 1, kept in the tests for ever",
        (f"{STORE}test_format.py::test_format_1_is_read", f"{STORE}test_format.py::test_format_1_is_gone_on_with"),
    ),
    Fault(
        "new store, old code; an upgrade that was stopped",
        "refused, nothing changed; also where one of the two manifests alone is of the newer format. There is one format so far, "
        "so nothing is migrated yet",
        "manifests of a format 2, both, one of the two",
        (f"{STORE}test_format.py::test_a_newer_format_is_refused_and_left_alone",),
        "a newer version of the workbench has written this store",
        "该存储由更新版本的工作台写入",
    ),
    Fault(
        "clock change, time zone, leap day",
        "the same bytes in the store",
        "five times of the clock, three zones",
        (
            f"{STORE}test_faults_world.py::test_the_same_bytes_whatever_the_clock_says",
            f"{STORE}test_faults_world.py::test_the_same_bytes_in_every_zone",
        ),
    ),
    Fault(
        "locale, hash seed, threads",
        "the same bytes in the store",
        "four locales, three hash seeds, 1, 2 and 8 threads",
        (
            f"{STORE}test_faults_world.py::test_the_same_bytes_in_every_locale",
            f"{STORE}test_faults_world.py::test_the_same_bytes_with_every_hash_seed",
            f"{STORE}test_faults_world.py::test_the_same_bytes_with_any_number_of_threads",
        ),
    ),
    Fault(
        "project copied to another folder",
        "works, with the same bytes; what was stored is taken over",
        "study and store copied elsewhere",
        (f"{STORE}test_faults_world.py::test_the_same_bytes_in_another_folder",),
    ),
    Fault(
        "network absent",
        "all works",
        "an ingest in a process that may open no connection",
        (f"{STORE}test_faults_world.py::test_no_network_is_needed",),
    ),
    Fault(
        "key lost or changed",
        "refused to link old with new, with both fingerprints; the store stays as it was",
        "the key deleted, and replaced by another",
        (f"{STORE}test_faults_world.py::test_a_key_that_is_lost_or_changed",),
        "store was made with",
        "密钥",
    ),
    Fault(
        "partial restore from a backup",
        "verify names what is missing; derived tables are built again, kept ones asked back",
        "any file of the store deleted, each in its turn",
        (
            f"{STORE}test_damage.py::test_any_file_that_is_lost_is_found_each_in_its_turn",
            f"{STORE}test_damage.py::test_damaged_tables_are_built_again_or_asked_back",
        ),
        "tables are damaged or lost that cannot be built again",
        "以下无法重新生成的表已损坏或丢失",
    ),
    Fault(
        "user deletes a wave",
        "what arrived and every table that holds it are gone; reports stay, so do names and checksums of files in the versions",
        "a scan of all bytes for what was planted; killed on the way",
        (
            f"{STORE}test_versions.py::test_a_wave_is_erased_from_every_file",
            f"{STORE}test_kills.py::test_a_purge_that_is_killed_erases_when_it_is_run_again",
            "reports/test_store_commands.py::test_purge_erases_a_wave",
        ),
    ),
)
BY_NAME = {row.fault: row for row in ROWS}


def said(fault: str, words: str) -> bool:
    """Whether a row's words stand in what was said; where that is in both languages, those of both."""
    row = BY_NAME[fault]
    return row.en in words and (words.isascii() or row.zh in words)
