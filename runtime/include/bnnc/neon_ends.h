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

/* The first `count` floats of eight. Fewer than eight channels are computed as eight are, since the
 * scalar unit of 32-bit ARM computes otherwise: it keeps denormals. */
BNNC_TEMPLATE void bnnc_copy_few(float *to, const float *from, int32_t count) {
    for (int32_t j = 0; j < count; ++j) {
        to[j] = from[j];
    }
}

BNNC_TEMPLATE void bnnc_finish_scaled_lanes(const bnnc_conv2d *p, const bnnc_end *end,
                                            ptrdiff_t pixel, int32_t oc, int32_t count,
                                            const bnnc_accumulators *acc, int integer) {
    float *y = (float *)end->y + pixel * p->oc + oc;
    (void)integer;
    if (count == BNNC_LANES) {
        bnnc_scale_lanes(end, oc, vld1q_f32(acc->f), y);
        bnnc_scale_lanes(end, oc + 4, vld1q_f32(acc->f + 4), y + 4);
    } else {
        float alpha[BNNC_LANES] = {0}, bias[BNNC_LANES] = {0}, some[BNNC_LANES];
        bnnc_end few = {NULL, NULL, NULL, NULL};
        if (end->alpha != NULL) {
            bnnc_copy_few(alpha, end->alpha + oc, count);
            few.alpha = alpha;
        }
        if (end->bias != NULL) {
            bnnc_copy_few(bias, end->bias + oc, count);
            few.bias = bias;
        }
        bnnc_scale_lanes(&few, 0, vld1q_f32(acc->f), some);
        bnnc_scale_lanes(&few, 4, vld1q_f32(acc->f + 4), some + 4);
        bnnc_copy_few(y, some, count);
    }
}

/* All ones where a sum is below its threshold. On 32-bit ARM the sign of the difference tells: one
 * that is flushed keeps it, that of equal infinities is a NaN without one, as is that of a NaN. A
 * comparison of floats gcc would make in the scalar unit, lane by lane, which keeps denormals. */
BNNC_TEMPLATE uint32x4_t bnnc_lanes_below(const float *acc, const float *thr, int nan_minus) {
    const float32x4_t v = vld1q_f32(acc), t = vld1q_f32(thr);
#if BNNC_NEON_FLUSHES
    const float32x4_t apart = vsubq_f32(vaddq_f32(v, vdupq_n_f32(0)), t); /* -0 is 0 */
    const uint32x4_t size = vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0x7fffffff));
    const uint32x4_t nan = vcgtq_u32(size, vdupq_n_u32(0x7f800000));
    const uint32x4_t below = vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_f32(apart), 31));
    return nan_minus ? vorrq_u32(below, nan) : below;
#else
    return nan_minus ? vmvnq_u32(vcgeq_f32(v, t)) : vcltq_f32(v, t);
#endif
}

BNNC_TEMPLATE void bnnc_finish_bits_lanes(const bnnc_conv2d *p, const bnnc_end *end,
                                          ptrdiff_t pixel, int32_t oc, int32_t count,
                                          const bnnc_accumulators *acc, int integer) {
    static const uint32_t bits[BNNC_LANES] = {1, 2, 4, 8, 16, 32, 64, 128};
    const float *thr = (const float *)end->thr + oc;
    float some[BNNC_LANES] = {0};
    (void)integer;
    if (count < BNNC_LANES) {
        bnnc_copy_few(some, thr, count);
        thr = some;
    }
    const uint32x4_t low = bnnc_lanes_below(acc->f, thr, p->nan_minus);
    const uint32x4_t high = bnnc_lanes_below(acc->f + 4, thr + 4, p->nan_minus);
    const uint32x4_t minus =
        vorrq_u32(vandq_u32(low, vld1q_u32(bits)), vandq_u32(high, vld1q_u32(bits + 4)));
    uint8_t *y = (uint8_t *)end->y + pixel * bnnc_bit_bytes(p->oc);
    y[oc / 8] = (uint8_t)(vaddvq_u32(minus) & ((1u << count) - 1));
}

BNNC_TEMPLATE void bnnc_finish_levels_lanes(const bnnc_conv2d *p, const bnnc_end *end,
                                            ptrdiff_t pixel, int32_t oc, int32_t count,
                                            const bnnc_accumulators *acc, int integer) {
    const ptrdiff_t row_bytes = bnnc_bit_bytes(p->oc);
    uint32x4_t low = vdupq_n_u32(0), high = low;
    unsigned level[BNNC_LANES];
    (void)integer;
    for (int32_t k = 0; k < p->levels; ++k) {
        const float *thr = (const float *)end->thr + (ptrdiff_t)oc * p->levels + k;
        float some[BNNC_LANES] = {0};
        for (int32_t j = 0; j < count; ++j) {
            some[j] = thr[(ptrdiff_t)j * p->levels];
        }
        low = vsubq_u32(low, vmvnq_u32(bnnc_lanes_below(acc->f, some, p->nan_minus)));
        high = vsubq_u32(high, vmvnq_u32(bnnc_lanes_below(acc->f + 4, some + 4, p->nan_minus)));
    }
    vst1q_u32(level, low);
    vst1q_u32(level + 4, high);
    for (int32_t j = count; j < BNNC_LANES; ++j) {
        level[j] = 0;
    }
    bnnc_store_levels(level, p->bits_out, (ptrdiff_t)p->n * p->oh * p->ow * row_bytes,
                      (uint8_t *)end->y + pixel * row_bytes + oc / 8);
}

#endif
