/* SPDX-License-Identifier: 0BSD */
/* The loops around every convolution: which taps lie in the input, blocks of 8 output channels,
 * and the three ends (scale and bias, cut to bits, cut to levels).
 *
 * Eight output channels share one pass over the window: they are eight independent chains of
 * additions, so the order within a chain stays kh, kw, ic while the processor overlaps them; and
 * eight channels are one byte of a bit result. */
#ifndef BNNC_CONV_LOOP_H
#define BNNC_CONV_LOOP_H

#include "bnnc/common.h"
#include "bnnc/levels.h"
#include "bnnc/params.h"

#define BNNC_LANES 8

/* Taps kh_lo <= i < kh_hi, kw_lo <= j < kw_hi lie in the input; tap (i, j) is row
 * y0 + i * dilation_h, column x0 + j * dilation_w. */
typedef struct {
    int32_t y0, x0, kh_lo, kh_hi, kw_lo, kw_hi;
} bnnc_window;

/* Work for one output pixel: channels oc .. oc + lanes - 1, all of one group, whose accumulators
 * are acc[lane] onward. */
typedef struct {
    const bnnc_conv2d *p;
    bnnc_window window;
    const void *image; /* x of this sample */
    const void *w;     /* all weights */
    int32_t oc, group, lane;
} bnnc_block;

typedef union {
    float f[BNNC_LANES];
    int32_t i[BNNC_LANES];
} bnnc_accumulators;

/* What the accumulators are compared with or scaled by, and where the result goes. */
typedef struct {
    const void *thr;
    const float *alpha, *bias;
    void *y;
} bnnc_end;

/* Fill acc[b->lane] .. acc[b->lane + lanes - 1], all .f or all .i. */
typedef void (*bnnc_accumulate)(const bnnc_block *b, int32_t lanes, bnnc_accumulators *acc);

/* Smallest k >= 0 with origin + k * step >= bound. */
BNNC_TEMPLATE int32_t bnnc_first_tap(int32_t origin, int32_t step, int32_t bound) {
    const int32_t gap = bound - origin;
    if (gap <= 0 || step == 1) { /* mostly: then there is nothing to divide */
        return gap <= 0 ? 0 : gap;
    }
    return (gap + step - 1) / step;
}

BNNC_TEMPLATE void bnnc_tap_range(int32_t origin, int32_t step, int32_t taps, int32_t size,
                                  int32_t *lo, int32_t *hi) {
    const int32_t first = bnnc_first_tap(origin, step, 0);
    const int32_t end = bnnc_first_tap(origin, step, size);
    *hi = end < taps ? end : taps;
    *lo = first < *hi ? first : *hi;
}

BNNC_TEMPLATE bnnc_window bnnc_window_at(const bnnc_conv2d *p, int32_t oy, int32_t ox) {
    bnnc_window v;
    v.y0 = oy * p->stride_h - p->pad_top;
    v.x0 = ox * p->stride_w - p->pad_left;
    bnnc_tap_range(v.y0, p->dilation_h, p->kh, p->ih, &v.kh_lo, &v.kh_hi);
    bnnc_tap_range(v.x0, p->dilation_w, p->kw, p->iw, &v.kw_lo, &v.kw_hi);
    return v;
}

BNNC_TEMPLATE int bnnc_tap_inside(const bnnc_window *v, int32_t i, int32_t j) {
    return i >= v->kh_lo && i < v->kh_hi && j >= v->kw_lo && j < v->kw_hi;
}

/* Index of the input pixel under tap (i, j), which must lie inside. */
BNNC_TEMPLATE ptrdiff_t bnnc_tap_pixel(const bnnc_block *b, int32_t i, int32_t j) {
    const bnnc_conv2d *p = b->p;
    return (ptrdiff_t)(b->window.y0 + i * p->dilation_h) * p->iw +
           (b->window.x0 + j * p->dilation_w);
}

/* Accumulate channels first .. first + count - 1. Groups do not share input channels, so with
 * groups each channel is a block of its own. */
BNNC_TEMPLATE void bnnc_accumulate_lanes(bnnc_block *b, int32_t first, int32_t count,
                                         bnnc_accumulate accumulate, bnnc_accumulators *acc) {
    const int32_t per_group = b->p->oc / b->p->groups;
    b->oc = first;
    b->group = 0;
    b->lane = 0;
    if (b->p->groups == 1 && count == BNNC_LANES) {
        accumulate(b, BNNC_LANES, acc); /* a constant, so that loops over lanes unroll */
    } else {
        const int32_t lanes = b->p->groups == 1 ? count : 1;
        for (; b->lane < count; b->lane += lanes) {
            b->oc = first + b->lane;
            b->group = b->oc / per_group;
            accumulate(b, lanes, acc);
        }
    }
}

/* Use the accumulators of channels oc .. oc + count - 1 of an output pixel, pixels numbered through
 * all samples. */
typedef void (*bnnc_finish)(const bnnc_conv2d *p, const bnnc_end *end, ptrdiff_t pixel, int32_t oc,
                            int32_t count, const bnnc_accumulators *acc, int integer);

BNNC_TEMPLATE void bnnc_conv2d_blocks(const bnnc_conv2d *p, const void *x, ptrdiff_t image_bytes,
                                      const void *w, const bnnc_end *end,
                                      bnnc_accumulate accumulate, bnnc_finish finish, int integer) {
    bnnc_block b = {p, {0, 0, 0, 0, 0, 0}, x, w, 0, 0, 0};
    bnnc_accumulators acc;
    ptrdiff_t pixel = 0;
    for (int32_t n = 0; n < p->n; ++n) {
        b.image = (const uint8_t *)x + n * image_bytes;
        for (int32_t oy = 0; oy < p->oh; ++oy) {
            for (int32_t ox = 0; ox < p->ow; ++ox, ++pixel) {
                b.window = bnnc_window_at(p, oy, ox);
                for (int32_t oc = 0; oc < p->oc; oc += BNNC_LANES) {
                    const int32_t left = p->oc - oc;
                    const int32_t count = left < BNNC_LANES ? left : BNNC_LANES;
                    bnnc_accumulate_lanes(&b, oc, count, accumulate, &acc);
                    finish(p, end, pixel, oc, count, &acc, integer);
                }
            }
        }
    }
}

