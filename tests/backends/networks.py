# SPDX-License-Identifier: Apache-2.0
"""Binarized modules built by hand, and the way from them to a program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bnnc.backends import (
    Target,
    build,
    emit_project,
    find_target,
    lowering_pipeline,
    run_traced,
)
from bnnc.ir import (
    BIT,
    F32,
    TERN,
    Loc,
    Module,
    Op,
    Resource,
    Scalar,
    Stage,
    TensorType,
    Value,
    bin,
)
from bnnc.ir.interpreter import trace
from bnnc.ir.layouts import layout_of
from bnnc.passes.manager import PassManager

TARGET = find_target("c")
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
SANITIZE = (*WARNINGS, "-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
NO_PAD = (0, 0, 0, 0)


class Net:
    """Appends operations to a module; layers get random constants.

    Attributes:
        values: what a random network's next operation may read.
    """

    def __init__(
        self, name: str = "net", seed: int | Sequence[int] = 0, stage: Stage = Stage.BINARIZED
    ) -> None:
        self.module = Module(name, stage)
        self.rng = np.random.default_rng(seed)
        self.values: list[Value] = []

    def input(self, *shape: int, scalar: Scalar = F32) -> Value:
        func = self.module.func
        value = Value(TensorType(shape, scalar), name=f"x{len(func.args)}")
        func.args.append(value)
        func.input_names.append(f"graph/x{len(func.args) - 1}")
        return value

    def add(self, op: Op) -> Value:
        op.loc = Loc((f"layer/{len(self.module.func.ops)}",), "Op")
        self.module.func.append(op)
        return op.results[0]

    def results(self, *values: Value) -> Module:
        func = self.module.func
        func.set_results(values)
        func.output_names = [f"graph/y{i}" for i in range(len(values))]
        return self.module

    def floats(self, *shape: int) -> Resource:
        return self.module.add_resource("f", self.rng.normal(size=shape).astype(np.float32))

    def bits(self, *shape: int) -> Resource:
        values = self.rng.choice([-1, 1], shape).astype(np.int8)
        return self.module.add_resource("b", values, TensorType(shape, BIT))

    def terns(self, *shape: int) -> Resource:
        values = self.rng.choice([-1, 0, 1], shape).astype(np.int8)
        return self.module.add_resource("t", values, TensorType(shape, TERN))

    def thresholds(self, *shape: int, integer: bool, bound: int) -> Resource:
        """Random ones, [channels] or ascending [channels, levels]."""
        if integer:
            values = (self.rng.integers(-bound, bound + 2, shape) // 4).astype(np.int32)
        else:
            values = self.rng.normal(size=shape).astype(np.float32)
        if len(shape) == 2:
            values.sort(axis=1)
        return self.module.add_resource("thr", values)

    def weights(self, kind: str, *shape: int) -> Resource:
        return {"f": self.floats, "b": self.bits, "t": self.terns}[kind[1]](*shape)

    def end(self, kind: str, end: str, channels: int, bound: int) -> dict[str, Value]:
        """Operands of the end of a layer: thr, levels 7, alpha, bias, alpha+bias or none."""
        name, _, count = end.partition(" ")
        if name in ("thr", "levels"):
            shape = (channels, int(count)) if count else (channels,)
            return {"thr": self.thresholds(*shape, integer=kind[0] in "bu", bound=bound)}
        return {name: self.floats(channels) for name in end.split("+") if name != "none"}

    def conv(
        self, kind: str, x: Value, oc: int, k: tuple[int, int], end: str, **attrs: Any
    ) -> Value:
        """A convolution of the kind; attributes that are not given are those of a valid one."""
        cls: Any = {c.KIND: c for c in bin.ConvLayer.__subclasses__()}[kind]
        ic = x.shape[3] // attrs.get("groups", 1)
        bound = ic * k[0] * k[1] * top(x)
        operands = {"w": self.weights(kind, oc, *k, ic)} | self.end(kind, end, oc, bound)
        return self.add(
            cls(x, **operands, **({"stride": (1, 1), "pad": NO_PAD, "pad_value": 0.0} | attrs))
        )

    def dense(self, kind: str, x: Value, oc: int, end: str, **attrs: Any) -> Value:
        cls: Any = {c.KIND: c for c in bin.DenseLayer.__subclasses__()}[kind]
        ic = x.shape[1]
        operands = {"w": self.weights(kind, oc, ic)} | self.end(kind, end, oc, ic * top(x))
        return self.add(cls(x, **operands, **attrs))

    def pack(self, x: Value) -> Value:
        return self.add(bin.Pack(x, nan="plus"))

    def quantize(self, x: Value, levels: int) -> Value:
        thr = self.thresholds(x.shape[-1], levels, integer=False, bound=0)
        return self.add(bin.Quantize(x, thr, nan="plus"))

    def floated(self, x: Value) -> Value:
        """The value as floats; levels and bits are what functions may return, too."""
        if x.type.scalar == BIT:
            return self.add(bin.Unpack(x))
        if x.type.scalar.level_bits is not None:
            return self.add(bin.Dequantize(x, scale=0.1, offset=-0.7))
        return x


def top(x: Value) -> int:
    """The largest activation."""
    return (x.type.scalar.range() or (0, 1))[1]


def lower(module: Module, target: Target = TARGET) -> Module:
    """Run the lowering pipeline in place."""
    PassManager().run(module, lowering_pipeline(target))
    return module


def random_inputs(module: Module, samples: int = 1, seed: int = 5) -> dict[str, np.ndarray]:
    """Normal numbers with some exact zeros of both signs."""
    rng = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    for name, type_ in module.inputs.items():
        shape = (samples * type_.shape[0], *type_.shape[1:])
        if type_.scalar != F32:
            low, high = type_.scalar.range() or (0, 0)
            step = 2 if type_.scalar == BIT else 1
            found[name] = rng.choice(np.arange(low, high + 1, step), shape).astype(type_.dtype)
            continue
        array = rng.normal(size=shape).astype(np.float32)
        array[rng.random(shape) < 0.05] = 0.0
        array[rng.random(shape) < 0.05] = -0.0
        found[name] = array
    return found


def assert_code_equals_interpreter(
    module: Module,
    out: Path,
    inputs: dict[str, np.ndarray] | None = None,
    compiler: str = "gcc",
    target: Target = TARGET,
) -> None:
    """Every tensor of the generated code has the bits that the interpreter computes.

    The code is built with warnings as errors and, for this machine, with sanitizers.
    """
    emit_project(module, out)
    own = target is TARGET
    program = build(
        out,
        target,
        trace=True,
        compiler=compiler,
        cflags=SANITIZE if own else WARNINGS,
        ldflags=("-fsanitize=address,undefined",) if own else (),
    )
    chosen = random_inputs(module) if inputs is None else inputs
    (call,) = run_traced(out, module, chosen, target, program=program)
    for index, (op, results) in enumerate(trace(module, chosen)):
        types = [r.type for r in op.results]
        want = b"".join(
            layout_of(t).pack(r, t).tobytes() for t, r in zip(types, results, strict=True)
        )
        assert call[index] == want, f"{index} {op.NAME} with {op.kernel}: {op.attributes()}"
    assert len(call) == len(module.func.ops)
