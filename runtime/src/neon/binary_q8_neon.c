/* SPDX-License-Identifier: 0BSD */
/* Sums and differences of quantized bytes of one shape and different scales, all below 1; 64-bit
 * ARM. */
#include "bnnc/kernels.h"
#include "bnnc/neon_fixed_point.h"

/* Numbers less their zero point in fine steps: lanes 0 .. 3 and 4 .. 7. */
typedef struct {
    int32x4_t low, high;
} eight;

/* What an operand is multiplied by. */
typedef struct {
    int32x4_t multiplier, shift, left;
    int16x8_t zero;
    uint8x8_t turn;
} scale;

BNNC_TEMPLATE scale scale_of(int32_t multiplier, int32_t shift, int32_t left, int32_t zero,
                             int32_t without_sign) {
    /* A byte without sign is one with sign, 128 higher. */
    const int32_t turned = zero - (without_sign ? 128 : 0);
    const scale s = {vdupq_n_s32(multiplier), vdupq_n_s32(shift), vdupq_n_s32(left),
                     vdupq_n_s16((int16_t)turned), vdup_n_u8(without_sign ? 0x80 : 0)};
    return s;
}

BNNC_TEMPLATE eight in_fine_steps(const scale *s, uint8x8_t bytes) {
    const int8x8_t turned = vreinterpret_s8_u8(veor_u8(bytes, s->turn));
    const int16x8_t v = vsubq_s16(vmovl_s8(turned), s->zero);
    const int32x4_t a = vshlq_s32(vmovl_s16(vget_low_s16(v)), s->left);
    const int32x4_t b = vshlq_s32(vmovl_high_s16(v), s->left);
    const eight found = {bnnc_round_twice(a, s->multiplier, s->shift),
                         bnnc_round_twice(b, s->multiplier, s->shift)};
    return found;
}

BNNC_TEMPLATE void each(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b, uint8_t *y,
                        int difference) {
    const scale of_a =
        scale_of(p->a_multiplier, p->a_shift, p->left_shift, p->a_zero, p->a_unsigned);
    const scale of_b =
        scale_of(p->b_multiplier, p->b_shift, p->left_shift, p->b_zero, p->b_unsigned);
    const int32x4_t multiplier = vdupq_n_s32(p->y_multiplier), shift = vdupq_n_s32(p->y_shift);
    const int16x8_t zero = vdupq_n_s16((int16_t)p->y_zero), lo = vdupq_n_s16((int16_t)p->lo);
    const int16x8_t hi = vdupq_n_s16((int16_t)p->hi);
    ptrdiff_t count = 1;
    for (int32_t axis = 0; axis < BNNC_MAX_DIMS; ++axis) {
        count *= p->dims[axis];
    }
    while (count > 0) {
        uint8_t rest[3][8] = {{0}, {0}, {0}}; /* fewer than eight are taken as eight */
        const uint8_t *from_a = a, *from_b = b;
        uint8_t *to = y;
        if (count < 8) {
            for (ptrdiff_t i = 0; i < count; ++i) {
                rest[0][i] = a[i];
                rest[1][i] = b[i];
            }
            from_a = rest[0], from_b = rest[1], to = rest[2];
        }
        const eight u = in_fine_steps(&of_a, vld1_u8(from_a));
        const eight v = in_fine_steps(&of_b, vld1_u8(from_b));
        const int32x4_t l = difference ? vsubq_s32(u.low, v.low) : vaddq_s32(u.low, v.low);
        const int32x4_t h = difference ? vsubq_s32(u.high, v.high) : vaddq_s32(u.high, v.high);
        const int32x4_t c = bnnc_round_twice(l, multiplier, shift);
        const int32x4_t d = bnnc_round_twice(h, multiplier, shift);
        vst1_u8(to, bnnc_to_bytes(c, d, zero, lo, hi));
        if (count < 8) {
            for (ptrdiff_t i = 0; i < count; ++i) {
                y[i] = rest[2][i];
            }
        }
        a += 8;
        b += 8;
        y += 8;
        count -= 8;
    }
}

void BNNC_SYM(add_q8_neon)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b,
                           uint8_t *y) {
    each(p, a, b, y, 0);
}

void BNNC_SYM(sub_q8_neon)(const bnnc_bytes_binary *p, const uint8_t *a, const uint8_t *b,
                           uint8_t *y) {
    each(p, a, b, y, 1);
}
