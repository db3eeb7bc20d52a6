/* SPDX-License-Identifier: 0BSD */
/* Layers on planes of levels, and on bits where weights are ternary: sums of counts, each times a
 * factor.
 *
 * D_j counts where plane j differs from the weights' signs, and is not met by a weight of zero; D
 * counts the signs, the differences of a plane of zeros. Levels: S = sum of 2^j D_j - (2^k - 1) D,
 * see conv_bits.h; padding is in the planes. Bits: with N weights inside the input that are not
 * zero, S = N - 2 D_0. Taps of zero padding that are left in windows are +1: they differ where
 * signs are, which count twice. */
#ifndef BNNC_NEON_PLANES_H
#define BNNC_NEON_PLANES_H

#include "bnnc/bit_windows.h"
#include "bnnc/neon_count.h"
#include "bnnc/neon_sums.h"

/* Eight output channels; the last tile has fewer. */
typedef struct {
    bnnc_channels8 c;
    bnnc_sums8 start; /* without what planes add */
    bnnc_sums8 thr;
} bnnc_plane_tile;

typedef struct {
    const uint8_t *w;
    const bnnc_end *end;
} bnnc_plane_layer;

BNNC_TEMPLATE int32x4_t bnnc_add_product(int32x4_t sum, uint16x4_t n, uint16_t factor, int minus) {
    const uint32x4_t s = vreinterpretq_u32_s32(sum);
    return vreinterpretq_s32_u32(minus ? vmlsl_n_u16(s, n, factor) : vmlal_n_u16(s, n, factor));
}

/* s + factor * n, or s - factor * n. */
BNNC_TEMPLATE bnnc_sums8 bnnc_add_counts(bnnc_sums8 s, uint16x8_t n, uint16_t factor, int minus) {
    s.low = bnnc_add_product(s.low, vget_low_u16(n), factor, minus);
    s.high = bnnc_add_product(s.high, vget_high_u16(n), factor, minus);
    return s;
}

typedef void (*bnnc_store_sums)(const bnnc_plane_tile *t, ptrdiff_t at, bnnc_sums8 s);

BNNC_TEMPLATE void bnnc_sums_to_byte(const bnnc_plane_tile *t, ptrdiff_t at, bnnc_sums8 s) {
    static const uint16_t bits[BNNC_LANES] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint16x4_t low = vmovn_u32(vcltq_s32(s.low, t->thr.low));
    const uint16x4_t high = vmovn_u32(vcltq_s32(s.high, t->thr.high));
    const uint16x8_t below = vandq_u16(vcombine_u16(low, high), vld1q_u16(bits));
    t->c.bytes[at] = (uint8_t)vaddvq_u16(below);
}

BNNC_TEMPLATE void bnnc_sums_to_floats(const bnnc_plane_tile *t, ptrdiff_t at, bnnc_sums8 s) {
    bnnc_scale_sums(&t->c, at, s);
}

BNNC_TEMPLATE void bnnc_sums_to_levels(const bnnc_plane_tile *t, ptrdiff_t at, bnnc_sums8 s) {
    bnnc_finish_sums(&t->c, at, s, bnnc_finish_levels);
}

/* All windows meet the weights of a tile. bits: they are of bits. how: 0 or BNNC_TERNARY. */
BNNC_TEMPLATE void bnnc_meet_planes(const bnnc_windows *s, const bnnc_plane_tile *given,
                                    const bnnc_runs *w, int bits, int how, bnnc_store_sums put) {
    const bnnc_plane_tile t = *given; /* copies that results cannot overwrite */
    const bnnc_runs r = {w->w, w->runs, w->steps, bits ? w->w_run : 0, w->half};
    const ptrdiff_t next = s->next, plane = s->w_plane, *at = s->at;
    const int32_t planes = bits ? 1 : s->planes;
    const uint8_t *x = s->windows;
    int32_t left = s->count;
    for (; left >= 4; left -= 4, at += 4, x += 4 * next) {
        bnnc_sums8 a = t.start, b = t.start, c = t.start, d = t.start;
        for (int32_t j = 0; j < planes; ++j) {
            const bnnc_quad_counts n = bnnc_count_windows(&r, x + j * plane, next, how);
            const uint16_t factor = (uint16_t)(bits ? 2 : 1 << j);
            a = bnnc_add_counts(a, n.a, factor, bits);
            b = bnnc_add_counts(b, n.b, factor, bits);
            c = bnnc_add_counts(c, n.c, factor, bits);
            d = bnnc_add_counts(d, n.d, factor, bits);
        }
        put(&t, at[0], a);
        put(&t, at[1], b);
        put(&t, at[2], c);
        put(&t, at[3], d);
    }
    for (; left > 0; --left, ++at, x += next) {
        bnnc_sums8 a = t.start;
        for (int32_t j = 0; j < planes; ++j) {
            const uint16_t factor = (uint16_t)(bits ? 2 : 1 << j);
            a = bnnc_add_counts(a, bnnc_count_window1(&r, x + j * plane, how), factor, bits);
        }
        put(&t, *at, a);
    }
}

