# SPDX-License-Identifier: Apache-2.0
"""Walks the layers in order and lets the converters translate each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnc.ir import Loc, Op, Resource, Value, nn
from bnnc.ir.diagnostics import BnncError

from ..building import ModuleBuilder
from ..failures import Failures, Unsupported
from .context import Context
from .convert import MODULES
from .network import Layer

_TRANSPARENT = ("Dropout", "SpatialDropout", "Identity")
CONVOLUTIONS = ("SpatialConvolution", "SpatialConvolutionMM")
_ADVICE = "freeze the same network in TensorFlow or export it to ONNX"


def binary_layers(layers: Sequence[Layer], given: bool | None) -> set[str]:
    """Names of the convolutions whose weights are binary; the file does not say.

    Args:
        layers: The network.
        given: True takes all convolutions but the first and the last, as the training program of
            XNOR-Net does with ``-binaryWeight``; None those behind its binary activation.
    """
    convolutions = [layer.name for layer in layers if layer.kind in CONVOLUTIONS]
    if given is not None:
        return set(convolutions[1:-1]) if given else set()
    found: set[str] = set()
    previous = ""
    for layer in layers:
        if previous == "BinActiveZ" and layer.kind in CONVOLUTIONS:
            found.add(layer.name)
        previous = previous if layer.kind in _TRANSPARENT else layer.kind
    return found


class Importer(ModuleBuilder):
    """Builds a module of stage imported from layers in order; what fails is in `failures`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.failures = Failures()

    def normalized(self, x: Value, mean: np.ndarray, std: np.ndarray) -> Value:
        """(x - mean) / std, channel by channel."""
        steps: tuple[tuple[str, type[nn.Sub | nn.Div], np.ndarray], ...] = (
            ("mean", nn.Sub, mean),
            ("std", nn.Div, std),
        )
        for name, kind, array in steps:
            op: Op = kind(x, Resource.of(name, array))
            op.loc = Loc((name,), "Normalization")
            (x,) = self.append(op)
        return x

    def run(self, layers: Sequence[Layer], x: Value, binary: set[str]) -> list[Value]:
        """Translate the layers; return what each computes, up to the first that fails."""
        results: list[Value] = []
        for layer in layers:
            convert = MODULES.find(layer.kind)
            if convert is None:
                self.failures.add(layer.kind, layer.name, "is not supported", _ADVICE)
            if convert is None or self.failures:
                continue  # what follows a failure has no input, but its kind may fail as well
            try:
                x = convert(Context(self, layer, x, is_binary=layer.name in binary))
            except Unsupported as why:
                self.failures.add(layer.kind, layer.name, why.message, why.advice)
            except BnncError as why:
                self.failures.add(layer.kind, layer.name, f"does not fit: {why.message}", why.hint)
            except (ArithmeticError, LookupError, TypeError, ValueError) as why:
                self.failures.add(layer.kind, layer.name, f"is damaged ({why})", "save it again")
            else:
                results.append(x)
        return results
