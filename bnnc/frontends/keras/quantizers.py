# SPDX-License-Identifier: Apache-2.0
"""Quantizers of Larq and of bnnc.train, as the operations that their graphs consist of.

Weights are stored as latent floats; a quantizer is applied to them as it is to activations, so that
passes meet what they meet in a frozen graph. Source: Geiger et al., Larq, 2020, JOSS 5(45) 1746.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from bnnc.ir import Value, nn

from ..failures import Unsupported
from .context import Context
from .values import as_mapping, as_number, class_and_options

Options: TypeAlias = Mapping[str, object]
Zero: TypeAlias = Literal["plus", "minus", "keep"]

_NAMES = {
    **dict.fromkeys(("SteSign", "ste_sign", "ApproxSign", "approx_sign"), "sign"),
    **dict.fromkeys(("SwishSign", "swish_sign"), "sign"),
    **dict.fromkeys(("MagnitudeAwareSign", "magnitude_aware_sign"), "magnitude"),
    **dict.fromkeys(("SteHeaviside", "ste_heaviside"), "heaviside"),
    **dict.fromkeys(("SteTern", "ste_tern"), "tern"),
    **dict.fromkeys(("DoReFa", "dorefa_quantizer", "DoReFaQuantizer", "do_re_fa"), "dorefa"),
    **dict.fromkeys(("NoOp", "no_op", "NoOpQuantizer"), "identity"),
}


def is_quantizer(name: str) -> bool:
    """Whether this is the name of a quantizer, as a class or as a function."""
    return name in _NAMES


def quantize(c: Context, option: str, x: Value) -> Value:
    """Apply the quantizer that an option names, if any."""
    given = c.option(option)
    return x if given is None else apply_quantizer(c, given, x)


def apply_quantizer(c: Context, given: object, x: Value) -> Value:
    """Apply a quantizer, given by name or by class and options.

    Raises:
        Unsupported: It is another one.
    """
    name, options = class_and_options(given)
    entry = as_mapping(given) or {}
    top = str(entry.get("module", "larq") or "").partition(".")[0]
    if top not in ("larq", "builtins"):
        raise Unsupported(_unknown(str(entry.get("registered_name") or name)[:60]), _ADVICE)
    if not isinstance(name, str) or name not in _NAMES:
        raise Unsupported(_unknown(str(name)[:60]), _ADVICE)
    return _BY_KIND[_NAMES[name]](c, x, options)


_ADVICE = "its code is not in the file: model.export() a SavedModel, or freeze it"


def _unknown(name: str) -> str:
    return f"has the quantizer {name}, which is not Larq's"


def _raw_sign(c: Context, x: Value) -> Value:
    return c.emit(nn.Sign(x, zero="keep", nan="propagate"))


def _sign(c: Context, x: Value, options: Options) -> Value:
    """sign(sign(x) + 0.1): zero gives +1."""
    del options
    return _raw_sign(c, c.emit(nn.Add(_raw_sign(c, x), c.scalar(0.1, "tenth"))))


def _magnitude(c: Context, x: Value, options: Options) -> Value:
    """The mean of |x| over all axes but the last, times the sign."""
    axes = tuple(range(x.type.rank - 1))
    scale = c.emit(nn.Reduce(c.emit(nn.Abs(x)), kind="mean", axes=axes))
    return c.emit(nn.Mul(scale, _sign(c, x, options)))


def _heaviside(c: Context, x: Value, options: Options) -> Value:
    """1 where x > 0, else 0."""
    del options
    return _raw_sign(c, c.emit(nn.Relu(x)))


def _tern(c: Context, x: Value, options: Options) -> Value:
    """sign(sign(x + t) + sign(x - t)); t is given, or 0.7 of the mean of |x|.

    Source of the mean: Li et al., Ternary Weight Networks, 2016, arXiv:1605.04711.
    """
    if options.get("ternary_weight_networks"):
        total = c.emit(nn.Reduce(c.emit(nn.Abs(x)), kind="sum", axes=tuple(range(x.type.rank))))
        scaled = c.emit(nn.Mul(total, c.scalar(0.7, "share")))
        threshold = c.emit(nn.Div(scaled, c.scalar(float(x.type.size), "count")))
    else:
        threshold = c.scalar(_number(options, "threshold_value", 0.05), "threshold")
    above = _raw_sign(c, c.emit(nn.Add(x, threshold)))
    below = _raw_sign(c, c.emit(nn.Sub(x, threshold)))
    return _raw_sign(c, c.emit(nn.Add(above, below)))


def _dorefa(c: Context, x: Value, options: Options) -> Value:
    """Round to the 2^k levels of [0, 1]; weights are brought there by tanh and back to [-1, 1].

    Source: Zhou et al., DoReFa-Net, 2016, arXiv:1606.06160.
    """
    bits = _number(options, "k_bit", 2)
    if not 1 <= bits <= 16 or bits != int(bits):
        raise Unsupported(f"has a DoReFa of {bits} bits")
    levels = c.scalar(2.0 ** int(bits) - 1.0, "levels")
    mode = options.get("mode", "activations")
    if mode == "activations":
        x = c.emit(nn.Minimum(x, c.scalar(1.0, "one")))
        return _rounded(c, c.emit(nn.Maximum(x, c.scalar(0.0, "zero"))), levels)
    if mode != "weights":
        raise Unsupported(f"has a DoReFa of mode {str(mode)[:60]}")
    limited = c.emit(nn.Tanh(x))
    axes = tuple(range(x.type.rank))
    largest = c.emit(nn.Reduce(c.emit(nn.Abs(limited)), kind="max", axes=axes))
    two, half = c.scalar(2.0, "two"), c.scalar(0.5, "half")
    scaled = c.emit(nn.Div(limited, c.emit(nn.Mul(largest, two)), no_nan=True))
    rounded = _rounded(c, c.emit(nn.Add(scaled, half)), levels)
    return c.emit(nn.Sub(c.emit(nn.Mul(rounded, two)), c.scalar(1.0, "one")))


def _rounded(c: Context, x: Value, levels: Value) -> Value:
    return c.emit(nn.Div(c.emit(nn.Round(c.emit(nn.Mul(x, levels)))), levels))


def _identity(c: Context, x: Value, options: Options) -> Value:
    del c, options
    return x


def _number(options: Options, name: str, default: float) -> float:
    value = as_number(options.get(name, default))
    if value is None:
        raise Unsupported(f"has a quantizer with {name}={str(options[name])[:60]}")
    return value


_BY_KIND: dict[str, Callable[[Context, Value, Options], Value]] = {
    "sign": _sign,
    "magnitude": _magnitude,
    "heaviside": _heaviside,
    "tern": _tern,
    "dorefa": _dorefa,
    "identity": _identity,
}


def trained_sign(c: Context, x: Value) -> Value:
    """The activation of bnnc.train: the sign, with the sign of zero that the layer names."""
    return c.emit(nn.Sign(x, zero=_zero(c), nan="propagate"))


def trained_weights(c: Context, w: Value, channel_axes: int = 1) -> Value:
    """The weights of bnnc.train: signs of the latent ones, perhaps times the mean of |w|.

    Args:
        c: The layer.
        w: Latent weights.
        channel_axes: How many axes at the end tell the channels apart.
    """
    signs = c.emit(nn.Sign(w, zero=_zero(c), nan="propagate"))
    if not c.flag("scale", False):
        return signs
    clipped = c.emit(nn.Clip(w, lo=-1.0, hi=1.0))
    axes = tuple(range(w.type.rank - channel_axes))
    scale = c.emit(nn.Reduce(c.emit(nn.Abs(clipped)), kind="mean", axes=axes))
    return c.emit(nn.Mul(signs, scale))


def _zero(c: Context) -> Zero:
    rules: dict[str, Zero] = {"plus": "plus", "minus": "minus", "keep": "keep"}
    rule = c.text("zero", "plus")
    if rule not in rules:
        raise Unsupported(f"has the sign of zero '{rule[:60]}'")
    return rules[rule]
