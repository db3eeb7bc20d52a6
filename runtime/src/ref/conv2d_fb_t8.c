/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, bit weights in tiles of 8 output channels,
 * [(oc + 7) / 8][kh][kw][ic] bytes, bit l of a byte for channel l of the tile; groups == 1. */
#include "bnnc/kernels.h"
#include "bnnc/sign_tiles.h"

static ptrdiff_t tile_bytes(const bnnc_conv2d *p) { return (ptrdiff_t)p->kh * p->kw * p->ic; }

BNNC_TEMPLATE void add_taps(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,
                            int32_t pixels, int32_t tiles) {
    const float *x = taps->x;
    const uint8_t *w = (const uint8_t *)b->w + taps->first;
    const uint8_t *v = tiles > 1 ? w + tile_bytes(b->p) : w;
    bnnc_sums acc[BNNC_PIXELS];
    bnnc_copy_sums(acc, sum, pixels, tiles);
    BNNC_TAP_LOOP
    for (ptrdiff_t c = 0; c < taps->n; ++c, x += taps->x_step) {
        const float *s_signs = bnnc_sign_tiles[w[c]], *t_signs = bnnc_sign_tiles[v[c]];
        BNNC_LOAD_TILE(s, s_signs);
        BNNC_LOAD_TILE(t, t_signs);
        bnnc_add_lanes(acc, x, taps->x_pixel, s, t, pixels, tiles);
    }
    bnnc_copy_sums(sum, acc, pixels, tiles);
}

BNNC_DEFINE_ADD

BNNC_NOINLINE void sum_block(const bnnc_tiled_block *b, bnnc_sums *sum) {
    bnnc_add_block(b, sum, add, 0);
}

void BNNC_SYM(conv2d_fb_t8_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_scaled);
}

void BNNC_SYM(conv2d_fb_t8_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_bits);
}

void BNNC_SYM(conv2d_fb_t8_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_levels);
}
