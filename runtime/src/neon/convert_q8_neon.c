/* SPDX-License-Identifier: 0BSD */
/* Between floats and quantized bytes, and functions of one byte; 64-bit ARM. */
#include "bnnc/fixed_point.h"
#include "bnnc/kernels.h"
#include "bnnc/neon_fixed_point.h"

typedef int32x4_t (*to_whole)(float32x4_t v);

/* Conversions give a bound of 32 bits for what is beyond it, and 0 for a NaN. */
BNNC_TEMPLATE int32x4_t halves_even(float32x4_t v) { return vcvtnq_s32_f32(v); }

BNNC_TEMPLATE int32x4_t halves_away(float32x4_t v) { return vcvtaq_s32_f32(v); }

BNNC_TEMPLATE void quantize(const bnnc_bytes *p, const float *x, uint8_t *y, to_whole whole) {
    const float32x4_t scale = vdupq_n_f32(p->scale);
    const int16x8_t zero = vdupq_n_s16((int16_t)p->y_zero), lo = vdupq_n_s16((int16_t)p->lo);
    const int16x8_t hi = vdupq_n_s16((int16_t)p->hi);
    int32_t left = p->count;
    for (; left > 0; left -= 8, x += 8, y += 8) {
        float few[8] = {0};
        const int32_t count = left < 8 ? left : 8;
        const float *from = x;
        if (count < 8) {
            memcpy(few, x, (size_t)count * sizeof *x);
            from = few;
        }
        const int32x4_t a = whole(vdivq_f32(vld1q_f32(from), scale));
        const int32x4_t b = whole(vdivq_f32(vld1q_f32(from + 4), scale));
        const uint8x8_t bytes = bnnc_to_bytes(a, b, zero, lo, hi);
        if (count == 8) {
            vst1_u8(y, bytes);
        } else {
            uint8_t rest[8];
            vst1_u8(rest, bytes);
            memcpy(y, rest, (size_t)count);
        }
    }
}

void BNNC_SYM(quantize_q8_neon)(const bnnc_bytes *p, const float *x, uint8_t *y) {
    if (p->halves_even) {
        quantize(p, x, y, halves_even);
    } else {
        quantize(p, x, y, halves_away);
    }
}

void BNNC_SYM(dequantize_q8_neon)(const bnnc_bytes *p, const uint8_t *x, float *y) {
    /* A byte without sign is one with sign, 128 higher. */
    const uint8x8_t turn = vdup_n_u8(p->x_unsigned ? 0x80 : 0);
    const int16x8_t zero = vdupq_n_s16((int16_t)(p->x_zero - (p->x_unsigned ? 128 : 0)));
    const float32x4_t scale = vdupq_n_f32(p->scale);
    int32_t i = 0;
    for (; i + 8 <= p->count; i += 8) {
        const int8x8_t bytes = vreinterpret_s8_u8(veor_u8(vld1_u8(x + i), turn));
        const int16x8_t v = vsubq_s16(vmovl_s8(bytes), zero);
        const float32x4_t a = vcvtq_f32_s32(vmovl_s16(vget_low_s16(v)));
        const float32x4_t b = vcvtq_f32_s32(vmovl_high_s16(v));
        vst1q_f32(y + i, vmulq_f32(a, scale));
        vst1q_f32(y + i + 4, vmulq_f32(b, scale));
    }
    for (; i < p->count; ++i) {
        y[i] = (float)(bnnc_byte(x[i], p->x_unsigned) - p->x_zero) * p->scale;
    }
}

/* The table fills sixteen registers; an index that is beyond a quarter leaves what was found. */
void BNNC_SYM(lookup_q8_neon)(const bnnc_bytes *p, const uint8_t *x, const uint8_t *table,
                              uint8_t *y) {
    const uint8_t lowest = p->x_unsigned ? 0 : 0x80;
    const uint8x16_t turn = vdupq_n_u8(lowest), quarter = vdupq_n_u8(64);
    int32_t i = 0;
    if (p->count >= 16) {
        const uint8x16x4_t a = vld1q_u8_x4(table), b = vld1q_u8_x4(table + 64);
        const uint8x16x4_t c = vld1q_u8_x4(table + 128), d = vld1q_u8_x4(table + 192);
        for (; i + 16 <= p->count; i += 16) {
            const uint8x16_t at = veorq_u8(vld1q_u8(x + i), turn), in_b = vsubq_u8(at, quarter);
            const uint8x16_t in_c = vsubq_u8(in_b, quarter), in_d = vsubq_u8(in_c, quarter);
            uint8x16_t found = vqtbl4q_u8(a, at);
            found = vqtbx4q_u8(found, b, in_b);
            found = vqtbx4q_u8(found, c, in_c);
            vst1q_u8(y + i, vqtbx4q_u8(found, d, in_d));
        }
    }
    for (; i < p->count; ++i) {
        y[i] = table[x[i] ^ lowest];
    }
}
