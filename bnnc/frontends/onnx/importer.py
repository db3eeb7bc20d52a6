# SPDX-License-Identifier: Apache-2.0
"""Walks the nodes that the outputs need and lets the converters translate each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from onnx import TensorProto

from bnnc.ir import Resource, Scalar, TensorType, Value
from bnnc.ir.diagnostics import BnncError

from ..building import Batch, ModuleBuilder
from ..failures import Failures, Unsupported
from .advice import advice
from .arrangement import Arranged, channels_last
from .context import Context
from .convert import CONTRIBUTED, find_converter
from .graph import Model, Node
from .lookahead import byte_inputs, images
from .signature import Input
from .tensors import is_float

# Integer inputs arrive as f32, which holds them exactly, and bytes that a quantized operation reads
# as bytes; only such operations and what moves values may touch either.
_KEEPS_INTEGERS = frozenset(
    {
        *("Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Shape"),
        *("Size", "Slice", "Concat", "Split", "Pad", "MaxPool", "Gather", "Resize"),
        *("DepthToSpace", "SpaceToDepth", "QuantizeLinear", "DequantizeLinear"),
        *("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", *CONTRIBUTED),
    }
)
_ENDS_INTEGERS = CONTRIBUTED | {
    *("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul")
}
_BYTES: dict[int, Scalar] = {TensorProto.INT8: Scalar("i8"), TensorProto.UINT8: Scalar("u8")}


class Importer(ModuleBuilder):
    """Builds a module of stage imported from the live part of a model."""

    def __init__(self, model: Model, name: str, constants: Mapping[str, np.ndarray]) -> None:
        super().__init__(name)
        self.model = model
        self.failures = Failures()
        self._constants = constants
        self._tensors: dict[str, Arranged] = {}
        self._failed: set[str] = set()
        self._integral: set[str] = set()
        self._producers: dict[str, Node] = {}

    def run(self, nodes: Sequence[Node], inputs: Sequence[Input], outputs: Sequence[str]) -> None:
        """Translate the nodes, in this order; what fails is in `failures` afterwards."""
        channels_behind = images(nodes, [one.name for one in inputs])
        bytes_ = byte_inputs(nodes, [one.name for one in inputs if one.kind in _BYTES])
        for one in inputs:
            byte = _BYTES.get(one.kind) if one.name in bytes_ else None
            type_ = None if byte is None else TensorType(one.shape, byte)
            value = self.add_input(one.name, one.shape, hint=one.name, type_=type_)
            self._tensors[one.name] = Arranged.plain(value)
            if one.name in channels_behind and len(one.shape) > 2:
                self._tensors[one.name] = self._as_image(one.name)
            if byte is None and not is_float(one.kind):
                self._integral.add(one.name)
        if inputs:
            self.batch = Batch(inputs[0].shape[0], inputs[0].model_batch)
        for node in nodes:
            self._visit(node)
        if self.failures:
            return
        last = Node("output", "output")
        results: list[Value] = []
        for name in outputs:
            tensor = self._tensor(name)
            if tensor is None:
                node = self._producers[name]
                self.failures.add(node.op, node.name, "has an output that cannot be imported")
                continue
            results.append(Context(self, self._producers.get(name, last), []).whole(tensor))
        if not self.failures:
            self.set_outputs(results, outputs)

    def _as_image(self, name: str) -> Arranged:
        """An input with its channels behind; who asks for ONNX's order gets the input itself."""
        plain = self._tensors[name]
        perm = channels_last(plain.rank)
        moved = plain.in_order(perm, Context(self, Node(name, "Input"), []).emit)
        return Arranged.stored(moved, perm, plain.value)

    def _visit(self, node: Node) -> None:
        self._producers |= dict.fromkeys(filter(None, node.outputs), node)
        convert = find_converter(node)
        if convert is None:
            self._fail(node, "is not supported", advice(node))
            return
        if not self._failed.isdisjoint(node.inputs):
            self._failed.update(node.outputs)
            return
        try:
            self._check_integers(node)
            made = convert(Context(self, node, [self._operand(name) for name in node.inputs]))
        except Unsupported as why:
            self._fail(node, why.message, why.advice)
        except BnncError as why:
            self._fail(node, f"does not fit: {why.message}", why.hint)
        except (ArithmeticError, LookupError, TypeError, ValueError) as why:
            # Converters rely on the number and ranks of operands that ONNX guarantees.
            self._fail(node, f"is damaged ({why})", "export the model again")
        else:
            self._keep(node, made if isinstance(made, list | tuple) else [made])

    def _fail(self, node: Node, message: str, hint: str = "") -> None:
        self._failed.update(node.outputs)
        op = f"{node.domain}:{node.op}" if find_converter(node) is None and node.domain else node.op
        self.failures.add(op, node.name, message, hint)

    def _operand(self, name: str) -> Arranged | None:
        if not name:
            return None
        tensor = self._tensor(name)
        if tensor is None:
            node = self._producers[name]
            number = node.outputs.index(name)
            raise Unsupported(f"reads output {number} of a {node.op}, which is not supported")
        return tensor

    def _tensor(self, name: str) -> Arranged | None:
        if name not in self._tensors:
            if name in self._constants:
                array = self._constants[name]
            elif name in self.model.constants:
                array = self.model.constants[name].array()
                check_parameter(name, array)
            else:
                return None
            self._tensors[name] = Arranged.plain(Resource.of(name, array))
        return self._tensors[name]

    def _keep(self, node: Node, results: Iterable[object]) -> None:
        integral = node.op not in _ENDS_INTEGERS and not self._integral.isdisjoint(node.inputs)
        if node.op == "Cast":
            to = node.attrs.get("to")
            integral = integral and not (isinstance(to, int) and is_float(to))
        for name, made in zip(node.outputs, results, strict=False):
            tensor = made if isinstance(made, Arranged) else Arranged.plain(made)  # type: ignore[arg-type]
            self._tensors[name] = tensor
            if tensor.value.owner is not None and not tensor.value.name:
                tensor.value.name = name
            if integral and self.is_varying(tensor.value):
                self._integral.add(name)

    def is_integral(self, name: str) -> bool:
        """Whether a tensor holds integers as f32."""
        return name in self._integral

    def mark_integral(self, name: str) -> None:
        """Say that a tensor holds integers as f32."""
        self._integral.add(name)

    def _check_integers(self, node: Node) -> None:
        if node.op in _KEEPS_INTEGERS:
            return
        if any(name in self._integral or self._holds_bytes(name) for name in node.inputs):
            raise Unsupported(
                "computes with integers that come from an input", "cast the input to float first"
            )

    def _holds_bytes(self, name: str) -> bool:
        value = self._tensors[name].value if name in self._tensors else None
        return value is not None and self.is_varying(value) and value.type.scalar in _BYTES.values()


def check_parameter(name: str, array: np.ndarray) -> None:
    """Refuse NaN and infinity; a single number may be infinite (a bound).

    Raises:
        Unsupported: The array holds some.
    """
    if array.dtype == np.float32 and array.ndim > 0 and not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise Unsupported(
            f"reads '{name}', which holds NaN or infinity ({bad} of {array.size} elements)",
            "the model did not train well, or the file is damaged",
        )
