/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, float weights in tiles of 8 output channels,
 * [(oc + 7) / 8][kh][kw][ic][8], zeros behind the last channel; groups == 1; sums by fused
 * multiply-add. */
#include "bnnc/kernels.h"
#include "bnnc/neon_ends.h"
#include "bnnc/neon_lanes.h"

BNNC_TEMPLATE bnnc_lanes16 weights(const void *w, ptrdiff_t all, ptrdiff_t tap, int32_t tiles) {
    const float *s = (const float *)w + tap * BNNC_LANES, *t = tiles > 1 ? s + all * BNNC_LANES : s;
    const bnnc_lanes16 found = {vld1q_f32(s), vld1q_f32(s + 4), vld1q_f32(t), vld1q_f32(t + 4)};
    return found;
}

BNNC_TEMPLATE const char *weights_of(const void *w, ptrdiff_t tap) {
    return (const char *)w + tap * (ptrdiff_t)sizeof(bnnc_tile);
}

BNNC_TEMPLATE void add_taps(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,
                            int32_t pixels, int32_t tiles) {
    bnnc_add_vectors(b, sum, taps, pixels, tiles, weights, weights_of);
}

BNNC_DEFINE_ADD

BNNC_NOINLINE void sum_block(const bnnc_tiled_block *b, bnnc_sums *sum) {
    bnnc_add_block(b, sum, add, 1);
}

static ptrdiff_t tile_bytes(const bnnc_conv2d *p) {
    return (ptrdiff_t)p->kh * p->kw * p->ic * (ptrdiff_t)sizeof(bnnc_tile);
}

void BNNC_SYM(conv2d_ff_neon_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *bias, float *y) {
    const bnnc_end end = {NULL, NULL, bias, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_scaled_lanes);
}

void BNNC_SYM(conv2d_ff_neon_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_bits_lanes);
}

void BNNC_SYM(conv2d_ff_neon_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_levels_lanes);
}
