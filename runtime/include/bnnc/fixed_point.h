/* SPDX-License-Identifier: 0BSD */
/* Integers times real numbers, and bytes that stand for real numbers.
 *
 * A multiplier m (0 <= m < 2^31) with a shift s (-31 <= s <= 30) stands for m * 2^(s - 31). Right
 * shifts of negative numbers are arithmetic, as in every compiler that is known. */
#ifndef BNNC_FIXED_POINT_H
#define BNNC_FIXED_POINT_H

#include "bnnc/common.h"

/* v / 2^bits to the nearest integer, halves away from zero. */
BNNC_TEMPLATE int64_t bnnc_shift_away(int64_t v, int32_t bits) {
    const int64_t half = ((int64_t)1 << bits) >> 1;
    return v < 0 ? -((half - v) >> bits) : (v + half) >> bits;
}

/* v / count to the nearest integer, halves away from zero. */
BNNC_TEMPLATE int64_t bnnc_divide_away(int64_t v, int64_t count) {
    return v < 0 ? -((count / 2 - v) / count) : (v + count / 2) / count;
}

/* a * b / 2^31 to the nearest integer, halves up; |a|, |b| < 2^32. */
BNNC_TEMPLATE int64_t bnnc_high_product(int64_t a, int64_t b) {
    return (a * b + ((int64_t)1 << 30)) >> 31;
}

/* Rounded twice, as TFLite's reference kernels and gemmlowp do. */
BNNC_TEMPLATE int64_t bnnc_multiply_double(int32_t v, int32_t multiplier, int32_t shift) {
    const int64_t up = (int64_t)1 << (shift > 0 ? shift : 0);
    return bnnc_shift_away(bnnc_high_product(v * up, multiplier), shift < 0 ? -shift : 0);
}

/* Rounded once, halves up. */
BNNC_TEMPLATE int64_t bnnc_multiply_single(int32_t v, int32_t multiplier, int32_t shift) {
    const int32_t right = 31 - shift;
    return ((int64_t)v * multiplier + ((int64_t)1 << (right - 1))) >> right;
}

/* The nearest integer, halves to even; what lies beyond +-1024 may be any integer beyond, a NaN
 * is 0. Adding 1.5 * 2^23 leaves no room for a fraction. */
BNNC_TEMPLATE int32_t bnnc_round_even(float v) {
    const float inside = v > 1024.0f ? 1024.0f : v < -1024.0f ? -1024.0f : v;
    const float whole = (inside + 12582912.0f) - 12582912.0f;
    return v != v ? 0 : (int32_t)whole;
}

/* The same with halves away from zero. The fraction is exact. */
BNNC_TEMPLATE int32_t bnnc_round_away(float v) {
    const float inside = v > 1024.0f ? 1024.0f : v < -1024.0f ? -1024.0f : v;
    if (v != v) {
        return 0;
    }
    {
        const int32_t whole = (int32_t)inside;
        const float rest = inside - (float)whole;
        return whole + (rest >= 0.5f) - (rest <= -0.5f);
    }
}

BNNC_TEMPLATE int32_t bnnc_clamp(int64_t v, int32_t lo, int32_t hi) {
    return v < lo ? lo : v > hi ? hi : (int32_t)v;
}

/* The zero point of u8, of levels {scale, zero point} that were measured at run time. */
BNNC_TEMPLATE int32_t bnnc_dynamic_zero(const float *levels) {
    return bnnc_clamp(bnnc_round_even(levels[1]), 0, 255);
}

/* The number in a byte: -128 to 127, or 0 to 255 where it has no sign. */
BNNC_TEMPLATE int32_t bnnc_byte(uint8_t byte, int32_t is_unsigned) {
    return is_unsigned ? byte : (int32_t)(byte ^ 0x80) - 128;
}

#endif
