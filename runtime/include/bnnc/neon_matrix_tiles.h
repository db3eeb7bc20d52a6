/* SPDX-License-Identifier: 0BSD */
/* Sums of windows of bytes by products of matrices of bytes.
 *
 * A tile of weights (see neon_bytes.h) is [steps][2][8][8]. An instruction takes eight weights of
 * two channels and eight numbers of two windows, which lie behind each other: those of a block of
 * eight are laid eight by eight. A window by itself is taken by dot products. */
#ifndef BNNC_NEON_MATRIX_TILES_H
#define BNNC_NEON_MATRIX_TILES_H

#include "bnnc/neon_bytes.h"

#define BNNC_MATRIX_STEP 16
#define BNNC_MATRIX_BLOCK 8
#define BNNC_MATRIX_EIGHT (8 * 8) /* bytes of eight channels or windows that meet */

/* Eight windows of so many steps to [steps][2][8][8]. */
BNNC_TEMPLATE void bnnc_interleave(int8_t *to, const int8_t *x, ptrdiff_t next, ptrdiff_t steps) {
    for (int q = 0; q < BNNC_MATRIX_BLOCK; q += 2) {
        const int8_t *a = x + q * next, *b = a + next;
        int8_t *y = to + q * 8;
        for (ptrdiff_t k = 0; k < steps; ++k, y += 2 * BNNC_MATRIX_EIGHT) {
            const int64x2_t u = vreinterpretq_s64_s8(vld1q_s8(a + k * BNNC_MATRIX_STEP));
            const int64x2_t v = vreinterpretq_s64_s8(vld1q_s8(b + k * BNNC_MATRIX_STEP));
            vst1q_s8(y, vreinterpretq_s8_s64(vzip1q_s64(u, v)));
            vst1q_s8(y + BNNC_MATRIX_EIGHT, vreinterpretq_s8_s64(vzip2q_s64(u, v)));
        }
    }
}

/* All whole blocks; what is left over is copied as it is. */
BNNC_TEMPLATE bnnc_byte_lot bnnc_in_eights(const bnnc_byte_windows *s, int8_t *room) {
    bnnc_byte_lot lot = {room, s->row, s->count / BNNC_MATRIX_BLOCK * BNNC_MATRIX_BLOCK};
    if (lot.in_blocks == 0 || s->count * s->row > BNNC_BYTE_ROOM) {
        lot = bnnc_as_they_are(s, BNNC_MATRIX_BLOCK);
        lot.in_blocks = 0;
        return lot;
    }
    for (ptrdiff_t q = 0; q < lot.in_blocks; q += BNNC_MATRIX_BLOCK) {
        bnnc_interleave(room + q * s->row, s->windows + q * s->next, s->next,
                        s->row / BNNC_MATRIX_STEP);
    }
    for (ptrdiff_t q = lot.in_blocks; q < s->count; ++q) {
        memcpy(room + q * s->row, s->windows + q * s->next, (size_t)s->row);
    }
    return lot;
}

/* Windows 2 q, 2 q + 1 meet channels 0, 1 | 2, 3 | 4, 5 | 6, 7. */
typedef struct {
    int32x4_t a, b, c, d;
} bnnc_pair_sums;

BNNC_TEMPLATE bnnc_pair_sums bnnc_add_eight(bnnc_pair_sums s, int8x16_t x, int8x16_t w0,
                                            int8x16_t w1, int8x16_t w2, int8x16_t w3) {
    const bnnc_pair_sums sum = {vmmlaq_s32(s.a, x, w0), vmmlaq_s32(s.b, x, w1),
                                vmmlaq_s32(s.c, x, w2), vmmlaq_s32(s.d, x, w3)};
    return sum;
}

BNNC_TEMPLATE int32x4_t bnnc_first_halves(int32x4_t a, int32x4_t b) {
    return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

BNNC_TEMPLATE int32x4_t bnnc_second_halves(int32x4_t a, int32x4_t b) {
    return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
}

BNNC_TEMPLATE void bnnc_store_pair(int32_t *sums, bnnc_pair_sums s) {
    vst1q_s32(sums, bnnc_first_halves(s.a, s.b));
    vst1q_s32(sums + 4, bnnc_first_halves(s.c, s.d));
    vst1q_s32(sums + 8, bnnc_second_halves(s.a, s.b));
    vst1q_s32(sums + 12, bnnc_second_halves(s.c, s.d));
}

BNNC_TEMPLATE void bnnc_matrix_block(const int8_t *w, int32_t channels, const int8_t *x,
                                     ptrdiff_t next, ptrdiff_t steps, int32_t *sums) {
    const int32x4_t zero = vdupq_n_s32(0);
    const bnnc_pair_sums none = {zero, zero, zero, zero};
    bnnc_pair_sums s = none, t = none, u = none, v = none;
    ptrdiff_t eights = 2 * steps;
    (void)channels;
    (void)next;
    do {
        const int8x16_t w0 = vld1q_s8(w), w1 = vld1q_s8(w + 16);
        const int8x16_t w2 = vld1q_s8(w + 32), w3 = vld1q_s8(w + 48);
        s = bnnc_add_eight(s, vld1q_s8(x), w0, w1, w2, w3);
        t = bnnc_add_eight(t, vld1q_s8(x + 16), w0, w1, w2, w3);
        u = bnnc_add_eight(u, vld1q_s8(x + 32), w0, w1, w2, w3);
        v = bnnc_add_eight(v, vld1q_s8(x + 48), w0, w1, w2, w3);
        x += BNNC_MATRIX_EIGHT;
        w += BNNC_MATRIX_EIGHT;
    } while (--eights != 0);
    bnnc_store_pair(sums, s);
    bnnc_store_pair(sums + 16, t);
    bnnc_store_pair(sums + 32, u);
    bnnc_store_pair(sums + 48, v);
}

/* Two sums of each of two channels in a vector. Weights come from far: they are asked for in time.
 */
BNNC_TEMPLATE void bnnc_matrix_window(const int8_t *w, int32_t channels, const int8_t *x,
                                      ptrdiff_t next, ptrdiff_t steps, int32_t *sums) {
    const int32x4_t zero = vdupq_n_s32(0);
    bnnc_pair_sums s = {zero, zero, zero, zero};
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
        w += BNNC_MATRIX_EIGHT;
    } while (--eights != 0);
    vst1q_s32(sums, vpaddq_s32(s.a, s.b));
    vst1q_s32(sums + 4, vpaddq_s32(s.c, s.d));
}

#endif