/* The sums of planes of zeros. */
BNNC_TEMPLATE bnnc_sums8 bnnc_start_of_levels(const bnnc_windows *s, const bnnc_runs *w, int how) {
    const int32x4_t top = vdupq_n_s32(1 - (1 << s->p->bits_in));
    const uint16x8_t signs = bnnc_count_window1(w, w->w, BNNC_ALONE | how);
    const bnnc_sums8 start = {
        vmulq_s32(top, vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(signs)))),
        vmulq_s32(top, vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(signs))))};
    return start;
}

/* The sums of bits that do not differ from ternary weights. */
BNNC_TEMPLATE bnnc_sums8 bnnc_start_of_bits(const bnnc_windows *s, const bnnc_runs *w) {
    const bnnc_runs nonzero = {w->w + BNNC_STEP_WEIGHTS, w->runs, w->steps, w->w_run, w->half};
    const int32x4_t none = vdupq_n_s32(0);
    const uint16x8_t all = bnnc_count_window1(&nonzero, nonzero.w, BNNC_ALONE | BNNC_TERNARY);
    const bnnc_sums8 zero = {none, none}, start = bnnc_add_counts(zero, all, 1, 0);
    if (s->mask == NULL) {
        return start;
    }
    const uint16x8_t outside = bnnc_count_window1(&nonzero, s->mask, BNNC_BOTH | BNNC_TERNARY);
    const uint16x8_t signs = bnnc_count_window1(w, s->mask, BNNC_BOTH | BNNC_TERNARY);
    return bnnc_add_counts(bnnc_add_counts(start, outside, 1, 1), signs, 2, 0);
}

typedef void (*bnnc_meet_plane_tile)(const bnnc_windows *s, const bnnc_plane_tile *t,
                                     const bnnc_runs *w);

/* The weights of each tile meet the windows that there are. cut: there are thresholds of bits. */
BNNC_TEMPLATE void bnnc_convolve_planes(const bnnc_windows *s, const bnnc_plane_layer *all,
                                        int bits, int how, int cut, bnnc_meet_plane_tile use) {
    const bnnc_conv2d *p = s->p;
    const int32_t channels = p->oc / p->groups, first = s->group * channels;
    const int32x4_t none = vdupq_n_s32(0);
    const ptrdiff_t row = bnnc_step_weights(how) / BNNC_STEP; /* bytes of a tile for one of a row */
    const uint8_t *w = all->w + (first / 8 * s->w_row + s->w_first) * row;
    bnnc_runs r = {w, s->runs, s->steps, s->w_run * row, s->half};
    bnnc_plane_tile t = {
        {p, all->end, (uint8_t *)all->end->y + first / 8, first, 0}, {none, none}, {none, none}};
    for (int32_t left = channels; left > 0; left -= BNNC_LANES, r.w += s->w_row * row) {
        t.c.count = left < BNNC_LANES ? left : BNNC_LANES;
        t.start = bits ? bnnc_start_of_bits(s, &r) : bnnc_start_of_levels(s, &r, how);
        if (cut) {
            t.thr = bnnc_thresholds_of(&t.c);
        }
        use(s, &t, &r);
        t.c.oc += BNNC_LANES;
        ++t.c.bytes;
    }
}

#endif
