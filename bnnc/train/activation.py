# SPDX-License-Identifier: Apache-2.0
"""The binary activation: a sign that gradients pass straight through."""

from __future__ import annotations

from typing import Any, Literal

from bnnc.ir.diagnostics import UsageError, did_you_mean

from ._tensorflow import tf

ZeroRule = Literal["plus", "minus", "keep"]
"""What the sign of zero is: +1, -1 or 0 itself (as ``tf.sign`` has it)."""

_RULES = ("plus", "minus", "keep")


def binary_activation(x: Any, zero: ZeroRule = "plus") -> Any:
    """Binarize to +1 and -1, with the straight-through gradient of BinaryNet.

    With ``c = clip(x, -1, 1)`` the value is ``c + stop_gradient(sign(c) - c)``, in float32 exactly
    s = sign(c): the difference ``s - c`` is at most 1 in size, so that rounding it errs by some
    ``|e| <= 2^-25``; the sum is then the rounding of ``s + e``, and 2^-25 is half the step from 1
    to its neighbour inwards, a tie that goes to 1, the even one. The gradient with respect to x is
    1 where ``-1 <= x <= 1``, the ends included, and 0 outside.

    Source: Courbariaux et al., BinaryNet, 2016, arXiv:1602.02830, section 1.3 (equation 4).

    Args:
        x: float tensor of any shape.
        zero: the sign of zero. ``plus`` and ``minus`` give bits; ``keep`` gives a third value, 0,
            which a compiled network cuts to +1.

    Returns:
        Tensor of the shape and dtype of x. NaN stays NaN.

    Raises:
        UsageError: zero is not one of the three rules.
    """
    c = tf.maximum(tf.minimum(x, 1.0), -1.0)
    return c + tf.stop_gradient(sign(c, zero) - c)


def sign(x: Any, zero: ZeroRule = "plus") -> Any:
    """Return the sign of x, without a useful gradient, with the given sign of zero.

    Args:
        x: float tensor of any shape.
        zero: the sign of zero.

    Returns:
        Tensor of the shape and dtype of x. For NaN, ``plus`` and ``minus`` give -1 and ``keep``
        gives NaN.

    Raises:
        UsageError: zero is not one of the three rules.
    """
    if zero not in _RULES:
        raise UsageError(
            f"zero={zero!r} is none of {', '.join(_RULES)}", hint=did_you_mean(str(zero), _RULES)
        )
    if zero == "keep":
        return tf.sign(x)
    is_plus = x >= 0.0 if zero == "plus" else x > 0.0
    return tf.where(is_plus, tf.constant(1.0, x.dtype), tf.constant(-1.0, x.dtype))
