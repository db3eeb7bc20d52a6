# SPDX-License-Identifier: Apache-2.0
"""How large a constant may become that is computed rather than stored.

A file of a kilobyte must not ask for gigabytes: what expands a constant (a fill, a tile, a pad, a
broadcast) may give some millions of elements, beyond that only a few for each that goes in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .diagnostics import IRError
from .operation import Op

MOST_ELEMENTS = 1 << 24
MOST_FOR_EACH = 4


def require_affordable(shape: Sequence[int], given: int = 0) -> None:
    """Refuse a constant of this shape that is computed from `given` elements.

    Raises:
        IRError: it is too large.
    """
    count = math.prod(shape)
    if count > max(MOST_ELEMENTS, MOST_FOR_EACH * given):
        raise IRError(
            f"a constant {list(shape)} of {count} elements would be computed from {given}",
            hint=f"store constants of more than {MOST_ELEMENTS} elements, do not compute them",
        )


def require_affordable_results(op: Op) -> None:
    """Refuse to evaluate an operation on constants whose results are too large.

    Raises:
        IRError: one is.
    """
    given = sum(v.type.size for v in op.operands)
    for result in op.results:
        require_affordable(result.shape, given)
