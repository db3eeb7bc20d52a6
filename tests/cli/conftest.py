# SPDX-License-Identifier: Apache-2.0
"""The command line in this process, and a small network as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from bnnc import arrays
from bnnc.cli.entry import run
from bnnc.ir.text import write_module

from .networks import network


@dataclass(frozen=True)
class Outcome:
    """What one command left behind."""

    code: int
    out: str
    err: str


Command: TypeAlias = Callable[..., Outcome]


@pytest.fixture
def bnnc(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line; the arguments become texts."""

    def command(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command


@pytest.fixture(scope="session")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small network as textual IR."""
    path = tmp_path_factory.mktemp("net") / "small.bnn"
    write_module(network(), path)
    return path


@pytest.fixture(scope="session")
def inputs(net: Path) -> Path:
    """Five samples for it: two calls and a half."""
    path = net.with_name("x.npz")
    x = np.random.default_rng(1).normal(size=(5, 6, 6, 3)).astype(np.float32)
    arrays.save_arrays(path, {"x": x})
    return path


@pytest.fixture(scope="session")
def digits(repo: Path) -> Path:
    """The frozen graph that ships as an example."""
    return repo / "examples" / "digits" / "digits.pb"
