/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes; 64-bit ARM.
 *
 * Weights (see neon_bytes.h): a tile is two halves of [steps][4][16]. None is -128: two products of
 * bytes fit into 16 bits then, 2 * 128 * 127 < 2^15. A step of a channel and a window takes three
 * instructions for its sixteen products: multiply, multiply and add, add pairs to 32 bits. */
#include "bnnc/kernels.h"
#include "bnnc/neon_bytes.h"

#define STEP 16
#define BLOCK 4

/* Four sums in each vector to one of each. */
BNNC_TEMPLATE int32x4_t totals(int32x4_t a, int32x4_t b, int32x4_t c, int32x4_t d) {
    return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}

/* A vector for each of four windows. */
typedef struct {
    int8x16_t a, b, c, d;
} quad;

typedef struct {
    int32x4_t a, b, c, d;
} quad_sums;

typedef struct {
    int16x8_t a, b, c, d;
} quad_products;

BNNC_TEMPLATE quad_products multiply(quad x, int8x16_t w) {
    const int8x8_t low = vget_low_s8(w);
    const quad_products p = {vmull_s8(vget_low_s8(x.a), low), vmull_s8(vget_low_s8(x.b), low),
                             vmull_s8(vget_low_s8(x.c), low), vmull_s8(vget_low_s8(x.d), low)};
    return p;
}

BNNC_TEMPLATE quad_products multiply_high(quad_products p, quad x, int8x16_t w) {
    const quad_products q = {vmlal_high_s8(p.a, x.a, w), vmlal_high_s8(p.b, x.b, w),
                             vmlal_high_s8(p.c, x.c, w), vmlal_high_s8(p.d, x.d, w)};
    return q;
}

BNNC_TEMPLATE quad_sums add(quad_sums s, quad_products p) {
    const quad_sums sum = {vpadalq_s16(s.a, p.a), vpadalq_s16(s.b, p.b), vpadalq_s16(s.c, p.c),
                           vpadalq_s16(s.d, p.d)};
    return sum;
}

/* Four channels of four windows. */
BNNC_TEMPLATE void sum_half(const int8_t *w, const int8_t *x, ptrdiff_t next, ptrdiff_t steps,
                            int32_t *sums) {
    const int8_t *x1 = x + next, *x2 = x1 + next, *x3 = x2 + next;
    const int32x4_t zero = vdupq_n_s32(0);
    const quad_sums none = {zero, zero, zero, zero};
    quad_sums s = none, t = none, u = none, v = none;
    do {
        const quad q = {vld1q_s8(x), vld1q_s8(x1), vld1q_s8(x2), vld1q_s8(x3)};
        const int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + STEP);
        const quad_products p0 = multiply(q, w0), p1 = multiply(q, w1);
        const quad_products all0 = multiply_high(p0, q, w0), all1 = multiply_high(p1, q, w1);
        const int8x16_t w2 = vld1q_s8(w + 2 * STEP), w3 = vld1q_s8(w + 3 * STEP);
        s = add(s, all0);
        t = add(t, all1);
        const quad_products p2 = multiply(q, w2), p3 = multiply(q, w3);
        const quad_products all2 = multiply_high(p2, q, w2), all3 = multiply_high(p3, q, w3);
        u = add(u, all2);
        v = add(v, all3);
        BNNC_HOLD(q.a);
        BNNC_HOLD(q.b);
        BNNC_HOLD(q.c);
        BNNC_HOLD(q.d);
        x += STEP;
        x1 += STEP;
        x2 += STEP;
        x3 += STEP;
        w += 4 * STEP;
    } while (--steps != 0);
    vst1q_s32(sums, totals(s.a, t.a, u.a, v.a));
    vst1q_s32(sums + BNNC_LANES, totals(s.b, t.b, u.b, v.b));
    vst1q_s32(sums + 2 * BNNC_LANES, totals(s.c, t.c, u.c, v.c));
    vst1q_s32(sums + 3 * BNNC_LANES, totals(s.d, t.d, u.d, v.d));
}

BNNC_TEMPLATE void sum_block(const int8_t *w, int32_t channels, const int8_t *x, ptrdiff_t next,
                             ptrdiff_t steps, int32_t *sums) {
    for (int32_t half = 0; half < channels; half += 4) {
        sum_half(w + half * steps * STEP, x, next, steps, sums + half);
    }
}

/* Four channels of a window. */
BNNC_TEMPLATE quad_sums add_step(quad_sums s, int8x16_t x, const int8_t *w) {
    const quad v = {vld1q_s8(w), vld1q_s8(w + STEP), vld1q_s8(w + 2 * STEP),
                    vld1q_s8(w + 3 * STEP)};
    return add(s, multiply_high(multiply(v, x), v, x));
}

/* Where there is but one window, the weights come from far: they are asked for in time. */
BNNC_TEMPLATE void sum_window(const int8_t *w, int32_t channels, const int8_t *x, ptrdiff_t next,
                              ptrdiff_t steps, int32_t *sums) {
    (void)next;
    for (int32_t half = 0; half < channels; half += 4) {
        const int32x4_t zero = vdupq_n_s32(0);
        quad_sums s = {zero, zero, zero, zero}, t = s;
        ptrdiff_t k = 0;
        for (; k + 2 <= steps; k += 2, w += 8 * STEP) {
            __builtin_prefetch(w + 12 * 4 * STEP);
            __builtin_prefetch(w + 13 * 4 * STEP);
            s = add_step(s, vld1q_s8(x + k * STEP), w);
            t = add_step(t, vld1q_s8(x + (k + 1) * STEP), w + 4 * STEP);
        }
        if (k < steps) {
            s = add_step(s, vld1q_s8(x + k * STEP), w);
            w += 4 * STEP;
        }
        vst1q_s32(sums + half, vaddq_s32(totals(s.a, s.b, s.c, s.d), totals(t.a, t.b, t.c, t.d)));
    }
}

BNNC_TEMPLATE void use(const bnnc_byte_windows *s, const void *all, bnnc_set_factors set,
                       bnnc_finish_tile finish) {
    bnnc_use_tiles(s, bnnc_as_they_are(s, BLOCK), all, NULL, BLOCK, sum_block, sum_window, set,
                   finish);
}

BNNC_USE_FOR_EACH_END(use)

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_byte_end *end, bnnc_use_byte_windows use) {
    const bnnc_byte_layer all = {w, end};
    const bnnc_byte_wish wish = {BLOCK, BNNC_BYTE_NEAR, 0};
    bnnc_each_byte_window(p, x, wish, use, &all);
}

void BNNC_SYM(conv2d_ii_neon_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, &end, to_fixed);
}

void BNNC_SYM(conv2d_ii_neon_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, &end, to_float);
}

void BNNC_SYM(conv2d_ii_neon_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, &end, to_sums);
}

void BNNC_SYM(conv2d_ii_neon_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_bits);
}

void BNNC_SYM(conv2d_ii_neon_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_levels);
}

void BNNC_SYM(conv2d_ii_neon_dynamic_f32)(const bnnc_conv2d *p, const uint8_t *x,
                                          const float *levels, const uint8_t *w,
                                          const float *w_scale, const float *bias, float *y) {
    const bnnc_byte_end end = {NULL, NULL, NULL, NULL, y};
    const bnnc_conv2d own = bnnc_with_zero(p, levels);
    convolve(&own, x, w, &end, to_sums);
    bnnc_real_sums(p, levels, w_scale, bias, y);
}
