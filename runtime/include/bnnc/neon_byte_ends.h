/* SPDX-License-Identifier: 0BSD */
/* What becomes of the accumulators of eight channels of quantized bytes, as byte_ends.h has it one
 * by one. */
#ifndef BNNC_NEON_BYTE_ENDS_H
#define BNNC_NEON_BYTE_ENDS_H

#include "bnnc/byte_ends.h"
#include "bnnc/neon_fixed_point.h"

/* Channels oc .. oc + count - 1 <= oc + 7, with what they are scaled by or compared with. */
typedef struct {
    const bnnc_conv2d *p;
    const bnnc_byte_end *end;
    int32_t oc, count;
    int32x4_t bias[2]; /* less what the zero point adds */
    int32x4_t factor[2], shift[2];
    int16x8_t zero, lo, hi; /* of bytes of the result */
    ptrdiff_t row;          /* elements from a pixel to the next */
    int twice, up;          /* rounded twice; some shift is to the left */
} bnnc_byte_tile;

/* Set factor and shift. */
typedef void (*bnnc_set_factors)(bnnc_byte_tile *t);

/* Use the sums, without bias, of a pixel: eight, whatever the count. */
typedef void (*bnnc_finish_one)(const bnnc_byte_tile *t, ptrdiff_t pixel, const int32_t *sums);

/* Likewise of so many pixels that follow each other. */
typedef void (*bnnc_finish_tile)(const bnnc_byte_tile *t, ptrdiff_t pixel, ptrdiff_t pixels,
                                 const int32_t *sums);

/* What is the same for all pixels has registers, which it would not beside the sums' own loop. */
BNNC_TEMPLATE void bnnc_each_pixel(const bnnc_byte_tile *t, ptrdiff_t pixel, ptrdiff_t pixels,
                                   const int32_t *sums, bnnc_finish_one one) {
    const bnnc_byte_tile own = *t;
    for (ptrdiff_t q = 0; q < pixels; ++q) {
        one(&own, pixel + q, sums + q * BNNC_LANES);
    }
}

/* Numbers of a tile's channels, zeros behind the last channel. */
BNNC_TEMPLATE void bnnc_load_tile(const bnnc_byte_tile *t, const void *from, int32x4_t *to) {
    int32_t eight[BNNC_LANES] = {0};
    if (from != NULL) {
        memcpy(eight, (const int32_t *)from + t->oc, (size_t)t->count * sizeof *eight);
    }
    to[0] = vld1q_s32(eight);
    to[1] = vld1q_s32(eight + 4);
}

/* weight_sums: of each channel. */
BNNC_TEMPLATE void bnnc_set_bias(bnnc_byte_tile *t, const uint8_t *weight_sums, int32_t zero) {
    const uint8_t *sums = weight_sums + (ptrdiff_t)t->oc * 4;
    bnnc_load_tile(t, t->end->bias, t->bias);
    for (int32_t h = 0; h < 2; ++h) {
        const int32x4_t sum = vreinterpretq_s32_u8(vld1q_u8(sums + 16 * h));
        t->bias[h] = vmlsq_n_s32(t->bias[h], sum, zero);
    }
}

BNNC_TEMPLATE int32x4_t bnnc_biased_sums(const bnnc_byte_tile *t, const int32_t *sums, int32_t h) {
    return vaddq_s32(t->bias[h], vld1q_s32(sums + 4 * h));
}

/* Where nothing but one by one is written down: the sums with bias, and an end without. */
BNNC_TEMPLATE void bnnc_finish_singly(const bnnc_byte_tile *t, ptrdiff_t pixel, const int32_t *sums,
                                      bnnc_finish_bytes finish) {
    bnnc_byte_end end = *t->end;
    int32_t acc[BNNC_LANES];
    end.bias = NULL;
    vst1q_s32(acc, bnnc_biased_sums(t, sums, 0));
    vst1q_s32(acc + 4, bnnc_biased_sums(t, sums, 1));
    finish(t->p, &end, pixel, t->oc, t->count, acc);
}

/* Fewer than eight, without a call: that would cost every loop around it its registers. */
BNNC_TEMPLATE void bnnc_store_few(uint8_t *y, uint8x8_t bytes, int32_t count) {
    uint64_t rest = vget_lane_u64(vreinterpret_u64_u8(bytes), 0);
    for (; count > 0; --count, rest >>= 8) {
        *y++ = (uint8_t)rest;
    }
}

