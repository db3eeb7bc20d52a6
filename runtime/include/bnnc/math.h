/* SPDX-License-Identifier: 0BSD */
/* exp, log, tanh, sigmoid and round as fixed sequences of float operations: + - * / comparisons
 * and moves of bits, each operation rounded once, none fused. What is written here is the
 * definition; the interpreter performs the same sequence and gets the same bits, which libm
 * would not give. Polynomials are evaluated by Horner's rule from the first constant listed:
 * q = c0; q = fl(fl(q * r) + c1); ...  The polynomials for exp, log and tanh and the splitting of
 * ln 2 are those of Cephes (S. Moshier, single precision). A NaN is returned as it came. */
#ifndef BNNC_MATH_H
#define BNNC_MATH_H

#include "bnnc/common.h"

/* Nearest integer, halves to even. Adding 2^23 to 0 <= a < 2^23 leaves no bits for a fraction;
 * larger magnitudes are integers. The sign, of zero too, is that of x. */
BNNC_TEMPLATE float bnnc_round(float x) {
    const uint32_t bits = bnnc_float_bits(x);
    const float a = bnnc_bits_float(bits & 0x7fffffffu);
    if (!(a < 8388608.0f)) {
        return x;
    }
    const float r = (a + 8388608.0f) - 8388608.0f;
    return bnnc_bits_float(bnnc_float_bits(r) | (bits & 0x80000000u));
}

/* 2^n for -126 <= n <= 127. */
BNNC_TEMPLATE float bnnc_power_of_two(int32_t n) {
    return bnnc_bits_float((uint32_t)(n + 127) << 23);
}

/* e^x = 2^n e^r with n = round(x / ln 2), r = x - n ln 2, |r| <= ln 2 / 2:
 *   t = fl(x * 1.44269502); n = fl(fl(t + 12582912) - 12582912)        (12582912 = 3 * 2^22)
 *   r = fl(fl(x - fl(n * 0.693359375)) - fl(n * -2.12194440e-4))
 *   q = Horner in r: 1.98756915e-4 1.39819995e-3 8.33345205e-3 4.16657962e-2 0.166666657 0.5
 *   y = fl(fl(fl(q * fl(r * r)) + r) + 1)
 *   result = fl(fl(y * 2^h) * 2^(n - h)), h = n / 2 rounded toward zero: both powers are normal,
 *   and only the last product rounds, to a denormal where it must.
 * Above 88.7228394 the result is inf, below -103.972084 it is 0. */
BNNC_TEMPLATE float bnnc_exp(float x) {
    if (!(x <= 88.7228394f)) {
        return x > 0 ? bnnc_bits_float(0x7f800000u) : x;
    }
    if (x < -103.972084f) {
        return 0.0f;
    }
    const float t = x * 1.44269502f;
    const float n = (t + 12582912.0f) - 12582912.0f;
    const float high = x - n * 0.693359375f;
    const float r = high - n * -2.12194440e-4f;
    float q = 1.98756915e-4f;
    q = q * r + 1.39819995e-3f;
    q = q * r + 8.33345205e-3f;
    q = q * r + 4.16657962e-2f;
    q = q * r + 0.166666657f;
    q = q * r + 0.5f;
    const float rr = r * r;
    const float y = (q * rr + r) + 1.0f;
    const int32_t power = (int32_t)n, half = power / 2;
    return (y * bnnc_power_of_two(half)) * bnnc_power_of_two(power - half);
}

/* log x = e ln 2 + log(1 + f) with x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2):
 *   denormal x: x = fl(x * 8388608), e starts at -23
 *   m = x with its exponent field set to that of [0.5, 1); e += field - 126
 *   m < 0.707106769: e -= 1, f = fl(fl(m + m) - 1); else f = fl(m - 1)
 *   z = fl(f * f)
 *   q = Horner in f: 7.03768358e-2 -0.115146101 0.116769984 -0.124201410 0.142493233
 *       -0.166680574 0.200007141 -0.249999940 0.333333313
 *   y = fl(fl(q * f) * z); y = fl(y + fl(e * -2.12194440e-4)); y = fl(y - fl(0.5 * z))
 *   result = fl(fl(f + y) + fl(e * 0.693359375))
 * log(+-0) = -inf, log(inf) = inf, log of a negative number is the NaN 0x7fc00000. */