BNNC_TEMPLATE void bnnc_finish_scaled(const bnnc_conv2d *p, const bnnc_end *end, ptrdiff_t pixel,
                                      int32_t oc, int32_t count, const bnnc_accumulators *acc,
                                      int integer) {
    float *y = (float *)end->y + pixel * p->oc + oc;
    for (int32_t j = 0; j < count; ++j) {
        /* A fused product too small for any float makes a sum -0, which is to be 0 whether or not
         * padding with 0 was added to it. */
        float v = integer ? (float)acc->i[j] : acc->f[j] + 0.0f;
        if (end->alpha != NULL) {
            v = v * end->alpha[oc + j];
        }
        if (end->bias != NULL) {
            v = v + end->bias[oc + j];
        }
        y[j] = v;
    }
}

/* Whether a lane does not pass its threshold t: a NaN goes where nan_minus says. */
BNNC_TEMPLATE int bnnc_lane_below(const bnnc_conv2d *p, const bnnc_accumulators *acc, int32_t lane,
                                  const void *thr, ptrdiff_t t, int integer) {
    if (integer) {
        return acc->i[lane] < ((const int32_t *)thr)[t];
    }
    return bnnc_below(acc->f[lane], ((const float *)thr)[t], p->nan_minus);
}

BNNC_TEMPLATE void bnnc_finish_bits(const bnnc_conv2d *p, const bnnc_end *end, ptrdiff_t pixel,
                                    int32_t oc, int32_t count, const bnnc_accumulators *acc,
                                    int integer) {
    unsigned minus = 0;
    for (int32_t j = 0; j < count; ++j) {
        minus |= (unsigned)bnnc_lane_below(p, acc, j, end->thr, oc + j, integer) << j;
    }
    ((uint8_t *)end->y)[pixel * bnnc_bit_bytes(p->oc) + oc / 8] = (uint8_t)minus;
}

BNNC_TEMPLATE void bnnc_finish_levels(const bnnc_conv2d *p, const bnnc_end *end, ptrdiff_t pixel,
                                      int32_t oc, int32_t count, const bnnc_accumulators *acc,
                                      int integer) {
    const ptrdiff_t row_bytes = bnnc_bit_bytes(p->oc);
    unsigned level[BNNC_LANES] = {0};
    for (int32_t j = 0; j < count; ++j) {
        const ptrdiff_t first = (ptrdiff_t)(oc + j) * p->levels;
        for (int32_t k = 0; k < p->levels; ++k) {
            level[j] += !bnnc_lane_below(p, acc, j, end->thr, first + k, integer);
        }
    }
    bnnc_store_levels(level, p->bits_out, (ptrdiff_t)p->n * p->oh * p->ow * row_bytes,
                      (uint8_t *)end->y + pixel * row_bytes + oc / 8);
}

/* y = fl(fl(acc * alpha[c]) + bias[c]), with the factors that are not NULL. */
BNNC_TEMPLATE void bnnc_conv2d_scaled(const bnnc_conv2d *p, const void *x, ptrdiff_t image_bytes,
                                      const void *w, const float *alpha, const float *bias,
                                      float *y, bnnc_accumulate accumulate, int integer) {
    const bnnc_end end = {NULL, alpha, bias, y};
    bnnc_conv2d_blocks(p, x, image_bytes, w, &end, accumulate, bnnc_finish_scaled, integer);
}

/* Bit = -1 unless acc >= thr[c]; thr is int32_t for integer accumulators, float for others. */
BNNC_TEMPLATE void bnnc_conv2d_cut(const bnnc_conv2d *p, const void *x, ptrdiff_t image_bytes,
                                   const void *w, const void *thr, uint8_t *y,
                                   bnnc_accumulate accumulate, int integer) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_blocks(p, x, image_bytes, w, &end, accumulate, bnnc_finish_bits, integer);
}

/* Level = how many of thr[c][0] .. thr[c][levels - 1] acc passes. */
BNNC_TEMPLATE void bnnc_conv2d_levels(const bnnc_conv2d *p, const void *x, ptrdiff_t image_bytes,
                                      const void *w, const void *thr, uint8_t *y,
                                      bnnc_accumulate accumulate, int integer) {
    const bnnc_end end = {thr, NULL, NULL, y};
    bnnc_conv2d_blocks(p, x, image_bytes, w, &end, accumulate, bnnc_finish_levels, integer);
}

BNNC_TEMPLATE ptrdiff_t bnnc_float_image_bytes(const bnnc_conv2d *p) {
    return (ptrdiff_t)p->ih * p->iw * p->ic * (ptrdiff_t)sizeof(float);
}

BNNC_TEMPLATE ptrdiff_t bnnc_bit_image_bytes(const bnnc_conv2d *p) {
    return (ptrdiff_t)p->ih * p->iw * bnnc_bit_bytes(p->ic);
}

/* Bytes of one plane of weights: the mask plane of ternary weights begins there. */
BNNC_TEMPLATE ptrdiff_t bnnc_plane_bytes(const bnnc_conv2d *p) {
    return (ptrdiff_t)p->oc * p->kh * p->kw * bnnc_bit_bytes(p->ic / p->groups);
}

#endif
