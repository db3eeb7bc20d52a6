/* SPDX-License-Identifier: 0BSD */
/* The ends of layers, eight output channels at once. */
#ifndef BNNC_NEON_ENDS_H
#define BNNC_NEON_ENDS_H

#include "bnnc/conv_loop.h"
#include "bnnc/neon.h"

/* v * alpha + bias of four channels, with the factors that are not NULL; rounded twice. -0 is 0, as
 * bnnc_finish_scaled has it. */
BNNC_TEMPLATE void bnnc_scale_lanes(const bnnc_end *end, int32_t oc, float32x4_t v, float *y) {
    v = vaddq_f32(v, vdupq_n_f32(0));
    if (end->alpha != NULL) {
        v = vmulq_f32(v, vld1q_f32(end->alpha + oc));
    }
    if (end->bias != NULL) {
        v = vaddq_f32(v, vld1q_f32(end->bias + oc));
    }
    vst1q_f32(y, v);
}

BNNC_TEMPLATE void bnnc_finish_scaled_lanes(const bnnc_conv2d *p, const bnnc_end *end,
                                            ptrdiff_t pixel, int32_t oc, int32_t count,
                                            const bnnc_accumulators *acc, int integer) {
    float *y = (float *)end->y + pixel * p->oc + oc;
    if (count == BNNC_LANES) {
        bnnc_scale_lanes(end, oc, vld1q_f32(acc->f), y);
        bnnc_scale_lanes(end, oc + 4, vld1q_f32(acc->f + 4), y + 4);
    } else {
        bnnc_finish_scaled(p, end, pixel, oc, count, acc, integer);
    }
}

/* All ones where a sum is below its threshold. */
BNNC_TEMPLATE uint32x4_t bnnc_lanes_below(const float *acc, const float *thr, int nan_minus) {
    const float32x4_t v = vld1q_f32(acc), t = vld1q_f32(thr);
    return nan_minus ? vmvnq_u32(vcgeq_f32(v, t)) : vcltq_f32(v, t);
}

BNNC_TEMPLATE void bnnc_finish_bits_lanes(const bnnc_conv2d *p, const bnnc_end *end,
                                          ptrdiff_t pixel, int32_t oc, int32_t count,
                                          const bnnc_accumulators *acc, int integer) {
    static const uint32_t bits[BNNC_LANES] = {1, 2, 4, 8, 16, 32, 64, 128};
    const float *thr = (const float *)end->thr + oc;
    if (count == BNNC_LANES) {
        const uint32x4_t low = bnnc_lanes_below(acc->f, thr, p->nan_minus);
        const uint32x4_t high = bnnc_lanes_below(acc->f + 4, thr + 4, p->nan_minus);
        const uint32x4_t minus =
            vorrq_u32(vandq_u32(low, vld1q_u32(bits)), vandq_u32(high, vld1q_u32(bits + 4)));
        uint8_t *y = (uint8_t *)end->y + pixel * bnnc_bit_bytes(p->oc);
        y[oc / 8] = (uint8_t)vaddvq_u32(minus);
    } else {
        bnnc_finish_bits(p, end, pixel, oc, count, acc, integer);
    }
}

#endif
