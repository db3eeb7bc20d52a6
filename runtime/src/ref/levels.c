/* SPDX-License-Identifier: 0BSD */
/* Between floats, plain bytes, and planes of levels or bits. */
#include "bnnc/levels.h"
#include "bnnc/kernels.h"

/* The level, or bit pattern, of element i, in channel c. */
typedef unsigned (*level_of)(const bnnc_levels *p, const void *x, ptrdiff_t i, const float *thr,
                             int32_t c);

BNNC_TEMPLATE ptrdiff_t plane_bytes(const bnnc_levels *p) {
    return (ptrdiff_t)p->rows * bnnc_bit_bytes(p->c);
}

/* Planes of what f makes of each element. */
BNNC_TEMPLATE void store_rows(const bnnc_levels *p, const void *x, const float *thr, uint8_t *y,
                              level_of f) {
    ptrdiff_t i = 0;
    for (int32_t r = 0; r < p->rows; ++r) {
        for (int32_t c = 0; c < p->c; c += 8) {
            const int32_t count = p->c - c < 8 ? p->c - c : 8;
            unsigned level[8] = {0};
            for (int32_t j = 0; j < count; ++j, ++i) {
                level[j] = f(p, x, i, thr, c + j);
            }
            bnnc_store_levels(level, p->bits, plane_bytes(p), y++);
        }
    }
}

BNNC_TEMPLATE unsigned passed(const bnnc_levels *p, const void *x, ptrdiff_t i, const float *thr,
                              int32_t c) {
    const float v = ((const float *)x)[i];
    unsigned level = 0;
    for (int32_t k = 0; k < p->levels; ++k) {
        level += !bnnc_below(v, thr[(ptrdiff_t)c * p->levels + k], p->nan_minus);
    }
    return level;
}

/* Distance from low, between 0 (NaN too) and levels. */
BNNC_TEMPLATE unsigned distance(const bnnc_levels *p, const void *x, ptrdiff_t i, const float *thr,
                                int32_t c) {
    const float d = ((const float *)x)[i] - (float)p->low;
    (void)thr;
    (void)c;
    if (!(d > 0)) {
        return 0;
    }
    return d < (float)p->levels ? (unsigned)d : (unsigned)p->levels;
}

BNNC_TEMPLATE unsigned byte(const bnnc_levels *p, const void *x, ptrdiff_t i, const float *thr,
                            int32_t c) {
    (void)p;
    (void)thr;
    (void)c;
    return ((const uint8_t *)x)[i];
}

/* A byte -1 has its highest bit set. */
BNNC_TEMPLATE unsigned minus(const bnnc_levels *p, const void *x, ptrdiff_t i, const float *thr,
                             int32_t c) {
    return byte(p, x, i, thr, c) >> 7;
}

void BNNC_SYM(quantize_f32)(const bnnc_levels *p, const float *x, const float *thr, uint8_t *y) {
    store_rows(p, x, thr, y, passed);
}

void BNNC_SYM(to_levels_f32)(const bnnc_levels *p, const float *x, uint8_t *y) {
    store_rows(p, x, NULL, y, distance);
}

void BNNC_SYM(bytes_to_levels)(const bnnc_levels *p, const uint8_t *x, uint8_t *y) {
    store_rows(p, x, NULL, y, byte);
}

void BNNC_SYM(bytes_to_bits)(const bnnc_levels *p, const uint8_t *x, uint8_t *y) {
    store_rows(p, x, NULL, y, minus);
}

void BNNC_SYM(levels_to_bytes)(const bnnc_levels *p, const uint8_t *x, uint8_t *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += bnnc_bit_bytes(p->c)) {
        for (int32_t c = 0; c < p->c; ++c) {
            *y++ = (uint8_t)bnnc_load_level(x, p->bits, plane_bytes(p), c);
        }
    }
}

void BNNC_SYM(bits_to_bytes)(const bnnc_levels *p, const uint8_t *x, uint8_t *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += bnnc_bit_bytes(p->c)) {
        for (int32_t c = 0; c < p->c; ++c) {
            *y++ = bnnc_load_level(x, p->bits, 0, c) ? 0xff : 1;
        }
    }
}

void BNNC_SYM(dequantize_f32)(const bnnc_levels *p, const uint8_t *x, float *y) {
    for (int32_t r = 0; r < p->rows; ++r, x += bnnc_bit_bytes(p->c)) {
        for (int32_t c = 0; c < p->c; ++c) {
            const float v = (float)bnnc_load_level(x, p->bits, plane_bytes(p), c);
            *y++ = v * p->scale + p->offset;
        }
    }
}
