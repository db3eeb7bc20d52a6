/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes; 64-bit ARM with products of matrices of bytes.
 *
 * Weights (see neon_bytes.h): a tile is [steps][2][8][8]. An instruction takes eight weights of two
 * channels and eight numbers of two windows, which lie behind each other: those of a block of eight
 * are laid eight by eight. A window by itself is taken by dot products. */
#include "bnnc/kernels.h"
#include "bnnc/neon_bytes.h"

#define STEP 16
#define BLOCK 8
#define EIGHT (8 * 8) /* bytes of eight channels or windows that meet */

/* Eight windows of so many steps to [steps][2][8][8]. */
BNNC_TEMPLATE void interleave(int8_t *to, const int8_t *x, ptrdiff_t next, ptrdiff_t steps) {
    for (int q = 0; q < BLOCK; q += 2) {
        const int8_t *a = x + q * next, *b = a + next;
        int8_t *y = to + q * 8;
        for (ptrdiff_t k = 0; k < steps; ++k, y += 2 * EIGHT) {
            const int64x2_t u = vreinterpretq_s64_s8(vld1q_s8(a + k * STEP));
            const int64x2_t v = vreinterpretq_s64_s8(vld1q_s8(b + k * STEP));
            vst1q_s8(y, vreinterpretq_s8_s64(vzip1q_s64(u, v)));
            vst1q_s8(y + EIGHT, vreinterpretq_s8_s64(vzip2q_s64(u, v)));
        }
    }
}

/* All whole blocks; what is left over is copied as it is. */
BNNC_TEMPLATE bnnc_byte_lot in_eights(const bnnc_byte_windows *s, int8_t *room) {
    bnnc_byte_lot lot = {room, s->row, s->count / BLOCK * BLOCK};
    if (lot.in_blocks == 0 || s->count * s->row > BNNC_BYTE_ROOM) {
        lot = bnnc_as_they_are(s, BLOCK);
        lot.in_blocks = 0;
        return lot;
    }
    for (ptrdiff_t q = 0; q < lot.in_blocks; q += BLOCK) {
        interleave(room + q * s->row, s->windows + q * s->next, s->next, s->row / STEP);
    }
    for (ptrdiff_t q = lot.in_blocks; q < s->count; ++q) {
        memcpy(room + q * s->row, s->windows + q * s->next, (size_t)s->row);
    }
    return lot;
}

/* Windows 2 q, 2 q + 1 meet channels 0, 1 | 2, 3 | 4, 5 | 6, 7. */
typedef struct {
    int32x4_t a, b, c, d;
} pair_sums;

BNNC_TEMPLATE pair_sums add_eight(pair_sums s, int8x16_t x, int8x16_t w0, int8x16_t w1,
                                  int8x16_t w2, int8x16_t w3) {
    const pair_sums sum = {vmmlaq_s32(s.a, x, w0), vmmlaq_s32(s.b, x, w1), vmmlaq_s32(s.c, x, w2),
                           vmmlaq_s32(s.d, x, w3)};
    return sum;
}

BNNC_TEMPLATE int32x4_t firsts(int32x4_t a, int32x4_t b) {
    return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

BNNC_TEMPLATE int32x4_t seconds(int32x4_t a, int32x4_t b) {
    return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

BNNC_TEMPLATE void store_pair(int32_t *sums, pair_sums s) {
    vst1q_s32(sums, firsts(s.a, s.b));
    vst1q_s32(sums + 4, firsts(s.c, s.d));
    vst1q_s32(sums + 8, seconds(s.a, s.b));
    vst1q_s32(sums + 12, seconds(s.c, s.d));
}

BNNC_TEMPLATE void sum_block(const int8_t *w, int32_t channels, const int8_t *x, ptrdiff_t next,
                             ptrdiff_t steps, int32_t *sums) {
    const int32x4_t zero = vdupq_n_s32(0);
    const pair_sums none = {zero, zero, zero, zero};
    pair_sums s = none, t = none, u = none, v = none;
    ptrdiff_t eights = 2 * steps;
    (void)channels;
    (void)next;
    do {
        const int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16);
        const int8x16_t w2 = vld1q_s8(w + 32), w3 = vld1q_s8(w + 48);
        s = add_eight(s, vld1q_s8(x), w0, w1, w2, w3);
        t = add_eight(t, vld1q_s8(x + 16), w0, w1, w2, w3);
        u = add_eight(u, vld1q_s8(x + 32), w0, w1, w2, w3);
        v = add_eight(v, vld1q_s8(x + 48), w0, w1, w2, w3);
        x += EIGHT;
        w += EIGHT;
    } while (--eights != 0);
    store_pair(sums, s);
    store_pair(sums + 16, t);
    store_pair(sums + 32, u);
    store_pair(sums + 48, v);
}

/* Two sums of each of two channels in a vector. Weights come from far: they are asked for in time.
 */
BNNC_TEMPLATE void sum_window(const int8_t *w, int32_t channels, const int8_t *x, ptrdiff_t next,
                              ptrdiff_t steps, int32_t *sums) {
    const int32x4_t zero = vdupq_n_s32(0);
    pair_sums s = {zero, zero, zero, zero};
    ptrdiff_t eights = 2 * steps;
    (void)channels;
    (void)next;
    do {
        const int8x8_t eight = vld1_s8(x);
        const int8x16_t v = vcombine_s8(eight, eight);
        __builtin_prefetch(w + 768);
        s.a = vdotq_s32(s.a, v, vld1q_s8(w));
        s.b = vdotq_s32(s.b, v, vld1q_s8(w + 16));
        s.c = vdotq_s32(s.c, v, vld1q_s8(w + 32));
        s.d = vdotq_s32(s.d, v, vld1q_s8(w + 48));
        x += 8;
        w += EIGHT;
    } while (--eights != 0);
    vst1q_s32(sums, vpaddq_s32(s.a, s.b));
    vst1q_s32(sums + 4, vpaddq_s32(s.c, s.d));
}

BNNC_TEMPLATE void use(const bnnc_byte_windows *s, const void *all, bnnc_set_factors set,
                       bnnc_finish_tile finish) {
    int8_t room[BNNC_BYTE_ROOM];
    bnnc_use_tiles(s, in_eights(s, room), all, BLOCK, sum_block, sum_window, set, finish);
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

void BNNC_SYM(conv2d_ii_i8mm_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, shift, NULL, y};
    convolve(p, x, w, &end, to_fixed);
}

void BNNC_SYM(conv2d_ii_i8mm_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y) {
    const bnnc_byte_end end = {bias, multiplier, NULL, NULL, y};
    convolve(p, x, w, &end, to_float);
}

void BNNC_SYM(conv2d_ii_i8mm_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, int32_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, NULL, y};
    convolve(p, x, w, &end, to_sums);
}

void BNNC_SYM(conv2d_ii_i8mm_thr)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_bits);
}

void BNNC_SYM(conv2d_ii_i8mm_lvl)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                                  const int32_t *bias, const int32_t *thr, uint8_t *y) {
    const bnnc_byte_end end = {bias, NULL, NULL, thr, y};
    convolve(p, x, w, &end, to_levels);
}
