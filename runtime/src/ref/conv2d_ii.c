/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes, weights [oc][kh][kw][ic / groups] of 8 or 16
 * bits without zero point. */
#include "bnnc/conv_loop.h"
#include "bnnc/fixed_point.h"
#include "bnnc/kernels.h"

/* Bias, and what makes bytes of accumulators. */
typedef struct {
    const int32_t *bias;
    const void *multiplier; /* int32_t with shift, float without, or NULL: y is accumulators */
    const int32_t *shift;
    void *y;
} scaling;

/* acc = sum of (x - x_zero) * w over the taps that lie in the input: padding is the zero point. */
BNNC_TEMPLATE void accumulate(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc,
                              int wide) {
    const bnnc_conv2d *p = b->p;
    const int32_t channels = p->ic / p->groups;
    const ptrdiff_t row = (ptrdiff_t)p->kh * p->kw * channels;
    const uint8_t *image = (const uint8_t *)b->image + (ptrdiff_t)b->group * channels;
    /* A byte without sign is one with sign, 128 higher. */
    const uint8_t turned = p->x_unsigned ? 0x80 : 0;
    const int32_t zero = p->x_zero - turned;
    int32_t sum[BNNC_LANES] = {0};
    for (int32_t i = b->window.kh_lo; i < b->window.kh_hi; ++i) {
        for (int32_t j = b->window.kw_lo; j < b->window.kw_hi; ++j) {
            const uint8_t *x = image + bnnc_tap_pixel(b, i, j) * p->ic;
            const ptrdiff_t at = b->oc * row + ((ptrdiff_t)i * p->kw + j) * channels;
            for (int32_t l = 0; l < lanes; ++l) {
                const int8_t *w8 = (const int8_t *)b->w + at + l * row;
                const int16_t *w16 = (const int16_t *)b->w + at + l * row;
                int32_t dot = 0;
                for (int32_t c = 0; c < channels; ++c) {
                    const int32_t v = (int8_t)(x[c] ^ turned) - zero;
                    dot += (int16_t)v * (wide ? w16[c] : w8[c]);
                }
                sum[l] += dot;
            }
        }
    }
    memcpy(acc->i + b->lane, sum, (size_t)lanes * sizeof sum[0]);
}

BNNC_TEMPLATE void accumulate_8(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    accumulate(b, lanes, acc, 0);
}

BNNC_TEMPLATE void accumulate_16(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc) {
    accumulate(b, lanes, acc, 1);
}

BNNC_TEMPLATE int32_t biased(const scaling *s, int32_t oc, int32_t acc) {
    return s->bias == NULL ? acc : acc + s->bias[oc];
}

BNNC_TEMPLATE void finish_sums(const bnnc_conv2d *p, const bnnc_end *end, ptrdiff_t pixel,
                               int32_t oc, int32_t count, const bnnc_accumulators *acc,
                               int integer) {
    const scaling *s = (const scaling *)end->y;
    int32_t *y = (int32_t *)s->y + pixel * p->oc + oc;
    (void)integer;
    for (int32_t j = 0; j < count; ++j) {
        y[j] = biased(s, oc + j, acc->i[j]);
    }
}

BNNC_TEMPLATE void finish_bytes(const bnnc_conv2d *p, const bnnc_end *end, ptrdiff_t pixel,
                                int32_t oc, int32_t count, const bnnc_accumulators *acc,
                                int integer) {
    const scaling *s = (const scaling *)end->y;
    const int32_t *multiplier = (const int32_t *)s->multiplier;
    uint8_t *y = (uint8_t *)s->y + pixel * p->oc + oc;
    (void)integer;
    for (int32_t j = 0; j < count; ++j) {
        const int32_t v = biased(s, oc + j, acc->i[j]);
        const int64_t scaled = p->round_twice
                                   ? bnnc_multiply_double(v, multiplier[oc + j], s->shift[oc + j])
                                   : bnnc_multiply_single(v, multiplier[oc + j], s->shift[oc + j]);
        y[j] = (uint8_t)bnnc_clamp(scaled + p->y_zero, p->lo, p->hi);
    }
}

BNNC_TEMPLATE void finish_float(const bnnc_conv2d *p, const bnnc_end *end, ptrdiff_t pixel,
                                int32_t oc, int32_t count, const bnnc_accumulators *acc,
                                int integer) {
    const scaling *s = (const scaling *)end->y;
    const float *multiplier = (const float *)s->multiplier;
    uint8_t *y = (uint8_t *)s->y + pixel * p->oc + oc;
    (void)integer;
    for (int32_t j = 0; j < count; ++j) {
        const float scaled = (float)biased(s, oc + j, acc->i[j]) * multiplier[oc + j];
        y[j] = (uint8_t)bnnc_clamp((int64_t)bnnc_round_even(scaled) + p->y_zero, p->lo, p->hi);
    }
}

BNNC_TEMPLATE void convolve(const bnnc_conv2d *p, const uint8_t *x, const void *w, const scaling *s,
                            bnnc_accumulate accumulated, bnnc_finish finish) {
    const bnnc_end end = {NULL, NULL, NULL, (void *)(uintptr_t)s};
    bnnc_conv2d_blocks(p, x, (ptrdiff_t)p->ih * p->iw * p->ic, w, &end, accumulated, finish, 1);
}

void BNNC_SYM(conv2d_ii_q8)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                            const int32_t *bias, const int32_t *multiplier, const int32_t *shift,
                            uint8_t *y) {
    const scaling s = {bias, multiplier, shift, y};
    convolve(p, x, w, &s, accumulate_8, finish_bytes);
}

void BNNC_SYM(conv2d_ii_f32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, const float *multiplier, uint8_t *y) {
    const scaling s = {bias, multiplier, NULL, y};
    convolve(p, x, w, &s, accumulate_8, finish_float);
}

void BNNC_SYM(conv2d_ii_i32)(const bnnc_conv2d *p, const uint8_t *x, const uint8_t *w,
                             const int32_t *bias, int32_t *y) {
    const scaling s = {bias, NULL, NULL, y};
    convolve(p, x, w, &s, accumulate_8, finish_sums);
}

void BNNC_SYM(conv2d_ii_wide_q8)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                 const int32_t *bias, const int32_t *multiplier,
                                 const int32_t *shift, uint8_t *y) {
    const scaling s = {bias, multiplier, shift, y};
    convolve(p, x, w, &s, accumulate_16, finish_bytes);
}

void BNNC_SYM(conv2d_ii_wide_f32)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, const float *multiplier, uint8_t *y) {
    const scaling s = {bias, multiplier, NULL, y};
    convolve(p, x, w, &s, accumulate_16, finish_float);
}

void BNNC_SYM(conv2d_ii_wide_i32)(const bnnc_conv2d *p, const uint8_t *x, const int16_t *w,
                                  const int32_t *bias, int32_t *y) {
    const scaling s = {bias, NULL, NULL, y};
    convolve(p, x, w, &s, accumulate_16, finish_sums);
}
