# SPDX-License-Identifier: Apache-2.0
"""Layer by layer against a framework's intermediate tensors.

Every layer is fed the reference's own inputs, so that a difference shows in the layer that makes
it and nowhere else. The reference is a mapping with keys ``Op|node~name`` (``~`` stands for
``/``), tensors of one call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bnnc.ir.interpreter import evaluate
from bnnc.ir.module import Module
from bnnc.ir.operation import Op
from bnnc.ir.value import Resource, Value

from .comparison import Comparison, Tolerances, compare_floats, compare_signs
from .ties import ties_of

CHECK_IMPORTED = "reference against imported"
CHECK_PLANNED = "reference against planned"


def layer_tensors(reference: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Public node name to tensor, for the keys ``Op|node~name``."""
    return {
        key.split("|", 1)[1].replace("~", "/"): array
        for key, array in reference.items()
        if "|" in key
    }


@dataclass
class LayerCheck:
    """Compares modules with the intermediate tensors of a framework.

    Attributes:
        tensors: node name to the framework's tensor.
        inputs: the network's inputs for the same call.
        tolerances: for floats and ties.
        ties: node name to the elements of a sign or level that lie at a boundary, from `imported`.
        order: node name to its position in the imported graph, from `imported`.
    """

    tensors: Mapping[str, np.ndarray]
    inputs: Mapping[str, np.ndarray]
    tolerances: Tolerances = field(default_factory=Tolerances)
    ties: dict[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    order: dict[str, int] = field(default_factory=dict[str, int])

    def imported(self, module: Module) -> list[Comparison]:
        """Compare the imported graph, node by node; also finds the ties."""
        self.order = {op.loc.name: i for i, op in enumerate(module.func.ops)}
        found: list[Comparison] = []

        def meet(op: Op, own: np.ndarray, values: Mapping[Value, np.ndarray]) -> np.ndarray:
            name = op.loc.name
            if module.func.ops[self.order[name]] is not op:
                return own  # an inner step of a node that was imported as several operations
            ties = ties_of(op, values, self.tolerances.margin)
            if ties is not None:
                self.ties[name] = ties
            expected = self._expected(name, own)
            if expected is None:
                return own
            found.append(self._compare(CHECK_IMPORTED, name, expected, own))
            return expected

        self._follow(module, meet)
        return found

    def later(self, module: Module) -> list[Comparison]:
        """Compare a module whose operations stand for several nodes each.

        The value of such an operation is that of its last node in the imported graph.
        """
        found: list[Comparison] = []

        def meet(op: Op, own: np.ndarray, values: Mapping[Value, np.ndarray]) -> np.ndarray:
            del values
            name = self._last_node(op)
            expected = self._expected(name, own)
            scalar = op.result.type.scalar
            is_sign = name in self.ties or (expected is not None and expected.dtype.kind == "i")
            if expected is None or not (scalar.is_float or is_sign):
                return own
            if scalar.name == "bit":
                expected = np.where(expected < 0, np.int8(-1), np.int8(1))
            found.append(self._compare(CHECK_PLANNED, name, expected, own))
            return expected.astype(own.dtype)

        self._follow(module, meet)
        return found

    def _last_node(self, op: Op) -> str:
        if not op.loc.names:
            return ""
        places = {name: i for i, name in enumerate(op.loc.names)}
        return max(op.loc.names, key=lambda n: (self.order.get(n, -1), places[n]))

    def _expected(self, name: str, own: np.ndarray) -> np.ndarray | None:
        tensor = self.tensors.get(name)
        if tensor is None or tensor.shape != own.shape:
            return None
        return tensor

    def _compare(self, check: str, name: str, expected: np.ndarray, own: np.ndarray) -> Comparison:
        if name in self.ties or expected.dtype.kind == "i":
            return compare_signs(check, name, expected, own, self.ties.get(name))
        return compare_floats(check, name, expected, own, self.tolerances)

    def _follow(
        self,
        module: Module,
        meet: Callable[[Op, np.ndarray, Mapping[Value, np.ndarray]], np.ndarray],
    ) -> None:
        """Evaluate every operation; what `meet` returns is what later operations read."""
        values: dict[Value, np.ndarray] = {}
        for name, arg in zip(module.func.input_names, module.func.args, strict=True):
            values[arg] = self.inputs[name]
        for op in module.func.ops:
            operands = [
                v.array if isinstance(v, Resource) else None if v is None else values[v]
                for _, v in op.operand_slots()
            ]
            results = evaluate(op, operands)
            if len(results) == 1:
                result = results[0]
                met = meet(op, result, values)
                results = (met.astype(result.dtype, copy=False),)
            values.update(zip(op.results, results, strict=True))