/* Scaled sums to bytes. */
BNNC_TEMPLATE void bnnc_store_bytes(const bnnc_byte_tile *t, ptrdiff_t pixel, int32x4_t a,
                                    int32x4_t b) {
    const uint8x8_t bytes = bnnc_to_bytes(a, b, t->zero, t->lo, t->hi);
    uint8_t *y = (uint8_t *)t->end->y + pixel * t->row + t->oc;
    if (t->count == BNNC_LANES) {
        vst1_u8(y, bytes);
    } else {
        bnnc_store_few(y, bytes, t->count);
    }
}

BNNC_TEMPLATE void bnnc_set_bounds(bnnc_byte_tile *t) {
    t->row = t->p->oc;
    t->zero = vdupq_n_s16((int16_t)t->p->y_zero);
    t->lo = vdupq_n_s16((int16_t)t->p->lo);
    t->hi = vdupq_n_s16((int16_t)t->p->hi);
}

BNNC_TEMPLATE void bnnc_set_fixed(bnnc_byte_tile *t) {
    bnnc_set_bounds(t);
    t->twice = t->p->round_twice;
    bnnc_load_tile(t, t->end->multiplier, t->factor);
    bnnc_load_tile(t, t->end->shift, t->shift);
    t->up = vmaxvq_s32(vmaxq_s32(t->shift[0], t->shift[1])) > 0;
}

BNNC_TEMPLATE void bnnc_fixed_twice(const bnnc_byte_tile *t, ptrdiff_t pixel, const int32_t *sums) {
    const int32x4_t a = bnnc_biased_sums(t, sums, 0), b = bnnc_biased_sums(t, sums, 1);
    bnnc_store_bytes(t, pixel, bnnc_round_twice(a, t->factor[0], t->shift[0]),
                     bnnc_round_twice(b, t->factor[1], t->shift[1]));
}

BNNC_TEMPLATE void bnnc_fixed_once(const bnnc_byte_tile *t, ptrdiff_t pixel, const int32_t *sums) {
    const int32x4_t a = bnnc_biased_sums(t, sums, 0), b = bnnc_biased_sums(t, sums, 1);
    bnnc_store_bytes(t, pixel, bnnc_round_once(a, t->factor[0], t->shift[0]),
                     bnnc_round_once(b, t->factor[1], t->shift[1]));
}

BNNC_TEMPLATE void bnnc_fixed_singly(const bnnc_byte_tile *t, ptrdiff_t pixel,
                                     const int32_t *sums) {
    bnnc_finish_singly(t, pixel, sums, bnnc_end_fixed);
}

BNNC_NOINLINE void bnnc_finish_fixed(const bnnc_byte_tile *t, ptrdiff_t pixel, ptrdiff_t pixels,
                                     const int32_t *sums) {
    if (!t->twice) {
        bnnc_each_pixel(t, pixel, pixels, sums, bnnc_fixed_once);
    } else if (!t->up) {
        bnnc_each_pixel(t, pixel, pixels, sums, bnnc_fixed_twice);
    } else {
        bnnc_each_pixel(t, pixel, pixels, sums, bnnc_fixed_singly);
    }
}

BNNC_TEMPLATE void bnnc_set_float(bnnc_byte_tile *t) {
    bnnc_set_bounds(t);
    bnnc_load_tile(t, t->end->multiplier, t->factor);
}

/* Conversions round halves to even, give the bound for what is beyond it, and 0 for a NaN. */
BNNC_TEMPLATE int32x4_t bnnc_scale_float(const bnnc_byte_tile *t, int32x4_t v, int32_t h) {
    const float32x4_t m = vreinterpretq_f32_s32(t->factor[h]);
    return vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(v), m));
}

BNNC_TEMPLATE void bnnc_float_of_one(const bnnc_byte_tile *t, ptrdiff_t pixel,
                                     const int32_t *sums) {
    const int32x4_t a = bnnc_biased_sums(t, sums, 0), b = bnnc_biased_sums(t, sums, 1);
    bnnc_store_bytes(t, pixel, bnnc_scale_float(t, a, 0), bnnc_scale_float(t, b, 1));
}

BNNC_NOINLINE void bnnc_finish_float(const bnnc_byte_tile *t, ptrdiff_t pixel, ptrdiff_t pixels,
                                     const int32_t *sums) {
    bnnc_each_pixel(t, pixel, pixels, sums, bnnc_float_of_one);
}

BNNC_TEMPLATE void bnnc_set_nothing(bnnc_byte_tile *t) { (void)t; }