BNNC_TEMPLATE float bnnc_log(float x) {
    if (x != x) {
        return x;
    }
    if (x == 0) {
        return bnnc_bits_float(0xff800000u);
    }
    if (x < 0) {
        return bnnc_bits_float(0x7fc00000u);
    }
    if (x > FLT_MAX) {
        return x;
    }
    int32_t exponent = 0;
    if (x < FLT_MIN) {
        x = x * 8388608.0f;
        exponent = -23;
    }
    const uint32_t bits = bnnc_float_bits(x);
    const float m = bnnc_bits_float((bits & 0x007fffffu) | 0x3f000000u);
    exponent += (int32_t)(bits >> 23) - 126;
    float f = m - 1.0f;
    if (m < 0.707106769f) {
        exponent -= 1;
        f = (m + m) - 1.0f;
    }
    const float e = (float)exponent;
    const float z = f * f;
    float q = 7.03768358e-2f;
    q = q * f + -0.115146101f;
    q = q * f + 0.116769984f;
    q = q * f + -0.124201410f;
    q = q * f + 0.142493233f;
    q = q * f + -0.166680574f;
    q = q * f + 0.200007141f;
    q = q * f + -0.249999940f;
    q = q * f + 0.333333313f;
    float y = (q * f) * z;
    y = y + e * -2.12194440e-4f;
    y = y - 0.5f * z;
    return (f + y) + e * 0.693359375f;
}

/* With a = |x|:
 *   a < 0.625: z = fl(x * x);
 *     q = Horner in z: -5.70498872e-3 2.06390887e-2 -5.37397155e-2 0.133314421 -0.333332807
 *     result = fl(fl(fl(q * z) * x) + x)
 *   a >= 9.01091290: result = +-1, which tanh rounds to from there on
 *   else: s = exp(fl(a + a)); result = 1 - fl(2 / fl(s + 1)) with the sign of x */
BNNC_TEMPLATE float bnnc_tanh(float x) {
    const uint32_t bits = bnnc_float_bits(x);
    const float a = bnnc_bits_float(bits & 0x7fffffffu);
    if (x != x) {
        return x;
    }
    if (a < 0.625f) {
        const float z = x * x;
        float q = -5.70498872e-3f;
        q = q * z + 2.06390887e-2f;
        q = q * z + -5.37397155e-2f;
        q = q * z + 0.133314421f;
        q = q * z + -0.333332807f;
        return (q * z) * x + x;
    }
    float y = 1.0f;
    if (a < 9.01091290f) {
        const float s = bnnc_exp(a + a);
        y = 1.0f - 2.0f / (s + 1.0f);
    }
    return bnnc_bits_float(bnnc_float_bits(y) | (bits & 0x80000000u));
}

/* x < 0: e = exp(x), result = fl(e / fl(1 + e)); else result = fl(1 / fl(1 + exp(-x))). The
 * exponent is never positive, so nothing overflows. */
BNNC_TEMPLATE float bnnc_sigmoid(float x) {
    if (x < 0) {
        const float e = bnnc_exp(x);
        return e / (1.0f + e);
    }
    if (x != x) {
        return x;
    }
    return 1.0f / (1.0f + bnnc_exp(-x));
}

/* The square root, correctly rounded. x = m 2^e with m < 2^24; with m 2^k >= 2^48 and e - k even
 * the integer root r of m 2^k has 25 bits, and what is cut off it is no half: r^2 would be odd. */
BNNC_TEMPLATE float bnnc_sqrt(float x) {
    if (!(x > 0)) {
        return x < 0 ? bnnc_bits_float(0x7fc00000u) : x;
    }
    const uint32_t bits = bnnc_float_bits(x);
    if (bits == 0x7f800000u) {
        return x;
    }
    int32_t e = (int32_t)(bits >> 23);
    uint64_t m = bits & 0x7fffffu;
    if (e > 0) {
        m |= 0x800000u;
    } else {
        e = 1;
        while (m < 0x800000u) {
            m <<= 1;
            --e;
        }
    }
    const int32_t k = (e & 1) != 0 ? 25 : 26; /* the value is m 2^(e - 150) */
    uint64_t rest = m << k, r = 0;
    for (uint64_t bit = (uint64_t)1 << 48; bit != 0; bit >>= 2) {
        if (rest >= r + bit) {
            rest -= r + bit;
            r = (r >> 1) + bit;
        } else {
            r >>= 1;
        }
    }
    return (float)((r >> 1) + (r & 1)) * bnnc_power_of_two((e - 148 - k) / 2);
}

#endif
