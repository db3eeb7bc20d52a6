# SPDX-License-Identifier: Apache-2.0
"""Functions and Python's operators in functional models.

Keras 3 writes a function of keras.ops as a class of its own, with some arguments as its
configuration; Keras 2 writes TensorFlow's functions as one layer TFOpLambda. Both are looked up
here by the name in keras.ops.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bnnc.ir import Op, Value, nn

from ... import expressions
from ...failures import Unsupported
from ...slicing import Entry, sliced
from ..activations import apply_activation, rectify
from ..config import OPERATION
from ..context import Context
from ..convert import converts
from ..values import as_mapping, as_number, as_tuple
from .arguments import Arguments

Function: TypeAlias = Callable[[Context, Arguments], Value]


@dataclass(frozen=True)
class _Unary:
    """An operation of one operand."""

    op: Callable[[Value], Op]

    def __call__(self, c: Context, a: Arguments) -> Value:
        return c.emit(self.op(a.x))


@dataclass(frozen=True)
class _Binary:
    """An operation of two operands, or of more from left to right."""

    op: Callable[[Value, Value], Op]

    def __call__(self, c: Context, a: Arguments) -> Value:
        if len(a.values) < 2:
            raise Unsupported(f"merges {len(a.values)} tensors")
        total = a.values[0]
        for value in a.values[1:]:
            total = c.emit(self.op(total, value))
        return total


@dataclass(frozen=True)
class _Compare:
    """A truth value for each element."""

    predicate: nn.Predicate

    def __call__(self, c: Context, a: Arguments) -> Value:
        x, y = a.pair
        return c.emit(nn.Compare(x, y, predicate=self.predicate))


@dataclass(frozen=True)
class _Reduce:
    """Over one axis, several, or all but none."""

    kind: nn.Reduction

    def __call__(self, c: Context, a: Arguments) -> Value:
        axes = a.axes("axis")
        if 0 in axes:
            raise Unsupported("reduces the batch")
        keep = bool(a.option("keepdims"))
        return c.emit(nn.Reduce(a.x, kind=self.kind, axes=axes, keep_dims=keep))


@dataclass(frozen=True)
class _Activation:
    """An activation by its name."""

    name: str

    def __call__(self, c: Context, a: Arguments) -> Value:
        return apply_activation(c, self.name, a.x)


def _identity(c: Context, a: Arguments) -> Value:
    del c
    return a.x


def _cast(c: Context, a: Arguments) -> Value:
    if a.option("dtype") not in ("float32", None):
        raise Unsupported(f"casts to {str(a.option('dtype'))[:60]}")
    return a.x if a.x.type.scalar.is_float else c.emit(nn.Cast(a.x, to="f32"))


def _clip(c: Context, a: Arguments) -> Value:
    low, high = (
        as_number(a.option(*names))
        for names in (("x_min", "clip_value_min"), ("x_max", "clip_value_max"))
    )
    if low is None or high is None or low > high:
        raise Unsupported("has bounds that are no numbers")
    return c.emit(nn.Clip(a.x, lo=low, hi=high))


def _power(c: Context, a: Arguments) -> Value:
    x, y = a.pair
    if not c.is_constant(y):
        raise Unsupported("has an exponent that depends on an input")
    return expressions.power(c, x, c.fold(y))


def _square(c: Context, a: Arguments) -> Value:
    return c.emit(nn.Mul(a.x, a.x))


def _reciprocal(c: Context, a: Arguments) -> Value:
    return c.emit(nn.Div(c.scalar(1.0, "one"), a.x))


def _where(c: Context, a: Arguments) -> Value:
    if len(a.values) != 3:
        raise Unsupported("finds places instead of choosing between two tensors")
    return c.emit(nn.Select(*a.values))


def _leaky_relu(c: Context, a: Arguments) -> Value:
    slope = as_number(a.option("negative_slope", "alpha"))
    return rectify(c, {"negative_slope": 0.2 if slope is None else slope}, a.x)


def _elu(c: Context, a: Arguments) -> Value:
    alpha = as_number(a.option("alpha"))
    return expressions.elu(c, a.x, 1.0 if alpha is None else alpha)


def _gelu(c: Context, a: Arguments) -> Value:
    if a.option("approximate") is True:
        return expressions.gelu(c, a.x)
    return apply_activation(c, "gelu", a.x)


def _softmax(c: Context, a: Arguments) -> Value:
    axes = a.axes("axis", default=-1)
    if len(axes) != 1:
        raise Unsupported(f"is taken over the axes {list(axes)}")
    return c.along_last(a.x, axes[0], lambda x: c.emit(nn.Softmax(x)))


def _reshape(c: Context, a: Arguments) -> Value:
    shape = list(a.ints("newshape", "shape"))
    if shape.count(-1) == 1:
        known = -int(_product(shape))
        shape[shape.index(-1)] = a.x.type.size // max(known, 1)
    if min(shape, default=1) < 0 or _product(shape) != a.x.type.size:
        raise Unsupported(f"turns {list(a.x.shape)} into {shape}")
    return c.reshape(a.x, shape)


def _product(sizes: Sequence[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _transpose(c: Context, a: Arguments) -> Value:
    perm = [*reversed(range(a.x.type.rank))]
    if a.option("axes", "perm") is not None:
        perm = [c.axis(p, a.x.type.rank) for p in a.ints("axes", "perm")]
    return c.transpose(a.x, perm)


def _squeeze(c: Context, a: Arguments) -> Value:
    axes = a.axes("axis") if a.option("axis") is not None else None
    shape = [
        d
        for i, d in enumerate(a.x.shape)
        if not (i in axes if axes is not None else d == 1 and i > 0)
    ]
    return c.reshape(a.x, shape)


def _expand_dims(c: Context, a: Arguments) -> Value:
    shape = list(a.x.shape)
    (axis,) = a.ints("axis")
    shape.insert(c.axis(axis, len(shape) + 1), 1)
    return c.reshape(a.x, shape)


def _concatenate(c: Context, a: Arguments) -> Value:
    (axis,) = a.ints("axis")
    axis = c.axis(axis, a.values[0].type.rank)
    if axis == 0:
        raise Unsupported("joins along the batch")
    return c.emit(nn.Concat(a.values, axis=axis))


def _stack(c: Context, a: Arguments) -> Value:
    (axis,) = a.ints("axis")
    shape = list(a.values[0].shape)
    axis = c.axis(axis, len(shape) + 1)
    shape.insert(axis, 1)
    if axis == 0:
        raise Unsupported("joins along the batch")
    return c.emit(nn.Concat(tuple(c.reshape(v, shape) for v in a.values), axis=axis))


def _pad(c: Context, a: Arguments) -> Value:
    mode = str(a.option("mode") or "constant").lower()
    value = as_number(a.option("constant_values") or 0.0)
    pairs = [as_tuple(p) or () for p in as_tuple(a.option("pad_width", "paddings")) or ()]
    sizes = [s for pair in pairs for s in pair if type(s) is int]
    if mode != "constant" or value is None or len(sizes) != 2 * a.x.type.rank:
        raise Unsupported(f"pads in mode {mode[:60]} by {str(pairs)[:60]}")
    return c.emit(nn.Pad(a.x, before=tuple(sizes[::2]), after=tuple(sizes[1::2]), value=value))


def _repeat(c: Context, a: Arguments) -> Value:
    (times,), (axis,) = a.ints("repeats"), a.ints("axis")
    return expressions.repeated(c, a.x, c.axis(axis, a.x.type.rank), times)


def _flip(c: Context, a: Arguments) -> Value:
    axes = a.axes("axis")
    if 0 in axes:
        raise Unsupported("turns the batch around")
    return sliced(c, a.x, [slice(None, None, -1 if i in axes else 1) for i in range(a.x.type.rank)])


def _argmax(c: Context, a: Arguments) -> Value:
    axes = a.axes("axis")
    if len(axes) != 1:
        raise Unsupported("has no axis")
    y = c.emit(nn.ArgMax(a.x, axis=axes[0]))
    return y if a.option("keepdims") else c.reshape(y, y.shape[: axes[0]] + y.shape[axes[0] + 1 :])


def _normalize(c: Context, a: Arguments) -> Value:
    if a.option("order") not in (2, None):
        raise Unsupported(f"has order={str(a.option('order'))[:60]}")
    return expressions.unit_norm(c, a.x, a.axes("axis", default=-1), 1e-12)


def _get_item(c: Context, a: Arguments) -> Value:
    index = [_entry(one) for one in a.index]
    if index and index[0] is not ... and index[0] not in (slice(None), None):
        raise Unsupported("takes part of the batch")
    return sliced(c, a.x, index)


def _entry(value: object) -> Entry:
    if value is None or type(value) is int:
        return value
    entry = as_mapping(value) or {}
    if entry.get("class_name") == "__ellipsis__":
        return ...
    parts = as_mapping(entry.get("config")) or entry
    bounds = [parts.get(name) for name in ("start", "stop", "step")]
    found = [b for b in bounds if b is None or type(b) is int]
    if not {"start", "stop"} <= parts.keys() or len(found) != 3 or found[2] == 0:
        raise Unsupported(f"takes the elements {str(value)[:60]}")
    return slice(*found)


FUNCTIONS: dict[str, Function] = {
    **{name: _Activation(name) for name in ("relu", "relu6", "sigmoid", "tanh", "silu")},
    **{name: _Activation(name) for name in ("hard_sigmoid", "hard_tanh", "hard_silu", "selu")},
    **{name: _Activation(name) for name in ("softplus", "softsign", "log_sigmoid", "log_softmax")},
    "absolute": _Unary(nn.Abs),
    "add": _Binary(nn.Add),
    "argmax": _argmax,
    "cast": _cast,
    "clip": _clip,
    "concatenate": _concatenate,
    "divide": _Binary(nn.Div),
    "elu": _elu,
    "equal": _Compare("eq"),
    "exp": _Unary(nn.Exp),
    "expand_dims": _expand_dims,
    "gelu": _gelu,
    "flip": _flip,
    "get_item": _get_item,
    "greater": _Compare("gt"),
    "greater_equal": _Compare("ge"),
    "identity": _identity,
    "leaky_relu": _leaky_relu,
    "less": _Compare("lt"),
    "less_equal": _Compare("le"),
    "log": _Unary(nn.Log),
    "max": _Reduce("max"),
    "maximum": _Binary(nn.Maximum),
    "mean": _Reduce("mean"),
    "min": _Reduce("min"),
    "minimum": _Binary(nn.Minimum),
    "multiply": _Binary(nn.Mul),
    "negative": _Unary(nn.Neg),
    "normalize": _normalize,
    "not_equal": _Compare("ne"),
    "pad": _pad,
    "power": _power,
    "reciprocal": _reciprocal,
    "repeat": _repeat,
    "reshape": _reshape,
    "round": _Unary(nn.Round),
    "rsqrt": _Unary(nn.Rsqrt),
    "sign": _Unary(lambda x: nn.Sign(x, zero="keep", nan="propagate")),
    "softmax": _softmax,
    "sqrt": _Unary(nn.Sqrt),
    "square": _square,
    "squeeze": _squeeze,
    "stack": _stack,
    "subtract": _Binary(nn.Sub),
    "sum": _Reduce("sum"),
    "transpose": _transpose,
    "true_divide": _Binary(nn.Div),
    "where": _where,
}
_TENSORFLOW = {  # what Keras 2 calls otherwise, without math., nn. and the like in front
    "abs": "absolute",
    "add_n": "add",
    "bias_add": "add",
    "clip_by_value": "clip",
    "concat": "concatenate",
    "getitem": "get_item",
    "l2_normalize": "normalize",
    "pow": "power",
    "reduce_max": "max",
    "reduce_mean": "mean",
    "reduce_min": "min",
    "reduce_sum": "sum",
    "reverse": "flip",
    "stop_gradient": "identity",
    "swish": "silu",
    "truediv": "true_divide",
}
_PACKAGES = ("__operators__.", "compat.v1.", "math.", "nn.")


def _class_name(name: str) -> str:
    return OPERATION + "".join(word.capitalize() for word in name.split("_"))


_BY_CLASS = {_class_name(name): function for name, function in FUNCTIONS.items()}
_BY_CLASS[f"{OPERATION}Abs"] = FUNCTIONS["absolute"]
_BY_CLASS[f"{OPERATION}StopGradient"] = _identity


@converts(*_BY_CLASS)
def operation(c: Context) -> Value:
    """A function of keras.ops, or a Python operator, as Keras 3 writes it."""
    return _BY_CLASS[c.node.layer.kind](c, Arguments.of_operation(c))


@converts("TFOpLambda", "SlicingOpLambda")
def function(c: Context) -> Value:
    """The same as Keras 2 writes it: functions of TensorFlow of the same meaning."""
    full = c.text("function")
    name = full
    for package in _PACKAGES:
        name = name.removeprefix(package)
    found = FUNCTIONS.get(_TENSORFLOW.get(name, name))
    if found is None:
        raise Unsupported(
            f"calls tf.{full}", "use a layer, or give a SavedModel or a frozen graph instead"
        )
    return found(c, Arguments.of_lambda(c))
