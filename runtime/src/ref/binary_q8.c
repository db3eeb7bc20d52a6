/* SPDX-License-Identifier: 0BSD */
/* Sums, differences and products of quantized bytes of different scales, in integers or in the
 * floats that the bytes stand for. */
#include "bnnc/fixed_point.h"
#include "bnnc/kernels.h"
#include "bnnc/positions.h"

/* What the operands, less their zero points, give in steps of the result. */
typedef int64_t (*combine)(const bnnc_bytes_binary *p, int32_t a, int32_t b);

BNNC_TEMPLATE int64_t in_fine_steps(const bnnc_bytes_binary *p, int32_t v, int32_t multiplier,
                                    int32_t shift) {
    return bnnc_multiply_double(v * ((int32_t)1 << p->left_shift), multiplier, shift);
}

BNNC_TEMPLATE int64_t in_steps(const bnnc_bytes_binary *p, int64_t v) {
    return bnnc_multiply_double((int32_t)v, p->y_multiplier, p->y_shift);
}

BNNC_TEMPLATE int64_t sum(const bnnc_bytes_binary *p, int32_t a, int32_t b) {
    return in_steps(p, in_fine_steps(p, a, p->a_multiplier, p->a_shift) +
                           in_fine_steps(p, b, p->b_multiplier, p->b_shift));
}

BNNC_TEMPLATE int64_t difference(const bnnc_bytes_binary *p, int32_t a, int32_t b) {
    return in_steps(p, in_fine_steps(p, a, p->a_multiplier, p->a_shift) -
                           in_fine_steps(p, b, p->b_multiplier, p->b_shift));
}

BNNC_TEMPLATE int64_t product(const bnnc_bytes_binary *p, int32_t a, int32_t b) {
    return in_steps(p, (int64_t)a * b);
}

BNNC_TEMPLATE int64_t of_floats(const bnnc_bytes_binary *p, int32_t a, int32_t b) {
    const float left = (float)a * p->a_scale, right = (float)b * p->b_scale;
    const float made = p->kind == 0 ? left + right : p->kind == 1 ? left - right : left * right;
    return bnnc_round_even(made / p->y_scale);
}

BNNC_TEMPLATE void each(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b, uint8_t *y,
                        combine of) {
    const int32_t last = BNNC_MAX_DIMS - 1;
    int32_t at[BNNC_MAX_DIMS] = {0};
    int more = 1;
    while (more) {
        const uint8_t *from_a = a, *from_b = b;
        for (int32_t axis = 0; axis < last; ++axis) {
            from_a += (ptrdiff_t)at[axis] * p->stride_a[axis];
            from_b += (ptrdiff_t)at[axis] * p->stride_b[axis];
        }
        for (int32_t i = 0; i < p->dims[last]; ++i) {
            const int32_t va = bnnc_byte(*from_a, p->a_unsigned) - p->a_zero;
            const int32_t vb = bnnc_byte(*from_b, p->b_unsigned) - p->b_zero;
            *y++ = (uint8_t)bnnc_clamp(of(p, va, vb) + p->y_zero, p->lo, p->hi);
            from_a += p->stride_a[last];
            from_b += p->stride_b[last];
        }
        more = bnnc_next_position(at, p->dims, last);
    }
}

void BNNC_SYM(add_q8)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b, uint8_t *y) {
    each(p, a, b, y, sum);
}

void BNNC_SYM(sub_q8)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b, uint8_t *y) {
    each(p, a, b, y, difference);
}

void BNNC_SYM(mul_q8)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b, uint8_t *y) {
    each(p, a, b, y, product);
}

void BNNC_SYM(float_binary_q8)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b,
                               uint8_t *y) {
    each(p, a, b, y, of_floats);
}
