# SPDX-License-Identifier: Apache-2.0
"""Modules: one function, its resources, and the stage it is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum

import numpy as np

from .diagnostics import IRError, did_you_mean
from .operation import AttrValue, Op, Return
from .types import TensorType
from .value import Resource, Value


class Stage(Enum):
    """The five stages; each has its own verification spec (`bnnc.ir.verifier`)."""

    IMPORTED = "imported"
    CANONICAL = "canonical"
    BINARIZED = "binarized"
    LOWERED = "lowered"
    PLANNED = "planned"

    @property
    def rank(self) -> int:
        """Position in the order of lowering, from 0."""
        return list(Stage).index(self)

    @classmethod
    def named(cls, name: str) -> Stage:
        """Return the stage of this name."""
        try:
            return cls(name)
        except ValueError:
            names = [s.value for s in cls]
            raise IRError(
                f"unknown stage '{name}'", hint=did_you_mean(name, names) or f"one of {names}"
            ) from None


class Function:
    """Arguments, operations in execution order, and a final `Return`.

    ``input_names`` and ``output_names`` are the public names of the source file.
    """

    def __init__(
        self,
        args: Iterable[Value] = (),
        input_names: Iterable[str] = (),
        output_names: Iterable[str] = (),
    ) -> None:
        self.name = "main"
        self.args = list(args)
        self.ops: list[Op] = []
        self.ret = Return()
        self.input_names = list(input_names)
        self.output_names = list(output_names)

    @property
    def results(self) -> tuple[Value, ...]:
        """The values that the function returns."""
        return self.ret.values

    def append(self, op: Op) -> Op:
        """Add an operation at the end and link it."""
        op.link()
        self.ops.append(op)
        return op

    def set_results(self, values: Iterable[Value]) -> None:
        """Set what the function returns."""
        self.ret.unlink()
        self.ret.values = tuple(values)
        self.ret.link()

    def walk(self) -> Iterator[Op]:
        """Yield every operation and at last the `Return`."""
        yield from self.ops
        yield self.ret


class Module:
    """A network: name, stage, attributes, resources and one function."""

    def __init__(self, name: str, stage: Stage = Stage.IMPORTED) -> None:
        self.name = name
        self.stage = stage
        self.attrs: dict[str, AttrValue] = {}
        self.resources: dict[str, Resource] = {}
        self.func = Function()

    def __str__(self) -> str:
        from .text.printer import print_module

        return print_module(self)

    def __eq__(self, other: object) -> bool:
        from .equality import same_module

        return isinstance(other, Module) and same_module(self, other)

    __hash__ = None  # type: ignore[assignment]

    @property
    def inputs(self) -> dict[str, TensorType]:
        """Public input names with their types, in order."""
        pairs = zip(self.func.input_names, self.func.args, strict=True)
        return {name: value.type for name, value in pairs}

    @property
    def outputs(self) -> dict[str, TensorType]:
        """Public output names with their types, in order."""
        pairs = zip(self.func.output_names, self.func.results, strict=True)
        return {name: value.type for name, value in pairs}

    def add_resource(
        self, wish: str, array: np.ndarray, type_: TensorType | None = None
    ) -> Resource:
        """Add a constant under a symbol made from `wish` (sanitised and made unique)."""
        resource = Resource.of(self.fresh_symbol(wish), array, type_)
        self.resources[resource.symbol] = resource
        return resource

    def fresh_symbol(self, wish: str) -> str:
        """Return an unused symbol close to `wish`."""
        base = re.sub(r"[^A-Za-z0-9_.$/]", "_", wish) or "c"
        if not re.match(r"[A-Za-z_]", base):
            base = "_" + base
        symbol, count = base, 1
        while symbol in self.resources:
            symbol, count = f"{base}.{count}", count + 1
        return symbol

    def drop_unused_resources(self) -> None:
        """Remove the constants that no operation uses."""
        self.resources = {k: r for k, r in self.resources.items() if r.uses}

    def clone(self) -> Module:
        """Return an independent copy; constant data is shared."""
        copy = Module(self.name, self.stage)
        copy.attrs = dict(self.attrs)
        mapping: dict[Value, Value] = {}
        for symbol, resource in self.resources.items():
            twin = resource.twin()
            copy.resources[symbol] = twin
            mapping[resource] = twin
        func = self.func
        copy.func = Function(
            [Value(a.type, name=a.name) for a in func.args], func.input_names, func.output_names
        )
        mapping.update(zip(func.args, copy.func.args, strict=True))
        for op in func.ops:
            twin_op = copy.func.append(op.rebuilt(mapping.__getitem__))
            mapping.update(zip(op.results, twin_op.results, strict=True))
        copy.func.set_results(mapping[v] for v in func.results)
        return copy
