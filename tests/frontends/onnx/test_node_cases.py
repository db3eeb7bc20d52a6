# SPDX-License-Identifier: Apache-2.0
"""ONNX's own tests of single operations, for every operation that is imported.

All inputs of a test are fed; where that is refused, all but one are made constants, as they are in
networks. What is refused even so must be so for one of the reasons below, and a result that is
wrong has no reason.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase

from bnnc.frontends import load
from bnnc.frontends.onnx.convert import converters
from bnnc.ir.diagnostics import BnncError
from bnnc.ir.interpreter import interpret
from bnnc.ir.verifier import verify

# Why a test is refused: a pattern in the message, the reason.
_REASONS: dict[str, str] = {
    r"float[48]e|u?int[24]\b": "types narrower than eight bits, and 8-bit floats",
    r"is a (string|undefined)|casts to string": "no tensor of numbers",
    r"computes with integers that come|cuts an input to integers": "integer arithmetic on inputs",
    r"the bool input": "truth values as input",
    r"needs a constant where": "an operand that shapes or selects must be constant",
    r"multiplies a stack of matrices|multiplies two tensors": "a factor must be a constant matrix",
    r"instead of an image": "three spatial dimensions",
    r"normalizes over the batch|is in training mode": "training",
    r"has no batch axis|no inputs left": "no tensor to feed",
    r"has dilations": "dilated pools",
    r"has ceil_mode together": "windows beyond the padding that counts",
    r"has mode (reflect|edge|wrap)": "padding other than with a constant",
    r"holds NaN or infinity": "constants that are not finite",
    r"of no elements": "reductions of nothing",
    r"has an exponent": "general powers",
    r"in blocks": "scales by blocks",
    r"uses opset": "an opset older than is read",
    r"has an output that cannot": "outputs for training",
    r"not evenly spaced": "gathers of scattered elements",
}
# Rounding to bfloat16 inside of the graph; the IR computes in f32.
_ROUNDED = re.compile("BFLOAT16|bfloat16")

# Their tests feed what shapes are computed from; others, which join operations, pass with them.
_ON_CONSTANTS_ONLY = {"Constant", "ConstantOfShape", "Equal", "Mod", "Not", "Range", "Tile"}


def _attempt(
    model: ModelProto, inputs: Sequence[np.ndarray], fixed: Sequence[int], folder: Path
) -> list[np.ndarray]:
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
    return list(interpret(module, {k: a.astype(np.float32) for k, a in feeds.items()}).values())


def _arrays(tensors: Sequence[object]) -> list[np.ndarray]:
    return [
        numpy_helper.to_array(t) if isinstance(t, TensorProto) else np.asarray(t) for t in tensors
    ]


def _run(case: TestCase, folder: Path) -> str:
    """An empty string, or why the test does not pass: what was refused or is wrong."""
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
        for y, want in zip(found, wanted, strict=False):
            if y.shape != want.shape:
                return f"wrong shape {y.shape} instead of {want.shape}"
            if not np.allclose(y, want.astype(np.float32), rtol=1e-3, atol=1e-5, equal_nan=True):
                return "wrong values"
        return ""
    return refusals[1]


def _cases() -> Iterator[tuple[str, TestCase]]:
    """Tests that are made of operations that are imported, with the names of these."""
    known = converters()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in collect_testcases(None):
            if case.model is None:
                continue
            nodes = case.model.graph.node
            if all(n.op_type in known and not n.domain for n in nodes):
                yield "+".join(sorted({n.op_type for n in nodes})), case


@pytest.mark.slow
def test_operations_do_what_onnx_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    faults: list[str] = []
    for ops, case in _cases():
        total[ops] += 1
        why = _run(case, tmp_path)
        if why.startswith("wrong") and _ROUNDED.search(case.name):
            reasons["rounding to bfloat16"] += 1
        elif why:
            known = next((r for pattern, r in _REASONS.items() if re.search(pattern, why)), None)
            if known is None:
                faults.append(f"{case.name}: {why}")
            reasons[str(known)] += 1
        else:
            passed[ops] += 1
    with capsys.disabled():
        lines = [f"ONNX's node tests: {passed.total()} of {total.total()} pass; not, because of"]
        lines += [f"  {count:4} {reason}" for reason, count in reasons.most_common()]
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert not faults, "\n".join(faults)
    never = {op for op in total if "+" not in op and not passed[op]}
    assert never == _ON_CONSTANTS_ONLY
    assert passed.total() > 500
