/* SPDX-License-Identifier: 0BSD */
/* Float activations, groups == 1, weights in tiles of eight output channels: blocks of up to four
 * neighbouring pixels and two tiles, each channel of a tile a lane of the machine's vectors.
 *
 * A weight that was loaded meets four pixels, and the eight or so sums in flight hide how long one
 * addition takes. Every sum is added up in the order kh, kw, ic by itself. */
#ifndef BNNC_CONV_LANES_H
#define BNNC_CONV_LANES_H

#include "bnnc/conv_loop.h"

#define BNNC_PIXELS 4
#ifndef BNNC_TILES
#define BNNC_TILES 2 /* or 1 */
#endif

/* What compilers need to be told. The loops around that over lanes must stay as they are, which
 * clang would vectorise. BNNC_LOAD_TILE(s, w) lets s[lane] be the weights at w and advances w:
 * without a copy whose source then moves, gcc would load the weights once for each use; a copy
 * makes clang use memory. */
#if defined(__clang__)
#define BNNC_TAP_LOOP _Pragma("clang loop vectorize(disable) unroll(disable)")
#define BNNC_LOAD_TILE(s, w)                                                                       \
    const float *s = w;                                                                            \
    w += BNNC_LANES
#else
#define BNNC_TAP_LOOP
#define BNNC_LOAD_TILE(s, w)                                                                       \
    bnnc_tile s;                                                                                   \
    memcpy(s, w, sizeof s);                                                                        \
    w += BNNC_LANES;                                                                               \
    BNNC_KEEP(w)
#endif

typedef float bnnc_tile[BNNC_LANES];
typedef bnnc_tile bnnc_sums[2]; /* of a pixel, the second where there are two tiles */

/* Pixels x0 + q * stride_w for q < pixels of one output row, and the tiles from channel oc on. */
typedef struct {
    const bnnc_conv2d *p;
    const float *image; /* x of this sample */
    const void *w;      /* the first of the tiles */
    bnnc_window window; /* of the first pixel; columns kw_lo, kw_hi are not used */
    int32_t pixels, tiles;
} bnnc_tiled_block;

/* A copy tile by tile: what was written as a vector is read as one, at once. */
BNNC_TEMPLATE void bnnc_copy_sums(bnnc_sums *to, bnnc_sums *from, int32_t pixels, int32_t tiles) {
    for (int32_t q = 0; q < pixels; ++q) {
        for (int32_t t = 0; t < tiles; ++t) {
            memcpy(to[q][t], from[q][t], sizeof to[q][t]);
        }
    }
}

/* acc = fl(acc + fl(x * w)) for one tap of up to four pixels, `next` floats apart, and the tiles s
 * and t; pixels and tiles are constants. */
BNNC_TEMPLATE void bnnc_add_lanes(bnnc_sums *acc, const float *x, ptrdiff_t next, const float *s,
                                  const float *t, int32_t pixels, int32_t tiles) {
    const float x0 = x[0], x1 = pixels > 1 ? x[next] : 0;
    const float x2 = pixels > 2 ? x[2 * next] : 0, x3 = pixels > 3 ? x[3 * next] : 0;
    BNNC_LANE_LOOP
    for (int32_t l = 0; l < BNNC_LANES; ++l) {
        acc[0][0][l] = acc[0][0][l] + x0 * s[l];
        if (tiles > 1) {
            acc[0][1][l] = acc[0][1][l] + x0 * t[l];
        }
        if (pixels > 1) {
            acc[1][0][l] = acc[1][0][l] + x1 * s[l];
        }
        if (pixels > 1 && tiles > 1) {
            acc[1][1][l] = acc[1][1][l] + x1 * t[l];
        }
        if (pixels > 2) {
            acc[2][0][l] = acc[2][0][l] + x2 * s[l];
        }
        if (pixels > 2 && tiles > 1) {
            acc[2][1][l] = acc[2][1][l] + x2 * t[l];
        }
        if (pixels > 3) {
            acc[3][0][l] = acc[3][0][l] + x3 * s[l];
        }
        if (pixels > 3 && tiles > 1) {
            acc[3][1][l] = acc[3][1][l] + x3 * t[l];
        }
    }
}

/* A run of n taps (all channels of neighbouring columns) to be added; `first` counts those before
 * it in the weights. Pixels lie x_pixel floats apart, taps x_step: 1, or 0 where all are the pad
 * value. Such runs of several rows of the kernel lie x_row floats apart, and follow each other in
 * the weights. */
typedef struct {
    const float *x;
    ptrdiff_t x_pixel, x_step, first, n, rows, x_row;
} bnnc_taps;

