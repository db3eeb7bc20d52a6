/* SPDX-License-Identifier: 0BSD */
/* Sums of eight output channels, as integers, and what becomes of them. */
#ifndef BNNC_NEON_SUMS_H
#define BNNC_NEON_SUMS_H

#include "bnnc/neon_ends.h"

typedef struct {
    int32x4_t low, high;
} bnnc_sums8;

/* S = N - 2 D of so many products and the differences among them. */
BNNC_TEMPLATE bnnc_sums8 bnnc_sums_of(int32_t products, uint16x8_t differ) {
    const int32x4_t all = vdupq_n_s32(products);
    const uint32x4_t low = vshll_n_u16(vget_low_u16(differ), 1);
    const uint32x4_t high = vshll_n_u16(vget_high_u16(differ), 1);
    const bnnc_sums8 sums = {vsubq_s32(all, vreinterpretq_s32_u32(low)),
                             vsubq_s32(all, vreinterpretq_s32_u32(high))};
    return sums;
}

/* Channels oc .. oc + count - 1, where results go: of a layer on bits or levels. */
typedef struct {
    const bnnc_conv2d *p;
    const bnnc_end *end;
    uint8_t *bytes; /* of bits: where those of these channels begin */
    int32_t oc, count;
} bnnc_channels8;

/* Thresholds; nothing is below those of channels that are not there. */
BNNC_TEMPLATE bnnc_sums8 bnnc_thresholds_of(const bnnc_channels8 *c) {
    const int32_t *given = (const int32_t *)c->end->thr + c->oc;
    int32_t thr[BNNC_LANES];
    if (c->count == BNNC_LANES) {
        const bnnc_sums8 all = {vld1q_s32(given), vld1q_s32(given + 4)};
        return all;
    }
    for (int32_t l = 0; l < BNNC_LANES; ++l) {
        thr[l] = l < c->count ? given[l] : INT32_MIN;
    }
    const bnnc_sums8 found = {vld1q_s32(thr), vld1q_s32(thr + 4)};
    return found;
}

BNNC_TEMPLATE void bnnc_finish_sums(const bnnc_channels8 *c, ptrdiff_t at, bnnc_sums8 s,
                                    bnnc_finish finish) {
    bnnc_accumulators acc;
    vst1q_s32(acc.i, s.low);
    vst1q_s32(acc.i + 4, s.high);
    finish(c->p, c->end, at, c->oc, c->count, &acc, 1);
}

/* Floats; at counts pixels. Vectors of 32-bit ARM flush denormals, which its scalars keep. */
BNNC_TEMPLATE void bnnc_scale_sums(const bnnc_channels8 *c, ptrdiff_t at, bnnc_sums8 s) {
    if (c->count == BNNC_LANES && !BNNC_NEON_FLUSHES) {
        float *y = (float *)c->end->y + at * c->p->oc + c->oc;
        bnnc_scale_lanes(c->end, c->oc, vcvtq_f32_s32(s.low), y);
        bnnc_scale_lanes(c->end, c->oc + 4, vcvtq_f32_s32(s.high), y + 4);
    } else {
        bnnc_finish_sums(c, at, s, bnnc_finish_scaled);
    }
}

#endif
