# SPDX-License-Identifier: Apache-2.0
"""One network with its 8-bit levels, in every mixture of float and 8-bit layers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from glob import escape
from typing import Any

from bnnc.backends import Target, weights_bytes
from bnnc.calibrating import Calibrate
from bnnc.explanation import LayerLine, explain_module
from bnnc.ir import Op, Value, nn, q
from bnnc.ir import bin as bits
from bnnc.ir.diagnostics import UsageError
from bnnc.ir.module import Module
from bnnc.ir.types import BIT, F32
from bnnc.lowering import lower, plan
from bnnc.passes import Rewriter
from bnnc.passes.manager import PassManager
from bnnc.passes.quantized.annotations import clear
from bnnc.quantization import Quantization


@dataclass(frozen=True)
class Sizes:
    """Layers and the bytes of a weight file of one mixture.

    Attributes:
        layers: what `bnnc explain` says, by name of the layer.
        weights: bytes of all weights, biases, factors and tables, as `bnnc compile` writes them.
    """

    layers: Mapping[str, LayerLine]
    weights: int


@dataclass(frozen=True)
class Probed:
    """A module with outputs more than it had, their names by layer, and those of its own ends."""

    module: Module
    layers: Mapping[str, str]
    ends: Sequence[str]


class Mixtures:
    """A calibrated network, of which any layers can stay in float.

    Attributes:
        module: stage binarized, floats with their levels in the types.
        kept: layers (names or globs) that stay in float whatever is chosen.
        names: layers that can be either, in order; those in `kept` too.
        weight_counts: how many weights each of these has.
    """

    def __init__(self, model: Module, target: Target, **quantization: Any) -> None:
        """Calibrate; options are those of `bnnc.lowering.lower`, with ``quantize``.

        Raises:
            UsageError: no layer can be in bytes, or the options or data do not fit.
        """
        self.target = target
        self.kept: tuple[str, ...] = tuple(quantization.pop("keep_float", ()))
        self._io: str = quantization.pop("io", "float")
        self.module = lower(model, target, after=Calibrate.name, **quantization)
        self._scheme = Quantization(
            quantization["quantize"],
            quantization.get("calibrate"),
            mapping=quantization.get("calibrate_map") or {},
            bias_correction=bool(quantization.get("bias_correction")),
        )
        made = {op.loc.name for op in self.network(()).func.ops if isinstance(op, q.Layer)}
        layers = [op for op in self.module.func.ops if isinstance(op, bits.Layer)]
        self.names = tuple(dict.fromkeys(op.loc.name for op in layers if op.loc.name in made))
        if not self.names:
            raise UsageError(
                "there is no layer that can be float or 8-bit",
                hint="`bnnc explain` says what the layers are",
            )
        self.weight_counts = {
            name: sum(op.w.type.size for op in layers if op.loc.name == name) for name in self.names
        }
        self._model = model

    def others(self, name: str) -> tuple[str, ...]:
        """What has to stay in float for one layer alone to be in bytes."""
        return tuple(other for other in self.names if other != name)

    def network(self, keep: Collection[str], *, globs: Iterable[str] = (), io: str = "") -> Module:
        """The network with some layers in float and the others in bytes, at stage binarized.

        Args:
            keep: names of layers that stay in float.
            globs: the same as the user may write them.
            io: whether inputs and outputs are floats or bytes; floats if not given.
        """
        return self._lowered(self.module, keep, globs, io)

    def _lowered(
        self, module: Module, keep: Collection[str], globs: Iterable[str] = (), io: str = ""
    ) -> Module:
        names = (*(escape(name) for name in keep), *globs)
        found = module.clone()
        passes = replace(self._scheme, keep_float=names, io=io or "float").passes()
        rest = [p for p in passes if not isinstance(p, Calibrate)]
        PassManager(verify_each=False).run(found, rest)
        return found

    def chosen(self, keep: Collection[str] = ()) -> Module:
        """What the user's options give, with more layers in float."""
        return self.network(keep, globs=self.kept, io=self._io)

    def unquantized(self) -> Module:
        """The network in floats, without levels."""
        found = self.module.clone()
        clear(found, Rewriter(found))
        return found

    def in_float(self, keep: Collection[str] = ()) -> tuple[str, ...]:
        """The layers that the user's options, and `keep`, leave in float."""
        return tuple(
            name
            for name in self.names
            if name in keep or any(fnmatchcase(name, glob) for glob in self.kept)
        )

    def sizes(self, module: Module) -> Sizes:
        """Layers and bytes of a mixture, or of `module` itself, on the target."""
        planned = plan(module, self.target)
        lines = explain_module(self._model, planned).layers
        return Sizes({line.name: line for line in lines}, weights_bytes(planned))

    def probed(self) -> Probed:
        """`module` with more outputs: where the errors of layers and of the network are seen.

        A layer's is its result, bounds behind it included; layers of few-bit levels have none. That
        of an output is the output, or what a softmax behind it reads: probabilities near 0 and 1
        show no errors.
        """
        copy = self.module.clone()
        layers: dict[str, Value] = {}
        for op in [op for op in copy.func.ops if op.loc.name in self.names]:
            if isinstance(op, bits.Layer) and op.loc.name not in layers:
                value = _end(op)
                if value.type.scalar == BIT:
                    value = copy.func.append(bits.Unpack(value, loc=op.loc)).result
                if value.type.scalar == F32:
                    layers[op.loc.name] = value
        ends = [_before_softmax(value) for value in copy.func.results]
        probes = [*layers.values(), *ends]
        names = [f"probe {i}" for i in range(len(probes))]
        copy.func.output_names = [*copy.func.output_names, *names]
        copy.func.set_results([*copy.func.results, *probes])
        return Probed(copy, dict(zip(layers, names, strict=False)), names[len(layers) :])

    def mixture_of(self, probed: Module, keep: Collection[str]) -> Module:
        """As `network`, of the module that `probed` gives."""
        return self._lowered(probed, keep)


def _end(op: Op) -> Value:
    """What a layer gives behind the relus and clips that become its bounds."""
    value = op.result
    while value.use_count == 1 and isinstance(value.users[0], nn.Relu | nn.Clip):
        value = value.users[0].result
    return value


def _before_softmax(value: Value) -> Value:
    return value.owner.x if isinstance(value.owner, nn.Softmax) else value