/* Add taps on the sums of `pixels` pixels. */
typedef void (*bnnc_add)(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,
                         int32_t pixels);

/* Defines such a function, `add`, from a template `add_taps` with two arguments more, constants:
 * pixels and tiles. Each pair of them is a function of its own, with few values to keep at a time.
 */
#define BNNC_DEFINE_ADD_OF(pixels, tiles)                                                          \
    BNNC_NOINLINE void add_##pixels##_##tiles(const bnnc_tiled_block *b, bnnc_sums *sum,           \
                                              const bnnc_taps *taps) {                             \
        add_taps(b, sum, taps, pixels, tiles);                                                     \
    }
#define BNNC_DEFINE_ADD_TILES(tiles)                                                               \
    BNNC_DEFINE_ADD_OF(1, tiles)                                                                   \
    BNNC_DEFINE_ADD_OF(2, tiles)                                                                   \
    BNNC_DEFINE_ADD_OF(3, tiles)                                                                   \
    BNNC_DEFINE_ADD_OF(4, tiles)                                                                   \
    BNNC_TEMPLATE void add_tiles_##tiles(const bnnc_tiled_block *b, bnnc_sums *sum,                \
                                         const bnnc_taps *taps, int32_t pixels) {                  \
        if (pixels == 4) {                                                                         \
            add_4_##tiles(b, sum, taps);                                                           \
        } else if (pixels == 3) {                                                                  \
            add_3_##tiles(b, sum, taps);                                                           \
        } else if (pixels == 2) {                                                                  \
            add_2_##tiles(b, sum, taps);                                                           \
        } else {                                                                                   \
            add_1_##tiles(b, sum, taps);                                                           \
        }                                                                                          \
    }
#if BNNC_TILES == 1
#define BNNC_DEFINE_ADD                                                                            \
    BNNC_DEFINE_ADD_TILES(1)                                                                       \
    static void add(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,              \
                    int32_t pixels) {                                                              \
        add_tiles_1(b, sum, taps, pixels);                                                         \
    }
#else
#define BNNC_DEFINE_ADD                                                                            \
    BNNC_DEFINE_ADD_TILES(1)                                                                       \
    BNNC_DEFINE_ADD_TILES(2)                                                                       \
    static void add(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,              \
                    int32_t pixels) {                                                              \
        if (b->tiles == 2) {                                                                       \
            add_tiles_2(b, sum, taps, pixels);                                                     \
        } else {                                                                                   \
            add_tiles_1(b, sum, taps, pixels);                                                     \
        }                                                                                          \
    }
#endif

/* Pixels from..to - 1 of the block see the pad value. Taps padded with 0 are left out. This does
 * not show for finite weights: their products are +-0, a sum is never -0 (it starts as +0, and
 * rounds to -0 only from two terms -0), and any other sum stays the same by adding +-0. */
BNNC_TEMPLATE void bnnc_add_pads(const bnnc_tiled_block *b, bnnc_sums *sum, int32_t from,
                                 int32_t to, ptrdiff_t first, ptrdiff_t n, bnnc_add add) {
    if (b->p->pad_value != 0) {
        const bnnc_taps taps = {&b->p->pad_value, 0, 0, first, n, 1, 0};
        for (int32_t q = from; q < to; ++q) {
            add(b, sum + q, &taps, 1);
        }
    }
}

/* Of pixels 0 .. b->pixels - 1, lo .. hi - 1 are those whose tap lies in the input, where the tap
 * of the first is at this column. */
BNNC_TEMPLATE void bnnc_pixels_inside(const bnnc_tiled_block *b, int32_t column, int32_t *lo,
                                      int32_t *hi) {
    *lo = 0;
    *hi = b->pixels;
    while (*lo < *hi && column + *lo * b->p->stride_w < 0) {
        ++*lo;
    }
    while (*hi > *lo && column + (*hi - 1) * b->p->stride_w >= b->p->iw) {
        --*hi;
    }
}

/* Row i of the kernel, inside the input, but not for all pixels in all columns: neighbouring taps
 * together that lie inside for the same pixels. */
