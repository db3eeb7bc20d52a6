/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers: float activations, float weights in tiles of 8 output channels,
 * [(oc + 7) / 8][kh][kw][ic][8], zeros behind the last channel; groups == 1; sums by fused
 * multiply-add. */
#include "bnnc/kernels.h"
#include "bnnc/neon_lanes.h"

BNNC_TEMPLATE bnnc_tap_weights weights(const bnnc_tiled_block *b, ptrdiff_t tap, int32_t tiles) {
    const ptrdiff_t next = (ptrdiff_t)b->p->kh * b->p->kw * b->p->ic * BNNC_LANES;
    const float *w = (const float *)b->w + tap * BNNC_LANES, *v = tiles > 1 ? w + next : w;
    const bnnc_tap_weights found = {vld1q_f32(w), vld1q_f32(w + 4), vld1q_f32(v), vld1q_f32(v + 4)};
    return found;
}

BNNC_TEMPLATE void add_taps(const bnnc_tiled_block *b, bnnc_sums *sum, const bnnc_taps *taps,
                            int32_t pixels, int32_t tiles) {
    bnnc_add_fused(b, sum, taps, pixels, tiles, weights);
}

BNNC_DEFINE_ADD

BNNC_NOINLINE void sum_block(const bnnc_tiled_block *b, bnnc_sums *sum) {
    bnnc_add_block(b, sum, add);
}

static ptrdiff_t tile_bytes(const bnnc_conv2d *p) {
    return (ptrdiff_t)p->kh * p->kw * p->ic * (ptrdiff_t)sizeof(bnnc_tile);
}

void BNNC_SYM(conv2d_ff_neon_f32)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *bias, float *y) {
    const bnnc_end end = {NULL, NULL, bias, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_scaled);
}

void BNNC_SYM(conv2d_ff_neon_thr)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_bits);
}

void BNNC_SYM(conv2d_ff_neon_lvl)(const bnnc_conv2d *p, const float *x, const float *w,
                                  const float *thr, uint8_t *y) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_tiled(p, x, w, tile_bytes(p), &end, sum_block, bnnc_finish_levels);
}
