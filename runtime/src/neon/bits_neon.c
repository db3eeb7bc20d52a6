/* SPDX-License-Identifier: 0BSD */
/* Between floats and bits, and bits to bits; 64-bit ARM. */
#include "bnnc/cut_rows.h"
#include "bnnc/kernels.h"
#include "bnnc/neon_bits.h"

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
    for (int32_t r = 0; r < p->rows; ++r, x += p->c, y += bnnc_bit_bytes(p->c)) {
        int32_t c = 0;
        for (; c + 16 <= p->c; c += 16) {
            const float *t = thr != NULL ? thr + c : NULL, *u = thr != NULL ? t + 8 : NULL;
            const uint8x8_t low = below8(x + c, t, nan_minus);
            const uint8x8_t high = below8(x + c + 8, u, nan_minus);
            bnnc_store_bits(y + c / 8, vcombine_u8(low, high));
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

/* Four floats +-1. The bit for each lane is moved to the place of the sign; behind it a shift and
 * insert puts the rest of 1.0f. */
BNNC_TEMPLATE float32x4_t ones(uint32x4_t byte, int32x4_t to_sign) {
    const uint32x4_t sign = vshlq_u32(byte, to_sign);
    return vreinterpretq_f32_u32(vsriq_n_u32(sign, vdupq_n_u32(0x7f000000), 1));
}

void BNNC_SYM(unpack_bits_neon)(const bnnc_rows *p, const uint8_t *x, float *y) {
    static const int32_t places[8] = {31, 30, 29, 28, 27, 26, 25, 24};
    const int32x4_t low = vld1q_s32(places), high = vld1q_s32(places + 4);
    for (int32_t r = 0; r < p->rows; ++r, x += bnnc_bit_bytes(p->c), y += p->c) {
        int32_t c = 0;
        for (; c + 8 <= p->c; c += 8) {
            const uint32x4_t byte = vdupq_n_u32(x[c / 8]);
            vst1q_f32(y + c, ones(byte, low));
            vst1q_f32(y + c + 4, ones(byte, high));
        }
        for (; c < p->c; ++c) {
            y[c] = x[c / 8] >> (c % 8) & 1 ? -1.0f : 1.0f;
        }
    }
}

void BNNC_SYM(bits_flip_neon)(const bnnc_rows *p, const uint8_t *x, const uint8_t *flip,
                              uint8_t *y) {
    const int32_t bytes = bnnc_bit_bytes(p->c);
    for (int32_t r = 0; r < p->rows; ++r, x += bytes, y += bytes) {
        int32_t k = 0;
        for (; k + 16 <= bytes; k += 16) {
            vst1q_u8(y + k, veorq_u8(vld1q_u8(x + k), vld1q_u8(flip + k)));
        }
        if (k + 8 <= bytes) {
            vst1_u8(y + k, veor_u8(vld1_u8(x + k), vld1_u8(flip + k)));
            k += 8;
        }
        for (; k < bytes; ++k) {
            y[k] = (uint8_t)(x[k] ^ flip[k]);
        }
    }
}
