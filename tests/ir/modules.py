# SPDX-License-Identifier: Apache-2.0
"""Random modules over the whole registry; they need not make sense as networks."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from hypothesis import strategies as st

from bnnc.ir import bin, nn
from bnnc.ir.diagnostics import IRError
from bnnc.ir.location import UNKNOWN, Loc
from bnnc.ir.module import Function, Module, Stage
from bnnc.ir.operation import Op, registered_operations
from bnnc.ir.types import BIT, F32, I32, TERN, Quant, Scalar, TensorType
from bnnc.ir.value import Resource, Value

from .quantized import FIELDS

WORDS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["", "conv1", "conv1/W:0", "a//b", 'q"uote', "back\\slash", "3", "%x", "ü", "x.npy", "\n", "$"]
)
LEVELS = Scalar("u2")
FLOATS = st.floats(width=32) | st.sampled_from([0.0, -0.0, 0.1, 1e-45, 3.4e38])
INTS = st.integers(-(2**40), 2**40)


@dataclass
class Maker:
    """A module under construction and the means to make operands for it."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    module: Module
    rng: np.random.Generator
    values: list[Value] = field(default_factory=list[Value])

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def array(self, shape: tuple[int, ...], scalar: Scalar) -> np.ndarray:
        if scalar == F32:
            data = self.rng.integers(0, 2**32, shape, np.uint32).view(np.float32)
            if self.draw(st.booleans()):
                data = self.rng.integers(-2, 3, shape).astype(np.float32)
        elif scalar == BIT:
            data = self.rng.choice(np.array([-1, 1], np.int8), shape)
        else:
            low, high = scalar.range() or (0, 0)
            data = self.rng.integers(low, high, shape, dtype=scalar.dtype, endpoint=True)
        if self.draw(st.integers(0, 3)) == 0 and data.size:
            data = np.full(shape, data.reshape(-1)[0])
        return np.asarray(data, scalar.dtype).reshape(shape)

    def constant(self, *shape: int, scalar: Scalar = F32, layout: str | None = None) -> Resource:
        type_ = TensorType(shape, scalar, layout)
        return self.module.add_resource(self.draw(WORDS), self.array(shape, scalar), type_)

    def value(self, *shape: int, scalar: Scalar = F32) -> Value:
        """An earlier value of that type if there is one, else a new argument or a constant."""
        fits = [v for v in self.values if v.shape == shape and v.type.scalar == scalar]
        if fits and self.draw(st.booleans()):
            return cast("Value", self.draw(st.sampled_from(fits)))
        if self.draw(st.booleans()):
            return self.constant(*shape, scalar=scalar)
        value = Value(TensorType(shape, scalar), name=self.draw(WORDS))
        self.module.func.args.append(value)
        self.values.append(value)
        return value

    def maybe(self, make: Callable[[], Value]) -> Value | None:
        return make() if self.draw(st.booleans()) else None

    def attributes(self, cls: type[Op]) -> dict[str, Any]:
        """Random values for attributes whose annotation alone says what is allowed."""
        return {a.name: self.draw(attribute(a.annotation)) for a in cls.ATTRS}


