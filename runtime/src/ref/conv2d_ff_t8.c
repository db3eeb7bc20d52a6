/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, float weights in tiles of 8 output channels,
 * [(oc + 7) / 8][kh][kw][ic][8], zeros behind the last channel; groups == 1. */
#include "bnnc/conv_lanes.h"
#include "bnnc/kernels.h"

BNNC_TEMPLATE void add_taps(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,
                            int32_t pixels, int32_t tiles) {
    const float *x = taps->x;
    const float *w = (const float *)b->w + taps->first * BNNC_LANES;
    const float *v = tiles > 1 ? w + (ptrdiff_t)b->p->kh * b->p->kw * b->p->ic * BNNC_LANES : w;
    bnnc_sums acc[BNNC_PIXELS];
    bnnc_copy_sums(acc, sum, pixels, tiles);
    BNNC_TAP_LOOP
    for (ptrdiff_t c = 0; c < taps->n; ++c, x += taps->x_step) {
        BNNC_LOAD_TILE(s, w);
        BNNC_LOAD_TILE(t, v);
        bnnc_add_lanes(acc, x, taps->x_pixel, s, t, pixels, tiles);
    }
    bnnc_copy_sums(sum, acc, pixels, tiles);
}

BNNC_DEFINE_ADD

BNNC_NOINLINE void sum_block(const bnnc_tiled_block *b, bnnc_sums *sum) {
    bnnc_add_block(b, sum, add, 0);
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
