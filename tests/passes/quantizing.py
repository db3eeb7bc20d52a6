# SPDX-License-Identifier: Apache-2.0
"""Small float networks with levels on given data, and their integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bnnc.calibrating import Calibrate
from bnnc.ir import Module
from bnnc.ir.diagnostics import Remark
from bnnc.ir.interpreter import interpret
from bnnc.ir.text import parse_module
from bnnc.passes import Pass
from bnnc.passes.manager import PassManager
from bnnc.passes.quantized import FuseQuantized, InsertQuantizers, QuantizeLayers


def network(
    inputs: Mapping[str, str], body: str, arrays: Mapping[str, np.ndarray], **outputs: str
) -> Module:
    """A binarized module: inputs with types, statements, constants, result names with types."""
    args = ", ".join(f"%{n}: {t}" for n, t in inputs.items())
    names = ", ".join(f'"{n}"' for n in inputs)
    results = ", ".join(f'"{n}"' for n in outputs)
    resources = "\n".join(
        f"  resource @{n} : tensor<{'x'.join([*map(str, a.shape), 'f32'])}> = "
        f"dense([{', '.join(repr(float(v)) for v in a.reshape(-1))}])"
        for n, a in arrays.items()
    )
    text = (
        f'bnnc.ir 1\nmodule @m {{stage = "binarized"}} {{\n{resources}\n'
        f"  func @main({args}) -> ({', '.join(outputs.values())}) "
        f"{{inputs = [{names}], outputs = [{results}]}}"
        f" {{\n{body}\n    func.return({', '.join('%' + o for o in outputs)})\n  }}\n}}\n"
    )
    return parse_module(text)


def quantized(
    module: Module, data: Mapping[str, np.ndarray], *more: Pass, keep: str = "", io: str = "float"
) -> tuple[Module, list[Remark]]:
    """The module in integers, with ranges of all that was seen on data."""
    found = module.clone()
    manager = PassManager()
    passes: Sequence[Pass] = [
        Calibrate().on(data),
        InsertQuantizers(keep=keep, io="int8" if io == "int8" else "float"),
        QuantizeLayers(keep=keep),
        FuseQuantized(rounding="single"),
        *more,
    ]
    manager.run(found, passes)
    return found, manager.remarks


def outputs(module: Module, data: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """What a module of batch 1 gives for all samples, in the order of its outputs."""
    count = len(next(iter(data.values())))
    runs = [interpret(module, {n: a[i : i + 1] for n, a in data.items()}) for i in range(count)]
    return [np.concatenate([r[name] for r in runs]) for name in module.outputs]


def kinds(module: Module) -> list[str]:
    """The names of the operations, in order."""
    return [op.NAME for op in module.func.ops]
