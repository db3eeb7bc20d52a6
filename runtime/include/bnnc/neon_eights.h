/* SPDX-License-Identifier: 0BSD */
/* Sums of eight floats with signs by tables, in the order `eights`: a group of eight taps is
 * fl(four + four), each four summed up from its first tap on, and acc = fl(acc + group).
 *
 * For one window a table has the sums of a group for all 256 bytes of weights. For four windows, a
 * lane each, there are two tables of sixteen vectors, one for the low and one for the high half of
 * a byte. Bit 1 is -1: x times -1 is -x, and a - x is a + -x. Zeros behind the last tap do not
 * show: they can only change the sign of a zero, and acc is never -0. */
#ifndef BNNC_NEON_EIGHTS_H
#define BNNC_NEON_EIGHTS_H

#include "bnnc/conv_loop.h"
#include "bnnc/neon.h"

#define BNNC_EIGHT 8        /* taps of a group */
#define BNNC_BYTE_SUMS 256  /* floats of a table for one window */
#define BNNC_NIBBLE_SUMS 64 /* floats of a table for four windows: of half a group */

/* The sixteen sums of four numbers: bit k of the index is the sign of x[k]. */
BNNC_TEMPLATE void bnnc_sums_of_four(float32x4_t x, float32x4_t *to) {
    static const float signs[8] = {1, -1, 1, -1, 1, 1, -1, -1};
    const float32x4_t first = vmulq_laneq_f32(vld1q_f32(signs), x, 0);
    const float32x4_t two = vaddq_f32(first, vmulq_laneq_f32(vld1q_f32(signs + 4), x, 1));
    const float32x4_t third = vdupq_laneq_f32(x, 2), fourth = vdupq_laneq_f32(x, 3);
    const float32x4_t plus = vaddq_f32(two, third), minus = vsubq_f32(two, third);
    to[0] = vaddq_f32(plus, fourth);
    to[1] = vaddq_f32(minus, fourth);
    to[2] = vsubq_f32(plus, fourth);
    to[3] = vsubq_f32(minus, fourth);
}

/* The table of eight numbers. */
BNNC_TEMPLATE void bnnc_make_byte_sums(const float *x, float *to) {
    float32x4_t low[4], high[4];
    bnnc_sums_of_four(vld1q_f32(x), low);
    bnnc_sums_of_four(vld1q_f32(x + 4), high);
#define BNNC_STORE_SUMS(h, lane)                                                                   \
    do {                                                                                           \
        const float32x4_t v = vdupq_laneq_f32(high[h], lane);                                      \
        vst1q_f32(to, vaddq_f32(low[0], v));                                                       \
        vst1q_f32(to + 4, vaddq_f32(low[1], v));                                                   \
        vst1q_f32(to + 8, vaddq_f32(low[2], v));                                                   \
        vst1q_f32(to + 12, vaddq_f32(low[3], v));                                                  \
        to += 16;                                                                                  \
    } while (0)
    BNNC_STORE_SUMS(0, 0);
    BNNC_STORE_SUMS(0, 1);
    BNNC_STORE_SUMS(0, 2);
    BNNC_STORE_SUMS(0, 3);
    BNNC_STORE_SUMS(1, 0);
    BNNC_STORE_SUMS(1, 1);
    BNNC_STORE_SUMS(1, 2);
    BNNC_STORE_SUMS(1, 3);
    BNNC_STORE_SUMS(2, 0);
    BNNC_STORE_SUMS(2, 1);
    BNNC_STORE_SUMS(2, 2);
    BNNC_STORE_SUMS(2, 3);
    BNNC_STORE_SUMS(3, 0);
    BNNC_STORE_SUMS(3, 1);
    BNNC_STORE_SUMS(3, 2);
    BNNC_STORE_SUMS(3, 3);
#undef BNNC_STORE_SUMS
}

BNNC_TEMPLATE void bnnc_store_signed(float32x4_t two, float32x4_t c, float32x4_t d, float *to) {
    const float32x4_t plus = vaddq_f32(two, c), minus = vsubq_f32(two, c);
    vst1q_f32(to, vaddq_f32(plus, d));
    vst1q_f32(to + 16, vaddq_f32(minus, d));
    vst1q_f32(to + 32, vsubq_f32(plus, d));
    vst1q_f32(to + 48, vsubq_f32(minus, d));
}

/* The table of half a group, four numbers of each of four windows. */
BNNC_TEMPLATE void bnnc_make_nibble_sums(const float *const x[4], float *to) {
    const float32x4_t p = vld1q_f32(x[0]), q = vld1q_f32(x[1]);
    const float32x4_t r = vld1q_f32(x[2]), s = vld1q_f32(x[3]);
    const float32x4_t u0 = vzip1q_f32(p, r), v0 = vzip1q_f32(q, s);
    const float32x4_t u1 = vzip2q_f32(p, r), v1 = vzip2q_f32(q, s);
    const float32x4_t a = vzip1q_f32(u0, v0), b = vzip2q_f32(u0, v0);
    const float32x4_t c = vzip1q_f32(u1, v1), d = vzip2q_f32(u1, v1);
    bnnc_store_signed(vaddq_f32(a, b), c, d, to);
    bnnc_store_signed(vsubq_f32(b, a), c, d, to + 4);
    bnnc_store_signed(vsubq_f32(a, b), c, d, to + 8);
    bnnc_store_signed(vsubq_f32(vnegq_f32(a), b), c, d, to + 12);
}

