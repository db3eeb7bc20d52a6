/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, bit weights, groups == 1; sums in the order
 * `eights`.
 *
 * Weights: tiles of eight output channels of [groups][8]: of each group of eight taps, in the order
 * kh, kw, ic, a byte for each channel. Tables (see neon_eights.h) are made for some groups at a
 * time, and serve all channels that there is room for. Windows go eight at a time, or four; a
 * single window goes by itself. */
#include "bnnc/float_taps.h"
#include "bnnc/kernels.h"
#include "bnnc/neon_eights.h"
#include "bnnc/neon_ends.h"

#define WINDOWS 8
#define GROUPS 8      /* whose tables are made at once */
#define CHANNELS 512  /* for the sums of eight windows */
#define ONE_GROUPS 16 /* the same of a single window */
#define ONE_CHANNELS 2048

typedef struct {
    const bnnc_conv2d *p;
    const uint8_t *w; /* of the first of these channels */
    ptrdiff_t groups; /* of a window */
    int32_t tiles;
    bnnc_float_window windows[WINDOWS];
    float taps[WINDOWS][GROUPS * BNNC_EIGHT];
    float tables[WINDOWS / 4][GROUPS][2][BNNC_NIBBLE_SUMS];
    float sums[CHANNELS][WINDOWS]; /* with fewer windows: that many */
} block;

typedef struct {
    float taps[ONE_GROUPS * BNNC_EIGHT];
    float tables[ONE_GROUPS][BNNC_BYTE_SUMS];
    float sums[ONE_CHANNELS];
} single;

static int32_t taps_of(const bnnc_conv2d *p) { return p->kh * p->kw * p->ic; }

static int32_t at_most(int32_t n, int32_t most) { return n < most ? n : most; }

BNNC_NOINLINE void add_four(const uint8_t *w, const float *tables, int32_t groups, float *sums) {
    bnnc_add_eights(w, tables, groups, sums, 1, 0);
}

BNNC_NOINLINE void add_eight(const uint8_t *w, const float *tables, int32_t groups, float *sums) {
    bnnc_add_eights(w, tables, groups, sums, 2, (ptrdiff_t)sizeof(((block *)0)->tables[0]));
}

/* The sums of some windows, a multiple of four, for some channels. */
BNNC_NOINLINE void sum_windows(block *b, int32_t windows) {
    const int32_t all = taps_of(b->p);
    memset(b->sums, 0, (size_t)(b->tiles * BNNC_LANES * windows) * sizeof b->sums[0][0]);
    for (int32_t first = 0; first < all; first += GROUPS * BNNC_EIGHT) {
        const int32_t n = at_most(all - first, GROUPS * BNNC_EIGHT);
        const int32_t groups = (n + BNNC_EIGHT - 1) / BNNC_EIGHT;
        const uint8_t *w = b->w + first;
        float *sums = b->sums[0];
        for (int32_t q = 0; q < windows; q += 4) {
            const float *x[4];
            for (int32_t k = 0; k < 4; ++k) {
                x[k] = bnnc_float_taps(b->p, b->windows + q + k, first, n, b->taps[q + k]);
            }
            for (int32_t g = 0; g < groups; ++g) {
                for (int32_t half = 0; half < 2; ++half) {
                    bnnc_make_nibble_sums(x, b->tables[q / 4][g][half]);
                    for (int32_t k = 0; k < 4; ++k) {
                        x[k] += BNNC_EIGHT / 2;
                    }
                }
            }
        }
        for (int32_t tile = 0; tile < b->tiles; ++tile, w += b->groups * BNNC_EIGHT) {
            if (windows > 4) {
                add_eight(w, b->tables[0][0][0], groups, sums);
            } else {
                add_four(w, b->tables[0][0][0], groups, sums);
            }
            sums += BNNC_LANES * windows;
        }
    }
}

