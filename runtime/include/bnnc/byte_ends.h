/* SPDX-License-Identifier: 0BSD */
/* What becomes of the accumulators of layers of quantized bytes: bytes, sums, floats, bits or
 * levels. */
#ifndef BNNC_BYTE_ENDS_H
#define BNNC_BYTE_ENDS_H

#include "bnnc/conv_loop.h"
#include "bnnc/fixed_point.h"

/* Bias, and what makes bytes, bits or levels of accumulators. */
typedef struct {
    const int32_t *bias;
    const void *multiplier; /* int32_t with shift, float without, or NULL */
    const int32_t *shift;
    const int32_t *thr;
    void *y;
} bnnc_byte_end;

/* Use the accumulators, without bias, of channels oc .. oc + count - 1 of an output pixel, pixels
 * numbered through all samples. At most 8 channels; oc is a multiple of 8. */
typedef void (*bnnc_finish_bytes)(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                  int32_t oc, int32_t count, const int32_t *acc);

BNNC_TEMPLATE int32_t bnnc_biased(const bnnc_byte_end *end, int32_t oc, int32_t acc) {
    return end->bias == NULL ? acc : acc + end->bias[oc];
}

BNNC_TEMPLATE void bnnc_end_sums(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                 int32_t oc, int32_t count, const int32_t *acc) {
    int32_t *y = (int32_t *)end->y + pixel * p->oc + oc;
    for (int32_t j = 0; j < count; ++j) {
        y[j] = bnnc_biased(end, oc + j, acc[j]);
    }
}

BNNC_TEMPLATE void bnnc_end_fixed(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                  int32_t oc, int32_t count, const int32_t *acc) {
    const int32_t *multiplier = (const int32_t *)end->multiplier + oc, *shift = end->shift + oc;
    uint8_t *y = (uint8_t *)end->y + pixel * p->oc + oc;
    for (int32_t j = 0; j < count; ++j) {
        const int32_t v = bnnc_biased(end, oc + j, acc[j]);
        const int64_t scaled = p->round_twice ? bnnc_multiply_double(v, multiplier[j], shift[j])
                                              : bnnc_multiply_single(v, multiplier[j], shift[j]);
        y[j] = (uint8_t)bnnc_clamp(scaled + p->y_zero, p->lo, p->hi);
    }
}

BNNC_TEMPLATE void bnnc_end_float(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                  int32_t oc, int32_t count, const int32_t *acc) {
    const float *multiplier = (const float *)end->multiplier + oc;
    uint8_t *y = (uint8_t *)end->y + pixel * p->oc + oc;
    for (int32_t j = 0; j < count; ++j) {
        const float scaled = (float)bnnc_biased(end, oc + j, acc[j]) * multiplier[j];
        y[j] = (uint8_t)bnnc_clamp((int64_t)bnnc_round_even(scaled) + p->y_zero, p->lo, p->hi);
    }
}

BNNC_TEMPLATE void bnnc_end_cut(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                int32_t oc, int32_t count, const int32_t *acc, bnnc_finish finish) {
    const bnnc_end cut = {end->thr, NULL, NULL, end->y};
    bnnc_accumulators biased;
    for (int32_t j = 0; j < count; ++j) {
        biased.i[j] = bnnc_biased(end, oc + j, acc[j]);
    }
    finish(p, &cut, pixel, oc, count, &biased, 1);
}

BNNC_TEMPLATE void bnnc_end_bits(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                 int32_t oc, int32_t count, const int32_t *acc) {
    bnnc_end_cut(p, end, pixel, oc, count, acc, bnnc_finish_bits);
}

BNNC_TEMPLATE void bnnc_end_levels(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                   int32_t oc, int32_t count, const int32_t *acc) {
    bnnc_end_cut(p, end, pixel, oc, count, acc, bnnc_finish_levels);
}

/* What sums stand for, where scale and zero point of x are measured at run time. */
typedef struct {
    float scale; /* of x */
    const float *w_scale, *bias;
} bnnc_real_end;

/* A layer as it is with the zero point that was measured. */
BNNC_TEMPLATE bnnc_conv2d bnnc_with_zero(const bnnc_conv2d *p, const float *levels) {
    bnnc_conv2d own = *p;
    own.x_zero = bnnc_dynamic_zero(levels);
    return own;
}

/* end->multiplier is a bnnc_real_end. */
BNNC_TEMPLATE void bnnc_end_real(const bnnc_conv2d *p, const bnnc_byte_end *end, ptrdiff_t pixel,
                                 int32_t oc, int32_t count, const int32_t *acc) {
    const bnnc_real_end *real = (const bnnc_real_end *)end->multiplier;
    float *y = (float *)end->y + pixel * p->oc + oc;
    for (int32_t j = 0; j < count; ++j) {
        y[j] = (float)acc[j] * (real->scale * real->w_scale[oc + j]);
        if (real->bias != NULL) {
            y[j] += real->bias[oc + j];
        }
    }
}

/* The same for the sums of all pixels, which lie in the memory of y. */
BNNC_TEMPLATE void bnnc_real_sums(const bnnc_conv2d *p, const float *levels, const float *w_scale,
                                  const float *bias, float *y) {
    for (ptrdiff_t left = (ptrdiff_t)p->n * p->oh * p->ow; left > 0; --left, y += p->oc) {
        for (int32_t o = 0; o < p->oc; ++o) {
            int32_t sum;
            memcpy(&sum, y + o, sizeof sum);
            y[o] = (float)sum * (levels[0] * w_scale[o]);
            if (bias != NULL) {
                y[o] += bias[o];
            }
        }
    }
}

#endif
