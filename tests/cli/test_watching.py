# SPDX-License-Identifier: Apache-2.0
"""What passes do can be watched: printed, compared, timed, dumped, stopped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import bnnc as package
from bnnc import driver, lowering
from bnnc.ir import Stage
from bnnc.ir.text import read_module

from .conftest import Command
from .networks import network

WATCHING = ["dump", "opt", "compile", "run", "verify", "explain"]
PASSES = ["--passes", "fold-constants,canonicalize,default"]


def _printed(err: str, when: str) -> list[str]:
    return re.findall(rf"^// {when} ([\w-]+)", err, re.MULTILINE)


def test_before_and_after(bnnc: Command, net: Path) -> None:
    chosen = ["opt", net, "--passes", "fold-constants,canonicalize"]
    every = bnnc(*chosen, "--print-ir-after-all", "--print-ir-before-all").err
    assert _printed(every, "(?:before|after)") == [
        *("fold-constants", "fold-constants", "canonicalize", "canonicalize")
    ]
    some = bnnc(
        *chosen, "--print-ir-before", "canonicalize", "--print-ir-after", "fold-constants"
    ).err
    assert _printed(some, "before") == ["canonicalize"]
    assert _printed(some, "after") == ["fold-constants"]
    after, before = re.split(r"^// before .*\n", some, flags=re.MULTILINE)
    assert (
        after
        == re.split(r"^// .*\n", after, flags=re.MULTILINE)[0]
        + after.partition("\n")[0]
        + "\n"
        + before
    )  # nothing happens between two passes
    assert package.parse(before) == driver.lower(network(), passes="fold-constants")


def test_after_a_pass_that_breaks_the_module(bnnc: Command, net: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(BREAKING)
    failed = bnnc(
        *("opt", net, "--load-pass", tmp_path / "broken.py", "--passes", "break"),
        *("--print-ir-after-all", "--dump-dir", tmp_path / "dumps"),
    )
    assert failed.code == 5
    assert "does not verify after pass 'break'" in failed.err
    assert "tensor<7xf32>" in failed.err.partition("// after break")[2]
    assert "tensor<7xf32>" in (tmp_path / "dumps" / "01-break.bnn").read_text()


BREAKING = """
from bnnc import Module, Pass, Rewriter
from bnnc.ir import F32, TensorType

class Break(Pass):
    '''Gives a result a type that is not its own.'''
    name = "break"

    def run(self, module: Module, rw: Rewriter) -> None:
        rw.retype(module.func.ops[3].result, TensorType((7,), F32))
"""


@pytest.mark.parametrize("command", WATCHING)
def test_every_command_that_runs_passes(bnnc: Command, net: Path, command: str) -> None:
    more = ["--target", "interp"] if command in ("run", "verify") else []
    done = bnnc(
        *(command, net, *PASSES, *more, "--print-ir-after", "schedule", "--print-ir-before"),
        *("binarize", "--print-ir-diff", "--time-passes"),
        *(["-o", net.parent / "watched"] if command == "compile" else []),
    )
    assert done.code == 0, done.err
    assert _printed(done.err, "before") == ["binarize"]
    assert _printed(done.err, "after") == ["schedule"]
    assert "--- before canonicalize\n+++ after canonicalize\n" in done.err
    assert re.search(r"^plan-memory +changed +\d+\.\d$", done.err, re.MULTILINE)


def test_passes_that_are_unknown(bnnc: Command, net: Path) -> None:
    for flag in ("--print-ir-before", "--print-ir-after", "--stop-after"):
        failed = bnnc("dump", net, flag, "binarise")
        assert failed.code == 5
        assert "did you mean 'binarize'?" in failed.err


def test_differences(bnnc: Command, net: Path) -> None:
    shown = bnnc("opt", net, "--passes", "canonicalize,canonicalize", "--print-ir-diff")
    assert shown.code == 5  # the second one is for another stage
    lines = shown.err.splitlines()
    assert lines.count("--- before canonicalize") == 1
    removed = [line for line in lines if line.startswith("-") and not line.startswith("---")]
    added = [line for line in lines if line.startswith("+") and not line.startswith("+++")]
    assert '-module @small {stage = "imported"} {' in removed
    assert '+module @small {stage = "canonical"} {' in added
    quiet = bnnc("opt", net, "--passes", "recognise-straight-through", "--print-ir-diff")
    assert quiet.err == ""  # changes nothing here


def test_times(bnnc: Command, net: Path) -> None:
    shown = bnnc("dump", net, "--stop-after", "canonicalize", "--time-passes").err.splitlines()
    assert shown[0].split() == ["pass", "ms"]
    rows = [re.fullmatch(r"(\S.*?)  +(?:(un)?changed)? +(\d+\.\d)", line) for line in shown[1:]]
    names = [row[1] for row in rows if row]
    ran = lowering.standard_passes(Stage.IMPORTED, lowering.as_target("c"))
    last = next(i for i, pass_ in enumerate(ran) if pass_.name == "canonicalize")
    assert names == [*(p.spec() for p in ran[: last + 1]), "all passes"]
    times = [float(row[3]) for row in rows if row]
    assert sum(times[:-1]) == pytest.approx(times[-1], abs=0.05 * len(times))


def test_a_folder_of_dumps(bnnc: Command, net: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "dumps"
    assert bnnc("explain", net, "--dump-dir", folder).code == 0
    passes = lowering.standard_passes(Stage.IMPORTED, lowering.as_target("c"))
    names = ["start", *(p.name for p in passes)]
    assert [file.name for file in sorted(folder.glob("*.bnn"))] == [
        f"{i:02}-{name}.bnn" for i, name in enumerate(names)
    ]
    assert read_module(folder / "00-start.bnn") == network()
    module = network()
    for i, pass_ in enumerate(passes, 1):
        module = driver.lower(module, passes=pass_.spec())
        assert read_module(folder / f"{i:02}-{pass_.name}.bnn") == module
    assert bnnc("opt", net, "--passes", "fold-constants", "--dump-dir", folder).code == 0
    assert [f.name for f in sorted(folder.glob("*.bnn"))] == [
        *("00-start.bnn", "01-fold-constants.bnn")
    ]
    assert len(list(folder.iterdir())) == 4  # their side files; nothing of the first time is left


def test_a_folder_of_something_else_is_left_alone(bnnc: Command, net: Path, tmp_path: Path) -> None:
    (tmp_path / "00-start.bnn").write_text("")
    (tmp_path / "thesis.tex").write_text("mine")
    failed = bnnc("explain", net, "--dump-dir", tmp_path)
    assert failed.code == 2
    assert "thesis.tex in it is no dump" in failed.err
    assert len(list(tmp_path.iterdir())) == 2
    failed = bnnc("explain", net, "--dump-dir", net)
    assert failed.code == 8


def test_stop_after(
    bnnc: Command, net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = driver.lower(network(), after="fold-thresholds")
    done = bnnc("compile", net, "--stop-after", "fold-thresholds")
    assert (done.code, done.out) == (0, "wrote   small.bnn\n")
    assert read_module(tmp_path / "small.bnn") == wanted
    assert bnnc("compile", net, "--stop-after", "fold-thresholds", "-o", "x.bnn").code == 0
    assert read_module(tmp_path / "x.bnn") == wanted
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        *("small.bnn", "small.bnn.npz", "x.bnn", "x.bnn.npz")
    ]
    for flag in ("--stop-after", "--after"):
        assert bnnc("dump", net, flag, "fold-thresholds", "-o", "y.bnn").code == 0
        assert read_module(tmp_path / "y.bnn") == wanted