BNNC_NOINLINE void sum_single(const bnnc_conv2d *p, single *b, const bnnc_float_window *window,
                              const uint8_t *weights, int32_t tiles) {
    const int32_t all = taps_of(p);
    const ptrdiff_t next = (all + BNNC_EIGHT - 1) / BNNC_EIGHT * BNNC_EIGHT;
    memset(b->sums, 0, (size_t)(tiles * BNNC_LANES) * sizeof b->sums[0]);
    for (int32_t first = 0; first < all; first += ONE_GROUPS * BNNC_EIGHT) {
        const int32_t n = at_most(all - first, ONE_GROUPS * BNNC_EIGHT);
        const int32_t groups = (n + BNNC_EIGHT - 1) / BNNC_EIGHT;
        const float *x = bnnc_float_taps(p, window, first, n, b->taps);
        const uint8_t *w = weights + first;
        for (int32_t g = 0; g < groups; ++g) {
            bnnc_make_byte_sums(x + g * BNNC_EIGHT, b->tables[g]);
        }
        for (int32_t tile = 0; tile < tiles; ++tile, w += next) {
            __builtin_prefetch(w + next);
            __builtin_prefetch(w + next + 64);
            bnnc_add_single_eights(w, b->tables[0], groups, b->sums + tile * BNNC_LANES);
        }
    }
}

/* Use the sums of some windows, `lanes` apart, which are those of pixels from `pixel` on. */
BNNC_TEMPLATE void finish_channels(const bnnc_conv2d *p, const bnnc_end *end, ptrdiff_t pixel,
                                   int32_t windows, int32_t lanes, int32_t oc, int32_t count,
                                   const float *sums, bnnc_finish finish) {
    for (int32_t at = 0; at < count; at += BNNC_LANES, sums += BNNC_LANES * lanes) {
        for (int32_t q = 0; q < windows; ++q) {
            bnnc_accumulators acc;
            for (int32_t l = 0; l < BNNC_LANES; ++l) {
                acc.f[l] = sums[l * lanes + q];
            }
            finish(p, end, pixel + q, oc + at, at_most(count - at, BNNC_LANES), &acc, 0);
        }
    }
}

BNNC_TEMPLATE void convolve_single(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                   const bnnc_end *end, bnnc_finish finish) {
    const ptrdiff_t row = (taps_of(p) + BNNC_EIGHT - 1) / BNNC_EIGHT;
    const bnnc_float_window window = bnnc_float_window_at(p, x, 0);
    single b; /* not filled: there is much room */
    for (int32_t oc = 0; oc < p->oc; oc += ONE_CHANNELS) {
        const int32_t count = at_most(p->oc - oc, ONE_CHANNELS);
        sum_single(p, &b, &window, w + oc * row, (count + BNNC_LANES - 1) / BNNC_LANES);
        finish_channels(p, end, 0, 1, 1, oc, count, b.sums, finish);
    }
}

BNNC_TEMPLATE void convolve_windows(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                    const bnnc_end *end, bnnc_finish finish) {
    const ptrdiff_t pixels = (ptrdiff_t)p->n * p->oh * p->ow;
    block b; /* not filled: there is much room */
    b.p = p;
    b.groups = (taps_of(p) + BNNC_EIGHT - 1) / BNNC_EIGHT;
    for (int32_t oc = 0; oc < p->oc; oc += CHANNELS) {
        const int32_t count = at_most(p->oc - oc, CHANNELS);
        b.w = w + oc * b.groups;
        b.tiles = (count + BNNC_LANES - 1) / BNNC_LANES;
        for (ptrdiff_t pixel = 0; pixel < pixels; pixel += WINDOWS) {
            const int32_t windows = pixels - pixel < WINDOWS ? (int32_t)(pixels - pixel) : WINDOWS;
            const int32_t lanes = windows > 4 ? 8 : 4;
            for (int32_t q = 0; q < lanes; ++q) { /* at last the last one again */
                b.windows[q] = bnnc_float_window_at(p, x, pixel + at_most(q, windows - 1));
            }
            sum_windows(&b, lanes);
            finish_channels(p, end, pixel, windows, lanes, oc, count, b.sums[0], finish);
        }
    }
}

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                            const bnnc_end *end, bnnc_finish finish) {
    if ((ptrdiff_t)p->n * p->oh * p->ow == 1) {
        convolve_single(p, x, w, end, finish);
    } else {
        convolve_windows(p, x, w, end, finish);
    }
}

void BNNC_SYM(conv2d_fb_eights_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                    const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    convolve(p, x, w, &end, bnnc_finish_scaled_lanes);
}

void BNNC_SYM(conv2d_fb_eights_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                    const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    convolve(p, x, w, &end, bnnc_finish_bits_lanes);
}

void BNNC_SYM(conv2d_fb_eights_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                    const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    convolve(p, x, w, &end, bnnc_finish_levels);
}
