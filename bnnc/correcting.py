# SPDX-License-Identifier: Apache-2.0
"""`correct-biases`: what 8 bits shift each channel by on average goes into its bias."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bnnc import arrays as batches
from bnnc.ir import Resource, Value, q
from bnnc.ir import bin as bits
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.interpreter import evaluate
from bnnc.ir.module import Module, Stage
from bnnc.ir.operation import Op
from bnnc.ir.types import F32
from bnnc.passes import Rewriter, register_pass
from bnnc.passes.quantized.levels import Bytes
from bnnc.passes.quantized.regions import is_float_layer, names_of, stays_float
from bnnc.passes.quantized.weights import integer_weights

from .data_pass import DataPass

SAMPLES = 128
Chunks = list[np.ndarray]


@register_pass
class CorrectBiases(DataPass):
    """Add to each bias the mean of float minus quantized, channel by channel, on given data.

    Rounded weights and activations shift the means of sums. Layer by layer, those before being
    corrected already, the results of float and of 8-bit weights and activations are compared on at
    most 128 samples (empirical bias correction, Nagel et al., 2019). Layers with thresholds and
    those that ``keep`` lists stay as they are. Stands between `insert-quantizers` and
    `quantize-layers`, where biases are floats yet.
    """

    name = "correct-biases"
    consumes = Stage.BINARIZED
    exactness = "approximate"
    keep: str = ""

    def run(self, module: Module, rw: Rewriter) -> None:
        """One walk in which both networks are evaluated side by side."""
        arrays = self.arrays()
        if arrays is None:
            raise UsageError(
                "bias correction needs calibration data", hint="give --calibrate DATA.npz"
            )
        real, rounded = self._inputs(module, arrays)
        uses = Counter(v for op in module.func.walk() for v in op.operands)
        for index, op in enumerate(list(module.func.ops)):
            for listener in self._listeners:
                listener(index + 1, len(module.func.ops))
            self._step(op, real, rounded, rw)
            for value in op.operands:
                uses[value] -= 1
                if uses[value] <= 0:
                    real.pop(value, None)
                    rounded.pop(value, None)

    def _inputs(
        self, module: Module, arrays: Mapping[str, np.ndarray]
    ) -> tuple[dict[Value, Chunks], dict[Value, Chunks]]:
        types = {
            name: replace(type_, scalar=F32) if type_.quant else type_
            for name, type_ in module.inputs.items()
        }
        chosen = batches.prepare(types, arrays, mapping=self._mapping)
        count = batches.count_samples(types, chosen)
        places = np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).astype(int))
        padded, _ = batches.pad_batches(types, {n: a[places] for n, a in chosen.items()})
        real: dict[Value, Chunks] = {v: [] for v in module.func.args}
        for chunk in batches.chunks(types, padded):
            for name, value in zip(module.func.input_names, module.func.args, strict=True):
                real[value].append(chunk[name])
        return real, {v: [_as_bytes(v, a) for a in c] for v, c in real.items()}

    def _step(
        self, op: Op, real: dict[Value, Chunks], rounded: dict[Value, Chunks], rw: Rewriter
    ) -> None:
        want = _evaluated(op, real, as_float=True)
        got = _evaluated(op, rounded, as_float=False)
        if isinstance(op, bits.Layer) and is_float_layer(op) and op.thr is None:
            x = Bytes.behind(op.x)
            if x is not None and not stays_float(op, names_of(self.keep)):
                got = _with_integer_weights(op, x, rounded)
                shift = _mean([w[0] for w in want]) - _mean([g[0] for g in got])
                shift32 = shift.astype(np.float32)
                _add_to_bias(op, shift32, rw)
                got = [(g[0] + shift32,) for g in got]
        for i, value in enumerate(op.results):
            real[value] = [w[i] for w in want]
            rounded[value] = [g[i] for g in got]


def _as_bytes(value: Value, array: np.ndarray) -> np.ndarray:
    quant = value.type.quant
    if quant is None or value.type.scalar.is_float:
        return array
    made = q.Quantize(Value(replace(value.type, scalar=F32, quant=None)), scale=float(quant.scale),
                      zero=int(quant.zero), halves="even")  # fmt: skip
    return evaluate(made, [array])[0]


def _evaluated(
    op: Op, values: Mapping[Value, Chunks], *, as_float: bool
) -> list[tuple[np.ndarray, ...]]:
    """An operation on all chunks; bytes are the floats that they stand for if ``as_float``."""
    found: list[tuple[np.ndarray, ...]] = []
    count = len(next(iter(values.values())))
    for i in range(count):
        operands = [
            None if v is None else v.array if isinstance(v, Resource) else values[v][i]
            for _, v in op.operand_slots()
        ]
        first = operands[0] if operands else None
        unrounded = first is not None and first.dtype == np.float32
        if as_float and isinstance(op, q.Quantize | q.Dequantize) and unrounded:
            assert first is not None
            found.append((first,))
        else:
            found.append(evaluate(op, operands))
    return found


def _with_integer_weights(
    op: bits.Layer, x: Bytes, rounded: Mapping[Value, Chunks]
) -> list[tuple[np.ndarray, ...]]:
    """A layer with the weights and the bias that its integers stand for."""
    w = integer_weights(op, x.scale)
    factors = (w.units / x.scale).reshape(-1, *[1] * (w.integers.ndim - 1))
    arrays: dict[str, np.ndarray] = {}
    if op.KIND == "ff":
        arrays["w"] = (w.integers * factors).astype(np.float32)
        arrays["alpha"] = np.ones(len(factors), np.float32)
    if w.bias is not None:
        arrays["bias"] = (w.bias * w.units).astype(np.float32)
    found: list[tuple[np.ndarray, ...]] = []
    for chunk in rounded[op.x]:
        operands = [
            None if v is None else arrays.get(name, v.array) if isinstance(v, Resource) else chunk
            for name, v in op.operand_slots()
        ]
        found.append(evaluate(op, operands))
    return found


def _mean(chunks: Chunks) -> np.ndarray:
    """Of each channel, float64."""
    rows = [c.reshape(-1, c.shape[-1]).astype(np.float64) for c in chunks]
    return np.asarray(np.concatenate(rows).mean(axis=0))


def _add_to_bias(op: bits.Layer, shift: np.ndarray, rw: Rewriter) -> None:
    old = op.bias.array if isinstance(op.bias, Resource) else np.zeros_like(shift)
    bias = rw.resource(f"{op.loc.name}.bias", (old + shift).astype(np.float32))
    rw.update(op, bias=bias)