BNNC_TEMPLATE void bnnc_sums_of_one(const bnnc_byte_tile *t, ptrdiff_t pixel, const int32_t *sums) {
    if (t->count == BNNC_LANES) {
        int32_t *y = (int32_t *)t->end->y + pixel * t->p->oc + t->oc;
        vst1q_s32(y, bnnc_biased_sums(t, sums, 0));
        vst1q_s32(y + 4, bnnc_biased_sums(t, sums, 1));
    } else {
        bnnc_finish_singly(t, pixel, sums, bnnc_end_sums);
    }
}

BNNC_NOINLINE void bnnc_finish_sums(const bnnc_byte_tile *t, ptrdiff_t pixel, ptrdiff_t pixels,
                                    const int32_t *sums) {
    bnnc_each_pixel(t, pixel, pixels, sums, bnnc_sums_of_one);
}

/* S + b < t is S < t - b, which stays at the bounds of int32_t: sums lie within them. What is not
 * there is made -2^31, which no sum is below. */
BNNC_TEMPLATE void bnnc_set_cut(bnnc_byte_tile *t) {
    int32_t thr[BNNC_LANES];
    for (int32_t l = 0; l < BNNC_LANES; ++l) {
        thr[l] = l < t->count ? t->end->thr[t->oc + l] : INT32_MIN;
    }
    t->row = bnnc_bit_bytes(t->p->oc);
    t->factor[0] = vqsubq_s32(vld1q_s32(thr), t->bias[0]);
    t->factor[1] = vqsubq_s32(vld1q_s32(thr + 4), t->bias[1]);
}

/* Ones, each in the place of its channel in a byte, where sums are below. */
BNNC_TEMPLATE uint16x8_t bnnc_cut_sums(const bnnc_byte_tile *t, const int32_t *sums) {
    static const uint16_t bits[BNNC_LANES] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint32x4_t a = vcltq_s32(vld1q_s32(sums), t->factor[0]);
    const uint32x4_t b = vcltq_s32(vld1q_s32(sums + 4), t->factor[1]);
    const uint16x8_t below = vuzp1q_u16(vreinterpretq_u16_u32(a), vreinterpretq_u16_u32(b));
    return vandq_u16(below, vld1q_u16(bits));
}

BNNC_TEMPLATE void bnnc_cut_of_one(const bnnc_byte_tile *t, ptrdiff_t pixel, const int32_t *sums) {
    uint8_t *y = t->end->y;
    y[pixel * t->row + t->oc / 8] = (uint8_t)vaddvq_u16(bnnc_cut_sums(t, sums));
}

BNNC_TEMPLATE void bnnc_cut_of_four(const bnnc_byte_tile *t, uint8_t *y, const int32_t *sums) {
    const uint16x8_t a = bnnc_cut_sums(t, sums), b = bnnc_cut_sums(t, sums + BNNC_LANES);
    const uint16x8_t c = bnnc_cut_sums(t, sums + 2 * BNNC_LANES);
    const uint16x8_t p = vpaddq_u16(a, b);
    const uint16x8_t q = vpaddq_u16(c, bnnc_cut_sums(t, sums + 3 * BNNC_LANES));
    const uint16x8_t r = vpaddq_u16(p, q);
    const uint8x16_t bytes = vreinterpretq_u8_u16(vpaddq_u16(r, r));
    vst1q_lane_u8(y, bytes, 0);
    vst1q_lane_u8(y + t->row, bytes, 2);
    vst1q_lane_u8(y + 2 * t->row, bytes, 4);
    vst1q_lane_u8(y + 3 * t->row, bytes, 6);
}

BNNC_NOINLINE void bnnc_finish_cut(const bnnc_byte_tile *t, ptrdiff_t pixel, ptrdiff_t pixels,
                                   const int32_t *sums) {
    const bnnc_byte_tile own = *t;
    uint8_t *y = (uint8_t *)own.end->y + pixel * own.row + own.oc / 8;
    ptrdiff_t q = 0;
    for (; q + 4 <= pixels; q += 4, y += 4 * own.row) {
        bnnc_cut_of_four(&own, y, sums + q * BNNC_LANES);
    }
    for (; q < pixels; ++q) {
        bnnc_cut_of_one(&own, pixel + q, sums + q * BNNC_LANES);
    }
}

BNNC_TEMPLATE void bnnc_counted_of_one(const bnnc_byte_tile *t, ptrdiff_t pixel,
                                       const int32_t *sums) {
    bnnc_finish_singly(t, pixel, sums, bnnc_end_levels);
}

BNNC_NOINLINE void bnnc_finish_counted(const bnnc_byte_tile *t, ptrdiff_t pixel, ptrdiff_t pixels,
                                       const int32_t *sums) {
    bnnc_each_pixel(t, pixel, pixels, sums, bnnc_counted_of_one);
}

#endif
