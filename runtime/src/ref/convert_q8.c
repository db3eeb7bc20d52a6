/* SPDX-License-Identifier: 0BSD */
/* Between floats and quantized bytes, between bytes of two scales, and functions of one byte. */
#include "bnnc/fixed_point.h"
#include "bnnc/kernels.h"

void BNNC_SYM(quantize_q8)(const bnnc_bytes *p, const float *x, uint8_t *y) {
    for (int32_t i = 0; i < p->count; ++i) {
        const float steps = x[i] / p->scale;
        const int32_t whole = p->halves_even ? bnnc_round_even(steps) : bnnc_round_away(steps);
        y[i] = (uint8_t)bnnc_clamp((int64_t)whole + p->y_zero, p->lo, p->hi);
    }
}

void BNNC_SYM(dequantize_q8)(const bnnc_bytes *p, const uint8_t *x, float *y) {
    for (int32_t i = 0; i < p->count; ++i) {
        y[i] = (float)(bnnc_byte(x[i], p->x_unsigned) - p->x_zero) * p->scale;
    }
}

void BNNC_SYM(dequantize_i32)(const bnnc_bytes *p, const int32_t *x, float *y) {
    for (int32_t i = 0; i < p->count; ++i) {
        y[i] = (float)((int64_t)x[i] - p->x_zero) * p->scale;
    }
}

void BNNC_SYM(dynamic_levels_f32)(const bnnc_bytes *p, const float *x, float *y) {
    const float most = 85070591730234615865843651857942052864.0f; /* 2^126 */
    float low = 0.0f, high = 0.0f;
    for (int32_t i = 0; i < p->count; ++i) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    low = low < -most ? -most : low;
    high = high > most ? most : high;
    y[0] = (high - low) / 255.0f;
    if (y[0] == 0.0f) {
        y[0] = 1.0f;
    }
    y[1] = (float)bnnc_clamp(bnnc_round_even(-low / y[0]), 0, 255);
}

void BNNC_SYM(dynamic_quantize_f32)(const bnnc_bytes *p, const float *x, const float *levels,
                                    uint8_t *y) {
    const int32_t zero = bnnc_dynamic_zero(levels);
    for (int32_t i = 0; i < p->count; ++i) {
        y[i] = (uint8_t)bnnc_clamp(bnnc_round_even(x[i] / levels[0]) + zero, 0, 255);
    }
}

void BNNC_SYM(requantize_q8)(const bnnc_bytes *p, const uint8_t *x, uint8_t *y) {
    for (int32_t i = 0; i < p->count; ++i) {
        const int32_t v = bnnc_byte(x[i], p->x_unsigned) - p->x_zero;
        const int64_t scaled = p->round_twice ? bnnc_multiply_double(v, p->multiplier, p->shift)
                                              : bnnc_multiply_single(v, p->multiplier, p->shift);
        y[i] = (uint8_t)bnnc_clamp(scaled + p->y_zero, p->lo, p->hi);
    }
}

void BNNC_SYM(clamp_q8)(const bnnc_bytes *p, const uint8_t *x, uint8_t *y) {
    for (int32_t i = 0; i < p->count; ++i) {
        y[i] = (uint8_t)bnnc_clamp(bnnc_byte(x[i], p->x_unsigned), p->lo, p->hi);
    }
}

void BNNC_SYM(lookup_q8)(const bnnc_bytes *p, const uint8_t *x, const uint8_t *table, uint8_t *y) {
    const uint8_t lowest = p->x_unsigned ? 0 : 0x80;
    for (int32_t i = 0; i < p->count; ++i) {
        y[i] = table[x[i] ^ lowest];
    }
}
