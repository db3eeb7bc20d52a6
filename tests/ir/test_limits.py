# SPDX-License-Identifier: Apache-2.0
"""Small files ask for no large constants."""

from __future__ import annotations

import numpy as np
import pytest

from bnnc.ir import Module, Stage, nn
from bnnc.ir.diagnostics import IRError, PassError
from bnnc.ir.limits import MOST_ELEMENTS, require_affordable
from bnnc.passes.manager import PassManager


@pytest.mark.parametrize(
    ("shape", "given"),
    [((MOST_ELEMENTS,), 0), ((2**20, 16), 1), ((MOST_ELEMENTS, 8), MOST_ELEMENTS * 2), ((0,), 0)],
)
def test_what_is_affordable(shape: tuple[int, ...], given: int) -> None:
    require_affordable(shape, given)


@pytest.mark.parametrize(
    ("shape", "given"), [((MOST_ELEMENTS + 1,), 0), ((10**6, 10**6), 10**6), ((2**40,), 2**37)]
)
def test_what_is_not(shape: tuple[int, ...], given: int) -> None:
    with pytest.raises(IRError, match="elements would be computed from"):
        require_affordable(shape, given)


def test_constants_are_not_folded_into_large_ones() -> None:
    module = Module("m", Stage.IMPORTED)
    one = module.add_resource("one", np.ones(3, np.float32))
    padded = module.func.append(nn.Pad(one, before=(2**40,), after=(0,), value=0.0))
    module.func.set_results(padded.results)
    module.func.output_names = ["y"]
    with pytest.raises(PassError, match="1099511627779 elements would be computed from 3"):
        PassManager().run(module, "fold-constants")
