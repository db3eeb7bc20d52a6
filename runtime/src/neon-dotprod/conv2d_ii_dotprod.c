/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes; 64-bit ARM with dot products.
 *
 * Weights (see neon_bytes.h): a tile is [steps][4][8][4]. An instruction takes four weights of each
 * of four channels and the same four numbers of a window: lanes are channels, and nothing is left
 * to be added up at the end. */
#include "bnnc/kernels.h"
#include "bnnc/neon_bytes.h"

#define STEP 16
#define BLOCK 8
#define GROUP (8 * 4) /* bytes of weights for four numbers of a window */

/* Numbers 4 k .. 4 k + 3 of a step, k a constant. */
#define ADD_GROUP(low, high, x, k, w, windows)                                                     \
    do {                                                                                           \
        const int8x16_t u_ = vld1q_s8((w) + (k) * GROUP), v_ = vld1q_s8((w) + (k) * GROUP + 16);   \
        for (int q_ = 0; q_ < (windows); ++q_) {                                                   \
            (low)[q_] = vdotq_laneq_s32((low)[q_], u_, (x)[q_], k);                                \
            (high)[q_] = vdotq_laneq_s32((high)[q_], v_, (x)[q_], k);                              \
        }                                                                                          \
    } while (0)

BNNC_TEMPLATE void sum_block(const int8_t *w, int32_t channels, const int8_t *x, ptrdiff_t next,
                             ptrdiff_t steps, int32_t *sums) {
    int32x4_t low[BLOCK], high[BLOCK];
    int8x16_t v[BLOCK];
    const int8_t *x4 = x + 4 * next;
    (void)channels;
    for (int q = 0; q < BLOCK; ++q) {
        low[q] = high[q] = vdupq_n_s32(0);
    }
    do {
        for (int q = 0; q < 4; ++q) {
            v[q] = vld1q_s8(x + q * next);
            v[4 + q] = vld1q_s8(x4 + q * next);
        }
        ADD_GROUP(low, high, v, 0, w, BLOCK);
        ADD_GROUP(low, high, v, 1, w, BLOCK);
        ADD_GROUP(low, high, v, 2, w, BLOCK);
        ADD_GROUP(low, high, v, 3, w, BLOCK);
        x += STEP;
        x4 += STEP;
        w += 4 * GROUP;
    } while (--steps != 0);
    for (int q = 0; q < BLOCK; ++q) {
        vst1q_s32(sums + q * BNNC_LANES, low[q]);
        vst1q_s32(sums + q * BNNC_LANES + 4, high[q]);
    }
}

/* Where there is but one window, the weights come from far: they are asked for in time. Four pairs
 * of sums do not wait for each other. */
BNNC_TEMPLATE void sum_window(const int8_t *w, int32_t channels, const int8_t *x, ptrdiff_t next,
                              ptrdiff_t steps, int32_t *sums) {
    const int32x4_t zero = vdupq_n_s32(0);
    int32x4_t a[1] = {zero}, b[1] = {zero}, c[1] = {zero}, d[1] = {zero};
    int32x4_t e[1] = {zero}, f[1] = {zero}, g[1] = {zero}, h[1] = {zero};
    (void)channels;
    (void)next;
    do {
        const int8x16_t v[1] = {vld1q_s8(x)};
        __builtin_prefetch(w + 768);
        __builtin_prefetch(w + 832);
        ADD_GROUP(a, b, v, 0, w, 1);
        ADD_GROUP(c, d, v, 1, w, 1);
        ADD_GROUP(e, f, v, 2, w, 1);
        ADD_GROUP(g, h, v, 3, w, 1);
        x += STEP;
        w += 4 * GROUP;
    } while (--steps != 0);
    vst1q_s32(sums, vaddq_s32(vaddq_s32(a[0], c[0]), vaddq_s32(e[0], g[0])));
    vst1q_s32(sums + 4, vaddq_s32(vaddq_s32(b[0], d[0]), vaddq_s32(f[0], h[0])));
}

BNNC_TEMPLATE void use(const bnnc_byte_windows *s, const void *all, bnnc_set_factors set,
                       bnnc_finish_tile finish) {
    bnnc_use_tiles(s, bnnc_as_they_are(s, BLOCK), all, BLOCK, sum_block, sum_window, set, finish);
}

BNNC_NOINLINE void to_fixed(const bnnc_byte_windows *s, const void *all) {
    use(s, all, bnnc_set_fixed, bnnc_finish_fixed);
}

BNNC_NOINLINE void to_float(const bnnc_byte_windows *s, const void *all) {
    use(s, all, bnnc_set_float, bnnc_finish_float);
}

BNNC_NOINLINE void to_sums(const bnnc_byte_windows *s, const void *all) {
    use(s, all, bnnc_set_nothing, bnnc_finish_sums);
}

BNNC_NOINLINE void to_bits(const bnnc_byte_windows *s, const void *all) {
    use(s, all, bnnc_set_cut, bnnc_finish_cut);
}

BNNC_NOINLINE void to_levels(const bnnc_byte_windows *s, const void *all) {
    use(s, all, bnnc_set_nothing, bnnc_finish_counted);
}

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const bnnc_byte_end *end, bnnc_use_byte_windows use) {
    const bnnc_byte_layer all = {w, end};
    const bnnc_byte_wish wish = {BLOCK, BNNC_BYTE_NEAR, 0};
    bnnc_each_byte_window(p, x, wish, use, &all);
}

void BNNC_SYM(conv2d_ii_dotprod_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                    const int32_t *bias, const int32_t *multiplier,
                                    const int32_t *shift, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, &end, to_fixed);
}

void BNNC_SYM(conv2d_ii_dotprod_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, &end, to_float);
}

void BNNC_SYM(conv2d_ii_dotprod_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, &end, to_sums);
}

void BNNC_SYM(conv2d_ii_dotprod_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_bits);
}

void BNNC_SYM(conv2d_ii_dotprod_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                     const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_levels);
}
