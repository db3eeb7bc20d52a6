/* SPDX-License-Identifier: 0BSD */
/* Pools and means of quantized bytes. */
#include "bnnc/fixed_point.h"
#include "bnnc/kernels.h"
#include "bnnc/pool_loop.h"

typedef int32_t (*pooled)(const bnnc_pool2d *p, const bnnc_pool_window *v, const uint8_t *x);

BNNC_TEMPLATE void each(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y, pooled of) {
    for (int32_t n = 0; n < p->n; ++n, x += (ptrdiff_t)p->ih * p->iw * p->c) {
        for (int32_t oy = 0; oy < p->oh; ++oy) {
            for (int32_t ox = 0; ox < p->ow; ++ox) {
                const bnnc_pool_window v = bnnc_pool_window_at(p, oy, ox);
                for (int32_t c = 0; c < p->c; ++c) {
                    *y++ = (uint8_t)bnnc_clamp(of(p, &v, x + c), p->lo, p->hi);
                }
            }
        }
    }
}

BNNC_TEMPLATE int32_t largest(const bnnc_pool2d *p, const bnnc_pool_window *v, const uint8_t *x) {
    int32_t found = -128;
    for (int32_t iy = v->y_lo; iy < v->y_hi; ++iy) {
        for (int32_t ix = v->x_lo; ix < v->x_hi; ++ix) {
            const uint8_t byte = x[((ptrdiff_t)iy * p->iw + ix) * p->c];
            const int32_t value = bnnc_byte(byte, p->x_unsigned);
            found = value > found ? value : found;
        }
    }
    return found;
}

BNNC_TEMPLATE int32_t average(const bnnc_pool2d *p, const bnnc_pool_window *v, const uint8_t *x) {
    int32_t sum = 0;
    for (int32_t iy = v->y_lo; iy < v->y_hi; ++iy) {
        for (int32_t ix = v->x_lo; ix < v->x_hi; ++ix) {
            sum += bnnc_byte(x[((ptrdiff_t)iy * p->iw + ix) * p->c], p->x_unsigned);
        }
    }
    return (int32_t)bnnc_divide_away(sum, (int64_t)(v->y_hi - v->y_lo) * (v->x_hi - v->x_lo));
}

void BNNC_SYM(max_pool_q8)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y) {
    each(p, x, y, largest);
}

void BNNC_SYM(avg_pool_q8)(const bnnc_pool2d *p, const uint8_t *x, uint8_t *y) {
    each(p, x, y, average);
}

void BNNC_SYM(mean_q8)(const bnnc_bytes_mean *p, const uint8_t *x, uint8_t *y) {
    for (int32_t o = 0; o < p->outer; ++o, x += (ptrdiff_t)p->count * p->inner) {
        for (int32_t i = 0; i < p->inner; ++i) {
            int32_t sum = 0;
            int64_t scaled;
            for (int32_t k = 0; k < p->count; ++k) {
                sum += bnnc_byte(x[(ptrdiff_t)k * p->inner + i], p->x_unsigned) - p->x_zero;
            }
            scaled = bnnc_multiply_double(sum, p->multiplier, p->shift);
            *y++ = (uint8_t)bnnc_clamp(scaled + p->y_zero, p->lo, p->hi);
        }
    }
}
