# SPDX-License-Identifier: Apache-2.0
"""Every exit code by something that a user can do, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from bnnc import driver

from ..frontends.graphs import GraphBuilder
from .networks import network

Prepare: TypeAlias = Callable[[Path], list[str]]


def _sound(folder: Path) -> list[str]:
    return ["compile", "net.bnn", "-o", str(folder / "out")]


def _failed_check(folder: Path) -> list[str]:
    del folder
    return ["explain", "net.bnn", "--expect-binary", "conv1"]


def _wrong_option(folder: Path) -> list[str]:
    del folder
    return ["compile", "net.bnn", "--tarjet", "c"]


def _unsupported_model(folder: Path) -> list[str]:
    graph = GraphBuilder()
    graph.node("Frobnicate", "strange", graph.placeholder("x", (-1, 8)))
    graph.save(folder / "model.pb")
    return ["compile", "model.pb"]


def _faulty_text(folder: Path) -> list[str]:
    text = (folder / "net.bnn").read_text()
    (folder / "net.bnn").write_text(text.replace("nn.softmax", "nn.sofmax"))
    return ["dump", "net.bnn"]


def _unknown_pass(folder: Path) -> list[str]:
    del folder
    return ["opt", "net.bnn", "--passes", "fold-constant"]


def _unknown_target(folder: Path) -> list[str]:
    del folder
    return ["compile", "net.bnn", "--target", "neno"]


def _damaged_weights(folder: Path) -> list[str]:
    driver.compile(network(), out=folder / "out")
    weights = folder / "out" / "small.bnnw"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    return ["inspect", str(weights)]


def _nowhere_to_write(folder: Path) -> list[str]:
    del folder
    return ["dump", "net.bnn", "-o", "absent/net.bnn"]


def _faulty_pass(folder: Path, statement: str) -> list[str]:
    (folder / "mine.py").write_text(
        "import os, signal\nfrom bnnc import Module, Pass, Rewriter\n\n"
        "class Mine(Pass):\n    name = 'mine'\n"
        f"    def run(self, module: Module, rw: Rewriter) -> None:\n        {statement}\n"
    )
    return ["opt", "net.bnn", "--load-pass", "mine.py", "--passes", "mine"]


def _crash(folder: Path) -> list[str]:
    return _faulty_pass(folder, "1 / 0")


def _interrupt(folder: Path) -> list[str]:
    return _faulty_pass(folder, "os.kill(os.getpid(), signal.SIGINT)")


def _heed_interrupts() -> None:
    """What a shell starts in the background is born deaf to them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("code", "prepare", "text"),
    [
        (0, _sound, ""),
        (1, _failed_check, "error: layer 'conv1' is ff, not bb\n  hint: float weights: "),
        (2, _wrong_option, "No such option '--tarjet'"),
        (3, _unsupported_model, "Frobnicate is not supported: node 'strange'"),
        (4, _faulty_text, "did you mean 'nn.softmax'?"),
        (5, _unknown_pass, "did you mean 'fold-constants'?"),
        (6, _unknown_target, "error: unknown target 'neno'"),
        (7, _damaged_weights, "is damaged: the payload's checksum differs"),
        (8, _nowhere_to_write, "error: cannot write absent/net.bnn: No such file or directory"),
        (70, _crash, "error: pass 'mine' crashed: ZeroDivisionError: "),
        (130, _interrupt, "interrupted"),
    ],
)
def test_exit_code(net: Path, tmp_path: Path, code: int, prepare: Prepare, text: str) -> None:
    for suffix in (".bnn", ".bnn.npz"):
        file = net.with_suffix(suffix)
        (tmp_path / f"net{suffix}").write_bytes(file.read_bytes())
    repo = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "bnnc", *prepare(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(repo)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_heed_interrupts,
    )
    assert done.returncode == code, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
