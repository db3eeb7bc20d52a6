/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, float weights in tiles of 8 output channels,
 * [(oc + 7) / 8][kh][kw][ic][8], zeros behind the last channel; groups == 1. */
#include "bnnc/conv_lanes.h"
#include "bnnc/kernels.h"

/* acc = fl(acc + fl(x * w)). */
BNNC_TEMPLATE void add_taps(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,
                            int32_t pixels, int32_t tiles) {
    const float *x = taps->x;
    const float *w = (const float *)b->w + taps->first * BNNC_LANES;
    const float *v = tiles > 1 ? w + (ptrdiff_t)b->p->kh * b->p->kw * b->p->ic * BNNC_LANES : w;
    const ptrdiff_t next = taps->x_pixel;
    bnnc_sums acc[BNNC_PIXELS];
    bnnc_copy_sums(acc, sum, pixels, tiles);
    BNNC_TAP_LOOP
    for (ptrdiff_t c = 0; c < taps->n; ++c, x += taps->x_step) {
        const float x0 = x[0], x1 = pixels > 1 ? x[next] : 0;
        const float x2 = pixels > 2 ? x[2 * next] : 0, x3 = pixels > 3 ? x[3 * next] : 0;
        BNNC_LOAD_TILE(s, w);
        BNNC_LOAD_TILE(t, v);
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
    bnnc_copy_sums(sum, acc, pixels, tiles);
}

/* Each a function of its own: few registers to allocate at a time. */
BNNC_NOINLINE void add_1_1(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps) {
    add_taps(b, sum, taps, 1, 1);
}
BNNC_NOINLINE void add_2_1(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps) {
    add_taps(b, sum, taps, 2, 1);
}
BNNC_NOINLINE void add_3_1(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps) {
    add_taps(b, sum, taps, 3, 1);
}
BNNC_NOINLINE void add_4_1(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps) {
    add_taps(b, sum, taps, 4, 1);
}
BNNC_NOINLINE void add_1_2(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps) {
    add_taps(b, sum, taps, 1, 2);
}
BNNC_NOINLINE void add_2_2(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps) {
    add_taps(b, sum, taps, 2, 2);
}
BNNC_NOINLINE void add_3_2(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps) {
    add_taps(b, sum, taps, 3, 2);
}
BNNC_NOINLINE void add_4_2(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps) {
    add_taps(b, sum, taps, 4, 2);
}

static void add(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps, int32_t pixels) {
    if (b->tiles == 2) {
        if (pixels == 4) {
            add_4_2(b, sum, taps);
        } else if (pixels == 3) {
            add_3_2(b, sum, taps);
        } else if (pixels == 2) {
            add_2_2(b, sum, taps);
        } else {
            add_1_2(b, sum, taps);
        }
    } else if (pixels == 4) {
        add_4_1(b, sum, taps);
    } else if (pixels == 3) {
        add_3_1(b, sum, taps);
    } else if (pixels == 2) {
        add_2_1(b, sum, taps);
    } else {
        add_1_1(b, sum, taps);
    }
}

BNNC_NOINLINE void sum_block(const bnnc_tiled_block *b, bnnc_sums *sum) {
    bnnc_add_block(b, sum, add);
}

static ptrdiff_t tile_bytes(const bnnc_conv2d *p) {
    return (ptrdiff_t)p->kh * p->kw * p->ic * (ptrdiff_t)sizeof(bnnc_tile);
}

void BNNC_SYM(conv2d_ff_t8_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *bias, float *y) {
    const bnnc_end end = {NULL, NULL, bias, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_scaled);
}

void BNNC_SYM(conv2d_ff_t8_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_bits);
}

void BNNC_SYM(conv2d_ff_t8_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_levels);
}
