/* SPDX-License-Identifier: 0BSD */
/* Floats to bits; 64-bit ARM. */
#include "bnnc/cut_rows.h"
#include "bnnc/kernels.h"
#include "bnnc/neon.h"

/* All ones where x is below t. */
BNNC_TEMPLATE uint16x4_t below(const float *x, const float *thr, int nan_minus) {
    const float32x4_t v = vld1q_f32(x), t = thr != NULL ? vld1q_f32(thr) : vdupq_n_f32(0);
    return vmovn_u32(nan_minus ? vmvnq_u32(vcgeq_f32(v, t)) : vcltq_f32(v, t));
}

BNNC_TEMPLATE uint8x8_t below8(const float *x, const float *thr, int nan_minus) {
    const float *high = thr != NULL ? thr + 4 : NULL;
    return vmovn_u16(vcombine_u16(below(x, thr, nan_minus), below(x + 4, high, nan_minus)));
}

/* Sixteen floats to two bytes, which are written when all are read: y may be the buffer of x. */
BNNC_TEMPLATE void cut_rows(const bnnc_rows *p, const float *x, const float *thr, uint8_t *y,
                            int nan_minus) {
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(bits);
    for (int32_t r = 0; r < p->rows; ++r, x += p->c, y += bnnc_bit_bytes(p->c)) {
        int32_t c = 0;
        for (; c + 16 <= p->c; c += 16) {
            const float *t = thr != NULL ? thr + c : NULL, *u = thr != NULL ? t + 8 : NULL;
            const uint8x8_t low = below8(x + c, t, nan_minus);
            const uint8x8_t high = below8(x + c + 8, u, nan_minus);
            uint8x16_t v = vandq_u8(vcombine_u8(low, high), bit);
            v = vpaddq_u8(v, v);
            v = vpaddq_u8(v, v);
            v = vpaddq_u8(v, v);
            y[c / 8] = vgetq_lane_u8(v, 0);
            y[c / 8 + 1] = vgetq_lane_u8(v, 1);
        }
        bnnc_cut_rest(p, x, thr, c, y);
    }
}

void BNNC_SYM(pack_bits_neon)(const bnnc_rows *p, const float *x, uint8_t *y) {
    if (p->nan_minus) {
        cut_rows(p, x, NULL, y, 1);
    } else {
        cut_rows(p, x, NULL, y, 0);
    }
}

void BNNC_SYM(threshold_f32_neon)(const bnnc_rows *p, const float *x, const float *thr,
                                  uint8_t *y) {
    if (p->nan_minus) {
        cut_rows(p, x, thr, y, 1);
    } else {
        cut_rows(p, x, thr, y, 0);
    }
}
