/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, bit weights in tiles of 8 output channels,
 * [(oc + 7) / 8][kh][kw][ic] bytes, bit l of a byte for channel l of the tile; groups == 1.
 * Products with +-1 are exact, so that a fused multiply-add gives what a product and a sum give. */
#include "bnnc/kernels.h"
#include "bnnc/neon_ends.h"
#include "bnnc/neon_lanes.h"
#include "bnnc/sign_tiles.h"

static ptrdiff_t tile_bytes(const bnnc_conv2d *p) { return (ptrdiff_t)p->kh * p->kw * p->ic; }

BNNC_TEMPLATE bnnc_lanes16 weights(const void *w, ptrdiff_t all, ptrdiff_t tap, int32_t tiles) {
    const uint8_t *byte = (const uint8_t *)w + tap;
    const float *s = bnnc_sign_tiles[*byte], *t = tiles > 1 ? bnnc_sign_tiles[byte[all]] : s;
    const bnnc_lanes16 found = {vld1q_f32(s), vld1q_f32(s + 4), vld1q_f32(t), vld1q_f32(t + 4)};
    return found;
}

BNNC_TEMPLATE void add_taps(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,
                            int32_t pixels, int32_t tiles) {
    bnnc_add_vectors(b, sum, taps, pixels, tiles, weights, NULL);
}

BNNC_DEFINE_ADD

BNNC_NOINLINE void sum_block(const bnnc_tiled_block *b, bnnc_sums *sum) {
    bnnc_add_block(b, sum, add, 1);
}

void BNNC_SYM(conv2d_fb_neon_f32)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                  const float *alpha, const float *bias, float *y) {
    const bnnc_end end = {NULL, alpha, bias, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_scaled_lanes);
}

void BNNC_SYM(conv2d_fb_neon_thr)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                  const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_bits_lanes);
}

void BNNC_SYM(conv2d_fb_neon_lvl)(const bnnc_conv2d *p, const float *x, const uint8_t *w,
                                  const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_levels_lanes);
}
