/* SPDX-License-Identifier: 0BSD */
/* Pools of quantized bytes; 64-bit ARM. Sixteen channels are taken at once, the last ones of more
 * than sixteen together with some that were taken before. */
#include "bnnc/fixed_point.h"
#include "bnnc/kernels.h"
#include "bnnc/neon.h"
#include "bnnc/pool_loop.h"

#define CHANNELS 16

/* Channels c .. c + count - 1. */
typedef struct {
    const bnnc_pool2d *p;
    bnnc_pool_window v;
    const uint8_t *x; /* of this sample */
    int32_t c, count;
    uint8x16_t turn; /* makes bytes without sign ones with sign, 128 lower */
} block;

/* The channels of a pixel, with sign; others are 0 or -128. */
BNNC_TEMPLATE int8x16_t load(const block *b, int32_t iy, int32_t ix) {
    const uint8_t *x = b->x + ((ptrdiff_t)iy * b->p->iw + ix) * b->p->c + b->c;
    uint8x16_t bytes;
    if (b->count == CHANNELS) {
        bytes = vld1q_u8(x);
    } else {
        uint8_t few[CHANNELS] = {0};
        for (int32_t l = 0; l < b->count; ++l) {
            few[l] = x[l];
        }
        bytes = vld1q_u8(few);
    }
    return vreinterpretq_s8_u8(veorq_u8(bytes, b->turn));
}

BNNC_TEMPLATE void store(const block *b, uint8_t *y, uint8x16_t bytes) {
    if (b->count == CHANNELS) {
        vst1q_u8(y, bytes);
    } else {
        uint8_t few[CHANNELS];
        vst1q_u8(few, bytes);
        for (int32_t l = 0; l < b->count; ++l) {
            y[l] = few[l];
        }
    }
}

BNNC_TEMPLATE void largest(const block *b, uint8_t *y) {
    const int32_t lower = b->p->x_unsigned ? 128 : 0;
    int8x16_t most = vdupq_n_s8(-128);
    for (int32_t iy = b->v.y_lo; iy < b->v.y_hi; ++iy) {
        for (int32_t ix = b->v.x_lo; ix < b->v.x_hi; ++ix) {
            most = vmaxq_s8(most, load(b, iy, ix));
        }
    }
    most = vmaxq_s8(most, vdupq_n_s8((int8_t)(b->p->lo - lower)));
    most = vminq_s8(most, vdupq_n_s8((int8_t)(b->p->hi - lower)));
    store(b, y, veorq_u8(vreinterpretq_u8_s8(most), b->turn));
}

BNNC_TEMPLATE void average(const block *b, uint8_t *y) {
    const int32_t taps = (b->v.y_hi - b->v.y_lo) * (b->v.x_hi - b->v.x_lo);
    int32x4_t s0 = vdupq_n_s32(b->p->x_unsigned ? 128 * taps : 0), s1 = s0, s2 = s0, s3 = s0;
    int32_t sums[CHANNELS];
    for (int32_t iy = b->v.y_lo; iy < b->v.y_hi; ++iy) {
        for (int32_t ix = b->v.x_lo; ix < b->v.x_hi; ++ix) {
            const int8x16_t v = load(b, iy, ix);
            const int16x8_t low = vmovl_s8(vget_low_s8(v)), high = vmovl_high_s8(v);
            s0 = vaddw_s16(s0, vget_low_s16(low));
            s1 = vaddw_high_s16(s1, low);
            s2 = vaddw_s16(s2, vget_low_s16(high));
            s3 = vaddw_high_s16(s3, high);
        }
    }
    vst1q_s32(sums, s0);
    vst1q_s32(sums + 4, s1);
    vst1q_s32(sums + 8, s2);
    vst1q_s32(sums + 12, s3);
    for (int32_t l = 0; l < b->count; ++l) {
        const int64_t mean = bnnc_divide_away(sums[l], taps);
        y[l] = (uint8_t)bnnc_clamp(mean, b->p->lo, b->p->hi);
    }
}

typedef void (*pooled)(const block *b, uint8_t *y);

BNNC_TEMPLATE void each(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y, pooled of) {
    block b;
    b.p = p;
    b.x = x;
    b.count = p->c < CHANNELS ? p->c : CHANNELS;
    b.turn = vdupq_n_u8(p->x_unsigned ? 0x80 : 0);
    for (int32_t n = 0; n < p->n; ++n, b.x += (ptrdiff_t)p->ih * p->iw * p->c) {
        for (int32_t oy = 0; oy < p->oh; ++oy) {
            for (int32_t ox = 0; ox < p->ow; ++ox, y += p->c) {
                b.v = bnnc_pool_window_at(p, oy, ox);
                for (int32_t c = 0; c < p->c; c += CHANNELS) {
                    b.c = c + b.count <= p->c ? c : p->c - b.count;
                    of(&b, y + b.c);
                }
            }
        }
    }
}

void BNNC_SYM(max_pool_q8_neon)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y) {
    each(p, x, y, largest);
}

void BNNC_SYM(avg_pool_q8_neon)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y) {
    each(p, x, y, average);
}