BNNC_TEMPLATE void bnnc_add_border_row(const bnnc_tiled_block *b, bnnc_sums *sum, int32_t i,
                                       bnnc_add add) {
    const bnnc_conv2d *p = b->p;
    const ptrdiff_t row = (ptrdiff_t)(b->window.y0 + i * p->dilation_h) * p->iw;
    for (int32_t j = 0, next; j < p->kw; j = next) {
        const int32_t column = b->window.x0 + j * p->dilation_w;
        const ptrdiff_t first = ((ptrdiff_t)i * p->kw + j) * p->ic;
        int32_t lo, hi, same_lo, same_hi;
        bnnc_pixels_inside(b, column, &lo, &hi);
        for (next = j + 1; p->dilation_w == 1 && next < p->kw; ++next) {
            bnnc_pixels_inside(b, column + next - j, &same_lo, &same_hi);
            if (same_lo != lo || same_hi != hi) {
                break;
            }
        }
        const ptrdiff_t n = (ptrdiff_t)(next - j) * p->ic;
        bnnc_add_pads(b, sum, 0, lo, first, n, add);
        if (lo < hi) {
            const float *x = b->image + (row + column + lo * p->stride_w) * p->ic;
            const bnnc_taps taps = {x, (ptrdiff_t)p->stride_w * p->ic, 1, first, n, 1, 0};
            add(b, sum + lo, &taps, hi - lo);
        }
        bnnc_add_pads(b, sum, hi, b->pixels, first, n, add);
    }
}

/* All taps of a block in order. rows: whether `add` adds several rows at once. */
BNNC_TEMPLATE void bnnc_add_block(const bnnc_tiled_block *b, bnnc_sums *sum, bnnc_add add,
                                  int rows) {
    const bnnc_conv2d *p = b->p;
    const bnnc_window *v = &b->window;
    const int32_t last = v->x0 + (b->pixels - 1) * p->stride_w;
    const int inside = p->dilation_w == 1 && v->x0 >= 0 && last + p->kw <= p->iw;
    const ptrdiff_t n = (ptrdiff_t)p->kw * p->ic, down = (ptrdiff_t)p->dilation_h * p->iw;
    memset(sum, 0, BNNC_PIXELS * sizeof *sum);
    bnnc_add_pads(b, sum, 0, b->pixels, 0, v->kh_lo * n, add);
    for (int32_t i = v->kh_lo, next; i < v->kh_hi; i = next) {
        next = rows && inside ? v->kh_hi : i + 1;
        if (inside) {
            const ptrdiff_t pixel = (ptrdiff_t)v->y0 * p->iw + v->x0 + i * down;
            const bnnc_taps taps = {b->image + pixel * p->ic,
                                    (ptrdiff_t)p->stride_w * p->ic,
                                    1,
                                    i * n,
                                    n,
                                    next - i,
                                    down * p->ic};
            add(b, sum, &taps, b->pixels);
        } else {
            bnnc_add_border_row(b, sum, i, add);
        }
    }
    bnnc_add_pads(b, sum, 0, b->pixels, v->kh_hi * n, (p->kh - v->kh_hi) * n, add);
}

/* The sums of a block; a function that calls bnnc_add_block. */
typedef void (*bnnc_sum_block)(const bnnc_tiled_block *b, bnnc_sums *sum);

/* w_tile: bytes of the weights of a tile. Two tiles go over all pixels before the next two do:
 * their weights are what is largest. */
BNNC_TEMPLATE void bnnc_conv2d_tiled(const bnnc_conv2d *p, const float *x, const void *w,
                                     ptrdiff_t w_tile, const bnnc_end *end, bnnc_sum_block sum,
                                     bnnc_finish finish) {
    bnnc_tiled_block b = {p, x, w, {0, 0, 0, 0, 0, 0}, 0, 0};
    const int32_t tiles = (p->oc + BNNC_LANES - 1) / BNNC_LANES;
    for (int32_t tile = 0; tile < tiles; tile += BNNC_TILES) {
        ptrdiff_t pixel = 0;
        b.w = (const uint8_t *)w + tile * w_tile;
        b.tiles = tiles - tile < BNNC_TILES ? tiles - tile : BNNC_TILES;
        for (int32_t n = 0; n < p->n; ++n) {
            b.image = x + n * ((ptrdiff_t)p->ih * p->iw * p->ic);
            for (int32_t oy = 0; oy < p->oh; ++oy) {
                for (int32_t ox = 0; ox < p->ow; ox += b.pixels, pixel += b.pixels) {
                    bnnc_sums sums[BNNC_PIXELS];
                    b.pixels = p->ow - ox < BNNC_PIXELS ? p->ow - ox : BNNC_PIXELS;
                    b.window = bnnc_window_at(p, oy, ox);
                    sum(&b, sums);
                    for (int32_t q = 0; q < b.pixels; ++q) {
                        for (int32_t t = 0; t < b.tiles; ++t) {
                            const int32_t oc = (tile + t) * BNNC_LANES, left = p->oc - oc;
                            bnnc_accumulators acc;
                            memcpy(acc.f, sums[q][t], sizeof acc.f);
                            finish(p, end, pixel + q, oc, left < BNNC_LANES ? left : BNNC_LANES,
                                   &acc, 0);
                        }
                    }
                }
            }
        }
    }
}

#endif
