/* SPDX-License-Identifier: 0BSD */
/* Softmax of quantized bytes in 32-bit fixed point, with gemmlowp's reciprocal.
 *
 * Numbers have up to 31 fractional bits; the products of two of them fit 64 bits. */
#include "bnnc/fixed_point.h"
#include "bnnc/kernels.h"

#define ONE ((int64_t)1 << 31)
#define SUM_BITS 12 /* integer bits of the sum of exponentials */

BNNC_TEMPLATE int64_t saturated_shift(int64_t v, int32_t bits) {
    const int64_t shifted = v * ((int64_t)1 << bits);
    return shifted < -ONE ? -ONE : shifted > ONE - 1 ? ONE - 1 : shifted;
}

/* 1 / (1 + a) for 0 <= a < 1: Newton's method for d = (1 + a) / 2, from 48 / 17 - 32 / 17 d. */
BNNC_TEMPLATE int64_t reciprocal(int64_t a) {
    const int64_t half = (a + ONE) >> 1;
    int64_t x = bnnc_high_product(half, -1010580540) + 1515870810;
    for (int32_t step = 0; step < 3; ++step) {
        const int64_t error = ((int64_t)1 << 29) - bnnc_high_product(half, x);
        x += saturated_shift(bnnc_high_product(x, error), 2);
    }
    return saturated_shift(x, 1);
}

void BNNC_SYM(softmax_q8)(const bnnc_rows *p, const uint8_t *x, const int32_t *exps, uint8_t *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += p->c, y += p->c) {
        int32_t largest = -128, zeros = 0;
        int64_t sum = 0, factor;
        for (int32_t c = 0; c < p->c; ++c) {
            const int32_t v = bnnc_byte(x[c], 0);
            largest = v > largest ? v : largest;
        }
        for (int32_t c = 0; c < p->c; ++c) {
            sum += bnnc_shift_away(exps[largest - bnnc_byte(x[c], 0)], SUM_BITS);
        }
        sum = sum < 1 ? 1 : sum;
        while (sum < ONE) {
            sum *= 2;
            ++zeros;
        }
        factor = reciprocal(sum - ONE);
        for (int32_t c = 0; c < p->c; ++c) {
            const int64_t part = bnnc_high_product(factor, exps[largest - bnnc_byte(x[c], 0)]);
            const int64_t scaled = bnnc_shift_away(part, SUM_BITS - zeros + 31 - 8);
            y[c] = (uint8_t)bnnc_clamp(scaled - 128, -128, 127);
        }
    }
}