def attribute(annotation: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation."""
    args = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return st.sampled_from(args)
    return {bool: st.booleans(), float: FLOATS, int: INTS, str: WORDS}[annotation]


def _shape(make: Maker, rank: int) -> tuple[int, ...]:
    return tuple(make.draw(st.integers(1, 5)) for _ in range(rank))


def _elementwise(cls: type[Op], make: Maker) -> Op:
    """All operands of one type: the first scalar that the operation accepts."""
    shape = _shape(make, make.draw(st.integers(1, 4)))
    attributes = make.attributes(cls)
    for scalar in (F32, BIT, LEVELS):
        operands: dict[str, Any] = {o.name: make.value(*shape, scalar=scalar) for o in cls.OPERANDS}
        with contextlib.suppress(IRError):
            return cls(**operands, **attributes)
    raise AssertionError(f"add a recipe for {cls.NAME} to {__name__}")


def _window(make: Maker) -> dict[str, Any]:
    return {
        "kernel_size": (make.pick(1, 2), make.pick(1, 2)),
        "stride": (make.pick(1, 2), make.pick(1, 3)),
        "pad": (0, 0, 0, 0),
    }


def _layer(cls: type[bin.Layer], make: Maker) -> Op:
    x, w = ({"f": F32, "b": BIT, "t": TERN, "u": LEVELS}[k] for k in cls.KIND)
    c, o, layout = make.pick(1, 3, 8), make.pick(1, 5, 9), make.pick(None, "packed")
    layout = {F32: "t8", BIT: "bp8", TERN: "tp8"}[w] if layout else None
    accumulator = F32 if cls.KIND[0] == "f" else I32
    fields: dict[str, Any] = {}
    shape: tuple[int, ...] = (1, c)
    weights: tuple[int, ...] = (o, c)
    if issubclass(cls, bin.ConvLayer):
        groups = make.pick(1, c)
        o *= groups
        shape, weights = (1, 4, 5, c), (o, 2, 1, c // groups)
        fields |= {
            "stride": (1, make.pick(1, 2)),
            "dilation": (make.pick(1, 2), 1),
            "groups": groups,
            "pad": (0, 1, 2, 3),
            "pad_value": make.pick(0.0, 1.0, 0.0 if x == LEVELS else -1.0),
        }
    if make.draw(st.booleans()):
        fields["thr"] = make.constant(o, scalar=accumulator)
        fields["params"] = tuple(make.constant(o) for _ in range(make.pick(0, 1, 4)))
        fields["steps"] = (("mul",), ("batch_norm", float(np.float32(0.001))), ("sign", "plus"))
        fields["certificate"] = make.pick("exhaustive", "search")
    else:
        fields["alpha"] = make.maybe(lambda: make.constant(o))
        fields["bias"] = make.maybe(lambda: make.constant(o))
    fields |= {
        "order": make.pick("muladd", "fma", "muladd.ftz", "eights"),
        "nan": make.pick("plus", "minus"),
    }
    fields["x"] = make.value(*shape, scalar=x)
    fields["w"] = make.constant(*weights, scalar=w, layout=layout)
    return cls(**fields)


def _conv2d(make: Maker) -> Op:
    bias = make.maybe(lambda: make.value(4))
    return nn.Conv2D(
        make.value(1, 5, 4, 2),
        make.value(4, 3, 1, 1),
        bias,
        stride=(1, 2),
        dilation=make.pick((1, 1), (2, 1)),
        groups=2,
        pad=(1, 0, 2, 0),
        pad_value=make.draw(FLOATS),
    )


def _concat(make: Maker) -> Op:
    count = make.draw(st.integers(1, 4))
    return nn.Concat(tuple(make.value(2, 3) for _ in range(count)), axis=make.pick(0, 1, -1))


def _compare(make: Maker) -> Op:
    predicate = make.pick("ge", "gt", "le", "lt", "eq", "ne")
    return nn.Compare(make.value(2, 3), make.value(1, 3), predicate=predicate)


def _places(make: Maker, count: int) -> Resource:
    array = np.asarray([make.draw(st.integers(0, count - 1)) for _ in range(2)], np.int32)
    return make.module.add_resource(make.draw(WORDS), array, TensorType((2,), I32))


RECIPES: dict[type[Op], Callable[[Maker], Op]] = {
    nn.Conv2D: _conv2d,
    nn.Dense: lambda m: nn.Dense(m.value(2, 3), m.value(4, 3), m.maybe(lambda: m.value(4))),
    nn.BatchNorm: lambda m: nn.BatchNorm(
        m.value(2, 3), *(m.value(3) for _ in range(4)), epsilon=m.draw(FLOATS)
    ),
    nn.PRelu: lambda m: nn.PRelu(m.value(2, 3), m.value(3)),
    nn.MultiThreshold: lambda m: nn.MultiThreshold(m.value(2, 3), m.value(3, m.pick(1, 3))),
    nn.Clip: lambda m: nn.Clip(m.value(2, 3), lo=m.pick(-1.0, float("-inf")), hi=m.pick(0.1, 6.0)),
    nn.Compare: _compare,
    nn.Cast: lambda m: nn.Cast(m.value(2, 3), to=m.pick("f32", "i8", "odd<3>")),
    nn.MaxPool: lambda m: nn.MaxPool(m.value(1, 5, 4, 3), **_window(m)),
    nn.AvgPool: lambda m: nn.AvgPool(
        m.value(1, 5, 4, 3), **_window(m), include_pad=m.pick(True, False)
    ),
    nn.Reduce: lambda m: nn.Reduce(
        m.value(2, 3, 4),
        kind=m.pick("mean", "sum", "max", "min", "prod"),
        axes=m.pick((), (0,), (-1, 0)),
        keep_dims=m.pick(True, False),
    ),
    nn.MatMul: lambda m: nn.MatMul(m.value(m.pick(1, 2), 3, 4), m.value(2, 4, 5)),
    nn.Gather: lambda m: nn.Gather(m.value(2, 3), _places(m, 3), axis=m.pick(1, -1)),
    nn.ArgMax: lambda m: nn.ArgMax(m.value(2, 3), axis=m.pick(0, -1), last=m.pick(True, False)),
    nn.TopK: lambda m: nn.TopK(m.value(2, 3), k=m.pick(1, 3)),
    nn.TakeAlong: lambda m: nn.TakeAlong(m.value(2, 3), m.value(2, m.pick(1, 4), scalar=I32)),
    nn.Pad: lambda m: nn.Pad(m.value(2, 3), before=(1, 0), after=(0, 2), value=m.draw(FLOATS)),
    nn.Reshape: lambda m: nn.Reshape(m.value(2, 3), shape=m.pick((6,), (1, 6), (3, 1, 2))),
    nn.Transpose: lambda m: nn.Transpose(m.value(2, 3), perm=m.pick((0, 1), (1, 0))),
    nn.Concat: _concat,
    nn.Split: lambda m: nn.Split(m.value(4, 3), axis=0, sizes=m.pick((4,), (1, 3), (1, 1, 2))),
    nn.Slice: lambda m: nn.Slice(m.value(4, 3), begin=(3, 0), size=(2, 3), step=(-2, 1)),
    bin.Pack: lambda m: bin.Pack(m.value(2, 9), nan=m.pick("plus", "minus")),
    bin.Threshold: lambda m: bin.Threshold(
        m.value(2, 9), m.constant(9), nan=m.pick("plus", "minus")
    ),
    bin.Unpack: lambda m: bin.Unpack(m.value(2, 9, scalar=BIT)),
    bin.Flip: lambda m: bin.Flip(
        m.value(2, 9, scalar=BIT), m.constant(9, scalar=BIT, layout=m.pick(None, "bp8"))
    ),
    bin.MaxPool: lambda m: bin.MaxPool(
        m.value(1, 5, 4, 3, scalar=BIT),
        m.maybe(lambda: m.constant(3, scalar=BIT)),
        **_window(m),
    ),
    bin.Reshape: lambda m: bin.Reshape(m.value(2, 9, scalar=BIT), shape=m.pick((18,), (3, 6))),
    bin.Affine: lambda m: bin.Affine(m.value(2, 9), m.constant(9), m.constant(9)),
}


def _levels(name: str) -> Callable[[Maker], Op]:
    """Operations on level tensors, by name."""
    fields: dict[str, Callable[[Maker], dict[str, Any]]] = {
        "bin.quantize": lambda m: {
            "x": m.value(2, 9),
            "thr": m.constant(9, m.pick(1, 3)),
            "nan": m.pick("plus", "minus"),
        },
        "bin.to_levels": lambda m: {
            "x": m.value(2, 9),
            "low": m.pick(-1, 0),
            "levels": m.pick(1, 3),
        },
    }
    return lambda make: registered_operations()[name](**fields[name](make))


def recipe(cls: type[Op]) -> Callable[[Maker], Op]:
    """How to make an operation of a class."""
    if cls in RECIPES:
        return RECIPES[cls]
    if cls in FIELDS:
        return lambda make: cls(**FIELDS[cls](make))
    if cls.NAME in ("bin.quantize", "bin.to_levels"):
        return _levels(cls.NAME)
    if issubclass(cls, bin.Layer):
        return lambda make: _layer(cls, make)
    return lambda make: _elementwise(cls, make)


LOCATIONS = st.just(UNKNOWN) | st.builds(
    Loc, st.lists(WORDS.filter(bool), max_size=3).map(tuple), st.sampled_from(["", "Conv2D"])
)
MODULE_ATTRIBUTES = st.dictionaries(
    st.sampled_from(["target", "arena_bytes", "flag", "gap", "list", "resource", "func"]),
    st.recursive(
        st.booleans() | INTS | st.floats() | WORDS,
        lambda inner: st.lists(inner, max_size=3).map(tuple),
        max_leaves=4,
    ),
)


@st.composite
def modules(draw: st.DrawFn, classes: tuple[type[Op], ...] = ()) -> Module:
    """Modules of a few random operations, of the given classes only if there are any."""
    known = [c for n, c in registered_operations().items() if not n.startswith("func.")]
    module = Module(draw(WORDS), draw(st.sampled_from(list(Stage))))
    module.attrs = draw(MODULE_ATTRIBUTES)
    module.func = Function()
    make = Maker(draw, module, np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    for cls in draw(st.lists(st.sampled_from(classes or known), min_size=1, max_size=6)):
        op = module.func.append(recipe(cls)(make))
        op.loc = draw(LOCATIONS)
        for result in op.results:
            result.name = draw(WORDS)
            _decorate(make, result)
        if draw(st.booleans()):
            op.kernel = draw(WORDS)
            op.at = tuple(draw(st.integers(-1, 1000)) for _ in op.results)
        make.values += op.results
    module.func.set_results(draw(st.lists(st.sampled_from(make.values or [make.value(1)]),
                                          max_size=3)))  # fmt: skip
    count = len(module.func.args), len(module.func.results)
    module.func.input_names = draw(st.lists(WORDS, min_size=count[0], max_size=count[0]))
    module.func.output_names = draw(st.lists(WORDS, min_size=count[1], max_size=count[1]))
    return module


def _decorate(make: Maker, value: Value) -> None:
    """Give some values a layout or a quantization."""
    type_ = value.type
    if type_.scalar == BIT and type_.rank and make.draw(st.booleans()):
        value.type = type_.with_layout("bp8")
    elif make.draw(st.integers(0, 4)) == 0:
        scale = make.pick(0.5, 0.1, make.constant(1).symbol)
        value.type = TensorType(type_.shape, type_.scalar, None, Quant(scale, make.pick(0, -3)))
