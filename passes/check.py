# SPDX-License-Identifier: Apache-2.0
"""`--check-each`: a pass must compute the same function, as exactly as it declares."""

from __future__ import annotations

import numpy as np

from bnnc.ir.diagnostics import PassError
from bnnc.ir.interpreter import interpret
from bnnc.ir.module import Module

from .base import Pass

ROUNDING = 1e-4


def random_inputs(module: Module, seed: int = 0) -> dict[str, np.ndarray]:
    """Seeded inputs for every input of a module: normal float32, integers of the whole range."""
    rng = np.random.default_rng(seed)
    return {
        n: rng.standard_normal(t.shape, np.float32)
        if (bounds := t.scalar.range()) is None
        else rng.integers(*bounds, t.shape, endpoint=True).astype(t.dtype)
        for n, t in module.inputs.items()
    }


def check_pass(pass_: Pass, before: Module, after: Module, seed: int = 0) -> None:
    """Interpret both modules on the same random inputs and compare their outputs.

    ``exact`` passes must give equal bits; ``rounding`` ones may differ by 1e-4 of the largest
    absolute value; ``approximate`` ones must only give finite values where there were some.
    """
    inputs = random_inputs(before, seed)
    want, got = interpret(before, inputs), interpret(after, inputs)
    for name, expected in want.items():
        actual = got[name]
        if expected.dtype.kind != "f":
            bad = (expected != actual) & (pass_.exactness != "approximate")
        elif pass_.exactness == "exact":
            both_nan = np.isnan(expected) & np.isnan(actual)
            bad = (expected.view(np.uint32) != actual.view(np.uint32)) & ~both_nan
        elif pass_.exactness == "rounding":
            scale = float(np.abs(expected).max(initial=0.0))
            bad = ~(np.abs(expected - actual) <= ROUNDING * scale)
        else:
            bad = np.isfinite(expected) & ~np.isfinite(actual)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            raise PassError(
                f"pass '{pass_.spec()}' ({pass_.exactness}) changed output '{name}' at "
                f"{list(index)}: {expected[index]!r} became {actual[index]!r}; "
                f"{int(bad.sum())} of {bad.size} values differ"
            )
