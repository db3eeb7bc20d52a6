# SPDX-License-Identifier: Apache-2.0
"""Activations by name, as an option of a layer or as a layer of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bnnc.ir import Value, nn

from .. import expressions
from ..failures import Unsupported
from .context import Context
from .quantizers import apply_quantizer, is_quantizer
from .values import as_number, as_tuple, class_and_options


def activate(c: Context, x: Value) -> Value:
    """Apply the option ``activation``, if any."""
    return apply_activation(c, c.option("activation"), x)


def apply_activation(c: Context, given: object, x: Value) -> Value:
    """Apply an activation, given by name, or by class and options.

    Raises:
        Unsupported: It is none of those known.
    """
    name, options = class_and_options(given)
    if isinstance(name, str) and is_quantizer(name):
        return apply_quantizer(c, given, x)
    if name == "LeakyReLU":
        return c.emit(nn.LeakyRelu(x, alpha=slope_of(options)))
    if name == "ReLU":
        return rectify(c, options, x)
    if name is None:
        return x
    if isinstance(name, str) and name in _BY_NAME:
        return _BY_NAME[name](c, x)
    shown = str(name)[:60]
    raise Unsupported(
        f"has the activation {shown}",
        "export the model as SavedModel, or freeze it (docs/freezing.md)",
    )


def activation_names() -> list[str]:
    """Return the names of the activations that are known."""
    return sorted(_BY_NAME.keys() - {"gelu"})


def slope_of(options: Mapping[str, object]) -> float:
    """The slope of a LeakyReLU: Keras 2 calls it alpha."""
    for key in ("negative_slope", "alpha"):
        value = as_number(options.get(key))
        if value is not None:
            return value
    return 0.3


def rectify(c: Context, options: Mapping[str, object], x: Value) -> Value:
    """X from `threshold` on, cut at `max_value`; below it negative_slope * (x - threshold)."""

    def number(name: str) -> float:
        value = options.get(name) or 0.0
        entries = as_tuple(value)  # Keras 2 may write a numpy number as a list
        found = as_number(entries[0] if entries and len(entries) == 1 else value)
        if found is None:
            raise Unsupported(f"has {name}={str(value)[:60]}")
        return found

    slope, threshold = number("negative_slope"), number("threshold")
    largest = None if options.get("max_value") is None else number("max_value")
    if threshold:
        bound = c.scalar(threshold, "threshold")
        below = c.emit(nn.Mul(c.emit(nn.Sub(x, bound)), c.scalar(slope, "slope")))
        above = c.emit(nn.Compare(x, bound, predicate="ge"))
        y = c.emit(nn.Select(above, x, below))
    elif slope:
        y = c.emit(nn.LeakyRelu(x, alpha=slope))
    elif largest is not None:
        return c.emit(nn.Clip(x, lo=0.0, hi=largest))
    else:
        return c.emit(nn.Relu(x))
    return y if largest is None else c.emit(nn.Minimum(y, c.scalar(largest, "max")))


def _hard_sigmoid(c: Context, x: Value) -> Value:
    """Keras 2: clip(0.2 x + 0.5) to [0, 1]; Keras 3: relu6(x + 3) / 6."""
    if c.keras >= 3:
        shifted = c.emit(nn.Clip(c.emit(nn.Add(x, c.scalar(3.0, "three"))), lo=0.0, hi=6.0))
        return c.emit(nn.Div(shifted, c.scalar(6.0, "six")))
    line = c.emit(nn.Mul(x, c.scalar(0.2, "slope")))
    return c.emit(nn.Clip(c.emit(nn.Add(line, c.scalar(0.5, "half"))), lo=0.0, hi=1.0))


def _hard_silu(c: Context, x: Value) -> Value:
    return c.emit(nn.Mul(x, _hard_sigmoid(c, x)))


def _mish(c: Context, x: Value) -> Value:
    """X tanh(softplus(x)), Misra, arXiv:1908.08681."""
    return c.emit(nn.Mul(x, c.emit(nn.Tanh(expressions.softplus(c, x)))))


def _log_sigmoid(c: Context, x: Value) -> Value:
    return c.emit(nn.Neg(expressions.softplus(c, c.emit(nn.Neg(x)))))


def _gelu(c: Context, x: Value) -> Value:
    """By name it is the exact one: x times the normal distribution's integral."""
    del c, x
    raise Unsupported(
        "has the activation gelu by the error function", "use keras.ops.gelu(x, approximate=True)"
    )


def _squareplus(c: Context, x: Value) -> Value:
    """(x + sqrt(x^2 + 4)) / 2."""
    root = c.emit(nn.Sqrt(c.emit(nn.Add(c.emit(nn.Mul(x, x)), c.scalar(4.0, "four")))))
    return c.emit(nn.Mul(c.emit(nn.Add(x, root)), c.scalar(0.5, "half")))


def _leaky_tanh(c: Context, x: Value) -> Value:
    """Larq's: clip to -1 ... 1, and a fifth of what lies beyond."""
    inside = c.emit(nn.Clip(x, lo=-1.0, hi=1.0))
    beyond = c.emit(nn.Mul(c.emit(nn.Sub(x, inside)), c.scalar(0.2, "slope")))
    return c.emit(nn.Add(inside, beyond))


def _hard_shrink(c: Context, x: Value) -> Value:
    """X where |x| > 0.5, else 0."""
    far = c.emit(nn.Compare(c.emit(nn.Abs(x)), c.scalar(0.5, "half"), predicate="gt"))
    return c.emit(nn.Select(far, x, c.scalar(0.0, "zero")))


_BY_NAME: dict[str, Callable[[Context, Value], Value]] = {
    "linear": lambda c, x: x,
    "relu": lambda c, x: c.emit(nn.Relu(x)),
    "relu6": lambda c, x: c.emit(nn.Clip(x, lo=0.0, hi=6.0)),
    "leaky_relu": lambda c, x: c.emit(nn.LeakyRelu(x, alpha=0.2)),
    "sigmoid": lambda c, x: c.emit(nn.Sigmoid(x)),
    "hard_sigmoid": _hard_sigmoid,
    "tanh": lambda c, x: c.emit(nn.Tanh(x)),
    "leaky_tanh": _leaky_tanh,
    "hard_tanh": lambda c, x: c.emit(nn.Clip(x, lo=-1.0, hi=1.0)),
    "exponential": lambda c, x: c.emit(nn.Exp(x)),
    "elu": expressions.elu,
    "celu": expressions.elu,
    "selu": expressions.selu,
    "gelu": _gelu,
    "softmax": lambda c, x: c.emit(nn.Softmax(x)),
    "log_softmax": expressions.log_softmax,
    "silu": expressions.silu,
    "swish": expressions.silu,
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "mish": _mish,
    "softplus": expressions.softplus,
    "softsign": expressions.softsign,
    "log_sigmoid": _log_sigmoid,
    "squareplus": _squareplus,
    "hard_shrink": _hard_shrink,
    "soft_shrink": lambda c, x: c.emit(nn.Sub(x, c.emit(nn.Clip(x, lo=-0.5, hi=0.5)))),
    "tanh_shrink": lambda c, x: c.emit(nn.Sub(x, c.emit(nn.Tanh(x)))),
}