/* gcc would load where it adds, and clang add whenever it likes, until there are too few registers:
 * a vector is loaded, and a sum added to, before what follows. */
#if defined(__clang__)
#define BNNC_LOADED(v) ((void)(v))
#define BNNC_ADDED(v) __asm__ volatile("" : "+w"(v))
#else
#define BNNC_LOADED(v) BNNC_HOLD(v)
#define BNNC_ADDED(v) ((void)(v))
#endif

/* Eight channels of a single window. */
BNNC_TEMPLATE void bnnc_add_single_eights(const uint8_t *weights, const float *tables,
                                          int32_t groups, float *sums) {
    float s[8], found[8];
    memcpy(s, sums, sizeof s);
    do {
        uint64_t w, at[8];
        memcpy(&w, weights, sizeof w);
        for (int l = 0; l < 8; ++l) {
            at[l] = w >> 8 * l & 255;
            BNNC_KEEP(at[l]);
        }
        for (int l = 0; l < 8; ++l) {
            found[l] = tables[at[l]];
            BNNC_LOADED(found[l]);
        }
        for (int l = 0; l < 8; ++l) {
            s[l] += found[l];
            BNNC_ADDED(s[l]);
        }
        weights += BNNC_EIGHT;
        tables += BNNC_BYTE_SUMS;
    } while (--groups != 0);
    memcpy(sums, s, sizeof s);
}

/* Where the sums of both halves of a group lie in their tables, of a channel. */
typedef struct {
    uint64_t low, high;
} bnnc_eight_offsets;

BNNC_TEMPLATE bnnc_eight_offsets bnnc_offsets_of(uint64_t low, uint64_t high, int channel) {
    bnnc_eight_offsets o = {low >> 8 * channel & 255, high >> 8 * channel & 255};
    BNNC_KEEP(o.low);
    BNNC_KEEP(o.high);
    return o;
}

BNNC_TEMPLATE float32x4_t bnnc_look_up_sums(const uint8_t *table, uint64_t offset) {
    const float32x4_t found = vld1q_f32((const float *)(table + offset));
    BNNC_LOADED(found);
    return found;
}

/* Sums of both halves of a group, of one or two vectors of windows. */
typedef struct {
    float32x4_t low0, high0, low1, high1;
} bnnc_eight_halves;

BNNC_TEMPLATE bnnc_eight_halves bnnc_halves_of(const uint8_t *const tables[4], bnnc_eight_offsets o,
                                               int vectors) {
    bnnc_eight_halves h;
    h.low0 = bnnc_look_up_sums(tables[0], o.low);
    h.high0 = bnnc_look_up_sums(tables[1], o.high);
    h.low1 = vectors > 1 ? bnnc_look_up_sums(tables[2], o.low) : h.low0;
    h.high1 = vectors > 1 ? bnnc_look_up_sums(tables[3], o.high) : h.high0;
    return h;
}

/* Eight channels of so many vectors of windows, 1 or 2 and a constant. An index of four bits times
 * the bytes of a vector is a byte. Of three channels one after the other, vectors are added,
 * loaded, and offsets made, at the same time. apart: bytes from a vector's tables to the next
 * one's. */
BNNC_TEMPLATE void bnnc_add_eights(const uint8_t *weights, const float *first, int32_t groups,
                                   float *sums, int vectors, ptrdiff_t apart) {
    const uint64_t mask = UINT64_C(0xf0f0f0f0f0f0f0f0);
    const ptrdiff_t step = 4 * vectors, half = BNNC_NIBBLE_SUMS * (ptrdiff_t)sizeof(float);
    const uint8_t *base = (const uint8_t *)first, *second = base + apart;
    const uint8_t *tables[4] = {base, base + half, second, second + half};
    float32x4_t s[8], t[8];
    for (int l = 0; l < 8; ++l) {
        s[l] = vld1q_f32(sums + l * step);
        t[l] = vectors > 1 ? vld1q_f32(sums + l * step + 4) : s[l];
    }
    do {
        uint64_t w;
        memcpy(&w, weights, sizeof w);
        uint64_t low = w << 4 & mask, high = w & mask;
        BNNC_KEEP(low); /* or gcc would need two instructions for a byte of it */
        BNNC_KEEP(high);
        bnnc_eight_offsets ahead = bnnc_offsets_of(low, high, 1);
        bnnc_eight_halves next = bnnc_halves_of(tables, bnnc_offsets_of(low, high, 0), vectors);
        for (int l = 0; l < 8; ++l) {
            const bnnc_eight_halves h = next;
            const bnnc_eight_offsets o = ahead;
            if (l < 6) {
                ahead = bnnc_offsets_of(low, high, l + 2);
            }
            if (l < 7) {
                next = bnnc_halves_of(tables, o, vectors);
            }
            s[l] = vaddq_f32(s[l], vaddq_f32(h.low0, h.high0));
            BNNC_ADDED(s[l]);
            if (vectors > 1) {
                t[l] = vaddq_f32(t[l], vaddq_f32(h.low1, h.high1));
                BNNC_ADDED(t[l]);
            }
        }
        weights += BNNC_EIGHT;
        for (int k = 0; k < 2 * vectors; ++k) {
            tables[k] += 2 * half;
            BNNC_KEEP(tables[k]);
        }
    } while (--groups != 0);
    for (int l = 0; l < 8; ++l) {
        vst1q_f32(sums + l * step, s[l]);
        if (vectors > 1) {
            vst1q_f32(sums + l * step + 4, t[l]);
        }
    }
}

#endif
