# SPDX-License-Identifier: Apache-2.0
"""Random layers of bytes: C, under sanitizers, equals the interpreter in every bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bnnc.driver import plan

from .byte_layers import Layer, byte_layers

if TYPE_CHECKING:
    from ..fuzz.native import Native


# Compiling takes most of the time, so that many layers share it; without shrinking, for a failure
# says which of them it is.
@pytest.mark.slow
@settings(
    max_examples=6,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
)
@given(st.lists(byte_layers(), min_size=12, max_size=12))
def test_random_layers(native: Native, layers: list[Layer]) -> None:
    planned = {f"layer{i}": plan(layer.module) for i, layer in enumerate(layers)}
    library = native.build(planned)
    for (name, module), layer in zip(planned.items(), layers, strict=True):
        assert native.check(library, name, module, [{"x": x} for x in layer.inputs]) > 0
        native.clean(name)
