# SPDX-License-Identifier: Apache-2.0
"""Every model file that is imported, on ARM: code for 64 and 32 bits, in an emulator."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import bnnc
from bnnc import arrays as batches
from bnnc.backends import emulator_of, find_target
from bnnc.driver import plan
from bnnc.ir import Module
from bnnc.ir import bin as bits

from ..fuzz.native import Native
from .table import TABLE
from .test_every_file import SAVED, load_inputs

pytestmark = pytest.mark.slow


FILES = [f for f in TABLE if f not in SAVED and not TABLE[f].refused]
# Processors with instructions for bytes compute other layers as those without do.
WITH_BYTES = [f for f in FILES if "i" in TABLE[f].kinds.replace("fewbit", "")]
CASES = [
    *((target, file) for target in ("neon", "armv7-neon") for file in FILES),
    *((target, file) for target in ("neon-dotprod", "neon-i8mm") for file in WITH_BYTES),
]


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Native]:
    """All kernels of a target, compiled once."""

    @cache
    def kernels(name: str) -> Native:
        target = find_target(name)
        compiler = target.compilers[0] if not target.native else "gcc"
        for tool in (compiler, *emulator_of(target)[:1]):
            if shutil.which(tool) is None:
                pytest.skip(f"no {tool} on PATH; scripts/system-packages.sh installs it")
        return Native.made(tmp_path_factory.mktemp(name), name, compiler, optimize="-O1")

    return kernels


def _floats_in_an_order(module: Module) -> bool:
    """Whether some layer adds up floats, so that the order of the target matters."""
    return any(isinstance(op, bits.Layer) and op.KIND[0] == "f" for op in module.func.ops)


@pytest.mark.parametrize(("target", "file"), CASES)
def test_code_equals_the_interpreter(
    shared: Path, arm: Callable[[str], Native], target: str, file: str
) -> None:
    """Every tensor in every bit, in the target's float order; networks that add up no floats have
    the bits of portable C too."""
    native = arm(target)
    module, feeds = load_inputs(shared, file)
    planned, portable = plan(module, target), plan(module, "c")
    feeds = {name: array[:1] for name, array in feeds.items()}
    padded, _ = batches.pad_batches(planned.inputs, feeds)
    calls = list(batches.chunks(planned.inputs, padded))
    library = native.build({"net": planned})
    assert native.check(library, "net", planned, calls) >= len(planned.outputs)
    native.clean("net")
    if not _floats_in_an_order(portable):
        for call in calls:
            here = bnnc.interpret(portable, call)
            for name, array in bnnc.interpret(planned, call).items():
                assert np.array_equal(array, here[name], equal_nan=True)
