# SPDX-License-Identifier: Apache-2.0
"""ONNX's own tests of single operations, for every operation that is imported.

What the interpreter gives is compared with the results that ONNX stores; generated C, under
sanitizers, must then give the same bits for every tensor inside.

All inputs of a test are fed; where that is refused, all but one are made constants, as they are in
networks. What is refused even so must be so for one of the reasons below, and a result that is
wrong has no reason.
"""

from __future__ import annotations

import re
import sys
import textwrap
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase

from bnnc.frontends import load
from bnnc.frontends.onnx.convert import OPERATIONS
from bnnc.ir import Module
from bnnc.ir.diagnostics import BnncError
from bnnc.ir.interpreter import interpret
from bnnc.ir.verifier import verify
from bnnc.lowering import plan

from ...fuzz.fault import Fault
from ...fuzz.native import Native

# Why a test is refused: a pattern in the message, the reason.
_REASONS: dict[str, str] = {
    r"float[48]e|u?int[24]\b": "types narrower than eight bits, and 8-bit floats",
    r"is a (string|undefined)|casts to string": "no tensor of numbers",
    r"computes with integers that come|cuts an input to integers": "integer arithmetic on inputs",
    r"the bool input": "truth values as input",
    r"needs a constant where": "an operand that shapes or selects must be constant",
    r"multiplies stacks of matrices": "stacks of matrices that broadcast on both sides",
    r"instead of an image": "three spatial dimensions",
    r"normalizes over the batch|is in training mode": "training",
    r"has no batch axis|no inputs left": "no tensor to feed",
    r"has mode (linear|cubic)": "interpolation between pixels",
    r"holds NaN or infinity": "constants that are not finite",
    r"of no elements": "tensors of no elements",
    r"has an exponent": "general powers",
    r"in blocks": "scales by blocks",
    r"no kernel for nn.transpose\(tensor<\w*i32": "sums of bytes as outputs of channels in front",
    r"uses opset": "an opset older than is read",
    r"has an output that cannot": "outputs for training",
}
# Rounding to bfloat16 inside of the graph; the IR computes in f32.
_ROUNDED = re.compile("BFLOAT16|bfloat16")

# Their tests feed what shapes are computed from; others, which join operations, pass with them.
_ON_CONSTANTS_ONLY = {"Constant", "ConstantOfShape", "Equal", "Mod", "Not", "Range", "Tile"}


@dataclass(frozen=True)
class _Imported:
    """A test's module, what it is fed and what the interpreter makes of it."""

    module: Module
    feeds: dict[str, np.ndarray]
    outputs: list[np.ndarray]


def _attempt(
    model: ModelProto, inputs: Sequence[np.ndarray], fixed: Sequence[int], folder: Path
) -> _Imported:
    copy = ModelProto()
    copy.CopyFrom(model)
    feeds: dict[str, np.ndarray] = {}
    for i, (declared, array) in enumerate(zip(copy.graph.input, inputs, strict=False)):
        if i in fixed:
            copy.graph.initializer.append(numpy_helper.from_array(array, declared.name))
        else:
            feeds[declared.name] = array
    path = folder / "net.onnx"
    path.write_bytes(copy.SerializeToString())
    module = load(path)
    verify(module)
    # Bytes that a quantized operation reads are inputs as they are; all else is f32.
    types = module.inputs
    given = {k: a.astype(types[k].dtype if k in types else np.float32) for k, a in feeds.items()}
    return _Imported(module, given, list(interpret(module, given).values()))


def _arrays(tensors: Sequence[object]) -> list[np.ndarray]:
    return [
        numpy_helper.to_array(t) if isinstance(t, TensorProto) else np.asarray(t) for t in tensors
    ]


