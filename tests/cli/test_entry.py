# SPDX-License-Identifier: Apache-2.0
"""First contact, help, and what becomes of errors."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import bnnc as package
from bnnc import driver
from bnnc.cli import crash, entry
from bnnc.ir import diagnostics
from bnnc.ir.diagnostics import BnncError
from bnnc.ir.text import read_module

from .conftest import Command
from .networks import network

OFFERED = list(entry.bnnc_command.commands)
COMMANDS = [
    *("compile", "dump", "opt", "run", "verify", "explain", "quantize", "bench"),
    *("targets", "passes", "inspect", "doctor"),
]


def _python(
    *arguments: str, cwd: Path | None = None, options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    repo = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [sys.executable, *options, "-m", "bnnc", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(repo)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_alone_it_shows_the_first_three_commands(bnnc: Command) -> None:
    shown = bnnc()
    assert shown.code == 0
    commands = re.findall(r"^  bnnc (\w+) ", shown.out, re.MULTILINE)
    assert commands == ["explain", "compile", "run"]


def test_the_offer(bnnc: Command) -> None:
    assert OFFERED == COMMANDS
    shown = bnnc("--help")
    assert shown.code == 0
    assert re.findall(r"^  (\w+)  ", shown.out, re.MULTILINE)[-len(COMMANDS) :] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(bnnc: Command, command: str) -> None:
    shown = bnnc(command, "--help")
    assert shown.code == 0
    assert f"Example: bnnc {command}" in " ".join(shown.out.split())


def test_version(bnnc: Command) -> None:
    assert bnnc("--version").out == f"bnnc, version {package.__version__}\n"


def test_help_loads_nothing_but_the_command_line() -> None:
    shown = _python("--help", options=["-X", "importtime"])
    loaded = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "bnnc.cli.entry" in loaded
    ours = {name for name in loaded if name.startswith("bnnc.")}
    assert {name for name in ours if not name.startswith("bnnc.cli")} == set()
    assert loaded.isdisjoint({"numpy", "lark", "networkx", "h5py", "onnx", "rich"})


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["compil"], "Did you mean 'compile'?"),
        (["compile", "x.pb", "--targt", "c"], "'--target'"),
        (["compile"], "Missing argument 'MODEL'"),
        (["compile", "x.pb", "--batch", "0"], "x>=1"),
        (["compile", "x.pb", "--set", "is_training"], "not of the form NAME=VALUE"),
        (["compile", "x.pb", "--input-shape", "x=1,a"], "not of the form NAME=1,32,32,3"),
        (["run", "x.pb", "--map", "x"], "not of the form INPUT=KEY"),
        (["opt", "x.bnn"], "say which passes to run"),
    ],
)
def test_usage_errors(bnnc: Command, arguments: list[str], hint: str) -> None:
    failed = bnnc(*arguments)
    assert failed.code == 2
    assert hint in failed.err
    assert not failed.out


ERRORS = [
    value
    for value in vars(diagnostics).values()
    if isinstance(value, type) and issubclass(value, BnncError) and value is not BnncError
]


@pytest.mark.parametrize("kind", ERRORS)
def test_exit_codes(bnnc: Command, monkeypatch: pytest.MonkeyPatch, kind: type[BnncError]) -> None:
    def fail(*_: object, **__: object) -> None:
        raise kind("what is wrong", hint="the cure")

    monkeypatch.setattr("bnnc.driver.load", fail)
    failed = bnnc("dump", "x.pb")
    assert failed.code == kind.exit_code
    assert failed.err == "error: what is wrong\n  hint: the cure\n"


def test_the_exit_codes_are_those_of_the_contract() -> None:
    assert sorted(kind.exit_code for kind in ERRORS) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (entry.IO_FAILED, entry.BUG, entry.INTERRUPTED) == (8, 70, 130)


def test_a_failing_file_system(bnnc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "x.pb")

    monkeypatch.setattr("bnnc.driver.load", fail)
    failed = bnnc("dump", "x.pb")
    assert (failed.code, failed.err) == (8, "error: x.pb: Permission denied\n")


def test_an_output_that_cannot_be_written(bnnc: Command, net: Path, tmp_path: Path) -> None:
    failed = bnnc("dump", net, "-o", tmp_path / "absent" / "net.bnn")
    assert failed.code == 8
    assert "absent" in failed.err
    assert "Traceback" not in failed.err


def test_an_interrupt(bnnc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bnnc.driver.load", interrupt)
    assert bnnc("dump", "x.pb").code == 130


def test_a_bug_leaves_a_report_and_one_line(
    bnnc: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("seven by nought")

    monkeypatch.setattr("bnnc.driver.load", fail)
    monkeypatch.chdir(tmp_path)
    failed = bnnc("dump", "x.pb", "--set", "a=b c")
    assert failed.code == 70
    (line,) = failed.err.splitlines()
    (report,) = tmp_path.iterdir()
    assert re.fullmatch(r"bnnc-crash-[0-9a-f]{12}\.txt", report.name)
    assert str(report) in line
    assert "ZeroDivisionError: seven by nought" in line
    text = report.read_text()
    assert "command: bnnc dump x.pb --set 'a=b c'" in text
    assert "Traceback" in text


CRASHING = """
from bnnc import Module, Pass, Rewriter

class Crash(Pass):
    '''Crash.'''
    name = "crash"
    depth: int = 1

    def run(self, module: Module, rw: Rewriter) -> None:
        raise IndexError(self.depth)
"""


def test_a_crashing_pass_leaves_what_reproduces_it(net: Path, tmp_path: Path) -> None:
    (tmp_path / "crash.py").write_text(CRASHING)
    arguments = ["--passes", "fold-constants,canonicalize,crash{depth=3}", "--load-pass=crash.py"]
    failed = _python("compile", str(net), *arguments, cwd=tmp_path)
    assert failed.returncode == 70
    error, reproduce = failed.stderr.splitlines()
    (report,) = tmp_path.glob("bnnc-crash-*.txt")
    assert error == (
        f"error: pass 'crash{{depth=3}}' crashed: IndexError: 3; the report is {report}"
    )
    command = ["opt", "small.crash.bnn", "--passes", "crash{depth=3}", "--load-pass", "crash.py"]
    assert reproduce == f"reproduce: bnnc {shlex.join(command)}"
    assert reproduce in report.read_text().splitlines()
    assert read_module(tmp_path / "small.crash.bnn") == driver.lower(
        network(), passes="fold-constants,canonicalize"
    )
    again = _python(*command, cwd=tmp_path)
    assert again.returncode == 70
    assert again.stderr == failed.stderr.replace(str(report), _newest(tmp_path))


def _newest(folder: Path) -> str:
    return str(max(folder.glob("bnnc-crash-*.txt"), key=lambda file: file.stat().st_mtime_ns))


def test_a_crash_report_names_files_of_targets_and_passes() -> None:
    arguments = ["run", "x.pb", "--load-pass", "a b.py", "--target=interp:./board.toml", "--batch"]
    assert [*crash.repeated_options(arguments)] == [
        *("--load-pass", "a b.py", "--target", "./board.toml")
    ]


def test_a_reader_that_leaves(net: Path) -> None:
    repo = Path(__file__).resolve().parents[2]
    command = f"{sys.executable} -m bnnc dump {net} | head -n 1"
    run = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PYTHONPATH": str(repo)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(run.stdout.splitlines()) == 1
    assert "Traceback" not in run.stderr
    assert "Exception" not in run.stderr
