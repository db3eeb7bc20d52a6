# SPDX-License-Identifier: Apache-2.0
"""exp, log, tanh, sigmoid, round and softmax as fixed sequences of float32 operations.

They are the sequences of ``runtime/include/bnnc/math.h``, operation for operation, so that the
interpreter and generated code agree bit for bit; libm and numpy agree with nobody. Each float32
operation is rounded once. Polynomials go by Horner's rule from the first coefficient; those for
exp, log and tanh and the splitting of ln 2 are those of Cephes (S. Moshier, single precision).
A NaN is returned as it came.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_F32 = np.float32
_INF = _F32(np.inf)
_SIGN = np.uint32(0x80000000)
_QUIET_NAN = np.array([0x7FC00000], np.uint32).view(_F32)[0]

_EXP_OVERFLOW = _F32(88.7228394)
_EXP_UNDERFLOW = _F32(-103.972084)
_LOG2_E = _F32(1.44269502)
_LN2_HIGH = _F32(0.693359375)
_LN2_LOW = _F32(-2.12194440e-4)
_INTEGERS = _F32(12582912.0)  # 3 * 2^22: adding it leaves no bits for a fraction
_EXP = (1.98756915e-4, 1.39819995e-3, 8.33345205e-3, 4.16657962e-2, 0.166666657, 0.5)
_LOG = (
    7.03768358e-2,
    -0.115146101,
    0.116769984,
    -0.124201410,
    0.142493233,
    -0.166680574,
    0.200007141,
    -0.249999940,
    0.333333313,
)
_TANH = (-5.70498872e-3, 2.06390887e-2, -5.37397155e-2, 0.133314421, -0.333332807)
_TANH_SATURATED = _F32(9.01091290)


def exp(x: np.ndarray) -> np.ndarray:
    """e^x of float32 values of any shape; at most 1 unit in the last place off.

    2^n e^r with n = round(x / ln 2) and r = x - n ln 2. The power is applied in two halves, both
    normal, so that only the last product rounds where the result is denormal.
    """
    with np.errstate(all="ignore"):
        safe = np.where((x >= _EXP_UNDERFLOW) & (x <= _EXP_OVERFLOW), x, _F32(0))
        n = (safe * _LOG2_E + _INTEGERS) - _INTEGERS
        r = (safe - n * _LN2_HIGH) - n * _LN2_LOW
        y = (_horner(_EXP, r) * (r * r) + r) + _F32(1)
        power = n.astype(np.int32)
        half = np.where(power < 0, -(-power // 2), power // 2)  # toward zero, as in C
        y = (y * _power_of_two(half)) * _power_of_two(power - half)
        y = np.where(x > _EXP_OVERFLOW, _INF, np.where(x < _EXP_UNDERFLOW, _F32(0), y))
        return np.where(np.isnan(x), x, y)


def log(x: np.ndarray) -> np.ndarray:
    """Natural logarithm of float32 values of any shape; at most 1 unit in the last place off.

    e ln 2 + log(1 + f) with x = 2^e (1 + f). log(+-0) = -inf; negative values give NaN.
    """
    with np.errstate(all="ignore"):
        denormal = x < np.finfo(_F32).tiny
        bits = np.where(denormal, x * _F32(8388608), x).astype(_F32).view(np.uint32)
        m = ((bits & np.uint32(0x007FFFFF)) | np.uint32(0x3F000000)).view(_F32)
        exponent = (bits >> np.uint32(23)).astype(np.int32) - np.where(denormal, 126 + 23, 126)
        low = m < _F32(0.707106769)
        f = np.where(low, (m + m) - _F32(1), m - _F32(1))
        e = np.where(low, exponent - 1, exponent).astype(_F32)
        z = f * f
        y = (_horner(_LOG, f) * f) * z
        y = y + e * _LN2_LOW
        y = y - _F32(0.5) * z
        y = (f + y) + e * _LN2_HIGH
        y = np.where(x == 0, -_INF, np.where(x < 0, _QUIET_NAN, y))
        return np.where(np.isnan(x) | (x == _INF), x, y)


def tanh(x: np.ndarray) -> np.ndarray:
    """Hyperbolic tangent of float32 values of any shape; at most 2 units in the last place off."""
    with np.errstate(all="ignore"):
        z = x * x
        near = (_horner(_TANH, z) * z) * x + x
        a = np.abs(x)
        far = _F32(1) - _F32(2) / (exp(a + a) + _F32(1))
        far = np.where(a < _TANH_SATURATED, far, _F32(1))
        return np.where(np.isnan(x), x, np.where(a < _F32(0.625), near, _with_sign_of(x, far)))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x) of float32 values of any shape; at most 3 units in the last place off.

    Negative x go by e^x / (1 + e^x): no exponent is positive, so nothing overflows.
    """
    with np.errstate(all="ignore"):
        e = exp(np.where(x < 0, x, -x))
        y = np.where(x < 0, e, _F32(1)) / (_F32(1) + e)
        return np.where(np.isnan(x), x, y)


def round_half_even(x: np.ndarray) -> np.ndarray:
    """Nearest integer of float32 values, halves to even; a zero keeps the sign of x."""
    with np.errstate(all="ignore"):
        a = np.abs(x)
        big = _F32(8388608)  # 2^23: from there on every float32 is an integer
        return np.where(a < big, _with_sign_of(x, (a + big) - big), x)


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """e_i / sum(e) with e_i = exp(fl(x_i - m)), along one axis of float32 values.

    m = max(x) by b > a ? b : a, and the sum, are taken in order from the first element.
    """
    rows = np.moveaxis(x, axis, 0)
    with np.errstate(all="ignore"):
        m: np.ndarray = rows[0]
        for i in range(1, len(rows)):
            m = np.where(rows[i] > m, rows[i], m)
        e = exp(rows - m)
        total = np.zeros_like(m)
        for i in range(len(e)):
            total = total + e[i]
        return np.moveaxis(e / total, 0, axis)


def _horner(coefficients: Sequence[float], x: np.ndarray) -> np.ndarray:
    q = np.full_like(x, _F32(coefficients[0]))
    for c in coefficients[1:]:
        q = q * x + _F32(c)
    return q


def _power_of_two(n: np.ndarray) -> np.ndarray:
    """2^n for -126 <= n <= 127."""
    return ((n + 127).astype(np.uint32) << np.uint32(23)).view(_F32)


def _with_sign_of(x: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    return ((x.view(np.uint32) & _SIGN) | magnitude.view(np.uint32)).view(_F32)