def _run(case: TestCase, folder: Path) -> _Imported | str:
    """The module, or why the test does not pass: what was refused or is wrong."""
    assert case.model is not None
    assert case.data_sets
    inputs, wanted = map(_arrays, case.data_sets[0])
    count = len(inputs)
    refusals: list[str] = []
    for fixed in ([], range(1, count), [0, *range(2, count)]):
        try:
            found = _attempt(case.model, inputs, fixed, folder)
        except BnncError as error:
            refusals.append(str(error))
            continue
        for y, want in zip(found.outputs, wanted, strict=False):
            if y.shape != want.shape:
                return f"wrong shape {y.shape} instead of {want.shape}"
            if not np.allclose(y, want.astype(np.float32), rtol=1e-3, atol=1e-5, equal_nan=True):
                return "wrong values"
        return found
    return refusals[1]


def _cases() -> Iterator[tuple[str, TestCase]]:
    """Tests that are made of operations that are imported, with the names of these."""
    known = OPERATIONS.names()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in collect_testcases(None):
            if case.model is None:
                continue
            nodes = case.model.graph.node
            if all(n.op_type in known and not n.domain for n in nodes):
                yield "+".join(sorted({n.op_type for n in nodes})), case


@dataclass
class _Tally:
    """What became of the tests: how many of each operation, and why others do not pass."""

    total: Counter[str] = field(default_factory=Counter[str])
    passed: Counter[str] = field(default_factory=Counter[str])
    reasons: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    faults: list[str] = field(default_factory=list[str])

    def refused(self, name: str, why: str) -> None:
        """Note a test that does not pass; one without a good reason is a fault."""
        if why.startswith("wrong") and _ROUNDED.search(name):
            reason: str | None = "rounding to bfloat16"
        else:
            reason = next((r for pattern, r in _REASONS.items() if re.search(pattern, why)), None)
        if reason is None:
            self.faults.append(f"{name}: {why}")
        self.reasons[str(reason)].append(name)

    def report(self) -> str:
        """Counts of all, of each operation, and the names behind each reason."""
        lines = [f"ONNX's node tests: {self.passed.total()} of {self.total.total()} pass in C"]
        counts = (f"{op} {self.passed[op]}/{n}" for op, n in sorted(self.total.items()))
        lines += textwrap.wrap(", ".join(counts), 100, initial_indent="  ", subsequent_indent="  ")
        for reason, names in sorted(self.reasons.items(), key=lambda item: -len(item[1])):
            lines.append(f"not, because of {reason} ({len(names)}):")
            lines += textwrap.wrap(
                ", ".join(names), 100, initial_indent="  ", subsequent_indent="  "
            )
        return "\n".join(lines)


def _in_c(native: Native, cases: Sequence[tuple[str, str, _Imported]], tally: _Tally) -> None:
    """Lower tests, compile them together, and compare every tensor with the interpreter's."""
    planned: dict[str, tuple[str, str, _Imported, Module]] = {}
    for number, (ops, name, case) in enumerate(cases):
        try:
            planned[f"case{number}"] = (ops, name, case, plan(case.module))
        except BnncError as error:
            tally.refused(name, str(error))
    library = native.build({key: module for key, (*_, module) in planned.items()})
    for key, (ops, name, case, module) in planned.items():
        try:
            native.check(library, key, module, [case.feeds])
            tally.passed[ops] += 1
        except Fault as fault:
            tally.faults.append(f"{name}: {fault}")
        native.clean(key)


_BATCH = 40


@pytest.mark.slow
def test_operations_do_what_onnx_says(
    cc: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = _Tally()
    imported: list[tuple[str, str, _Imported]] = []
    for ops, case in _cases():
        tally.total[ops] += 1
        found = _run(case, tmp_path)
        if isinstance(found, str):
            tally.refused(case.name, found)
        else:
            imported.append((ops, case.name, found))
    (tmp_path / "native").mkdir()
    native = Native.made(tmp_path / "native", compiler=cc)
    for first in range(0, len(imported), _BATCH):
        _in_c(native, imported[first : first + _BATCH], tally)
    with capsys.disabled():
        sys.stdout.write("\n" + tally.report() + "\n")
    assert not tally.faults, "\n".join(tally.faults)
    never = {op for op in tally.total if "+" not in op and not tally.passed[op]}
    assert never == _ON_CONSTANTS_ONLY
    assert tally.passed.total() > 600
