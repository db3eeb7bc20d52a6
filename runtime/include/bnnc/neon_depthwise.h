/* SPDX-License-Identifier: 0BSD */
/* Float activations, each channel by itself: lanes are channels. Weights
 * lie in tiles of eight channels, [(c + 7) / 8][kh][kw] times eight. Every sum is added up in the
 * order kh, kw; taps padded with 0 are left out, see conv_floats.h. */
#ifndef BNNC_NEON_DEPTHWISE_H
#define BNNC_NEON_DEPTHWISE_H

#include "bnnc/neon_ends.h"

/* Eight channels: weights of a tap, activations, or sums. */
typedef struct {
    float32x4_t a, b;
} bnnc_lanes8;

/* Channels c .. c + count - 1, whose weights begin with tap `first`. */
typedef struct {
    const bnnc_conv2d *p;
    const float *image;
    const void *w;
    ptrdiff_t first;
    int32_t c, count;
} bnnc_depthwise;

/* Weights of a tap, counted through all tiles. */
typedef bnnc_lanes8 (*bnnc_depthwise_weights)(const void *w, ptrdiff_t tap);

BNNC_TEMPLATE bnnc_lanes8 bnnc_add_eight(bnnc_lanes8 s, bnnc_lanes8 x, bnnc_lanes8 w) {
    s.a = BNNC_ADD_PRODUCT(s.a, x.a, w.a);
    s.b = BNNC_ADD_PRODUCT(s.b, x.b, w.b);
    return s;
}

BNNC_TEMPLATE bnnc_lanes8 bnnc_eight(const float *x) {
    const bnnc_lanes8 found = {vld1q_f32(x), vld1q_f32(x + 4)};
    return found;
}

/* Channels that are not there are not read. */
BNNC_TEMPLATE bnnc_lanes8 bnnc_few(const float *x, int32_t count) {
    float some[BNNC_LANES] = {0};
    for (int32_t l = 0; l < count; ++l) {
        some[l] = x[l];
    }
    return bnnc_eight(some);
}

BNNC_TEMPLATE const float *bnnc_depthwise_tap(const bnnc_depthwise *d, const bnnc_window *v,
                                              int32_t i, int32_t j) {
    const bnnc_conv2d *p = d->p;
    const ptrdiff_t row = (ptrdiff_t)(v->y0 + i * p->dilation_h) * p->iw;
    return d->image + (row + v->x0 + j * p->dilation_w) * p->ic + d->c;
}

/* A pixel: any padding, any number of channels. */
BNNC_TEMPLATE bnnc_lanes8 bnnc_depthwise_one(const bnnc_depthwise *d, const bnnc_window *v,
                                             bnnc_depthwise_weights weights) {
    const bnnc_conv2d *p = d->p;
    const bnnc_lanes8 pad = {vdupq_n_f32(p->pad_value), vdupq_n_f32(p->pad_value)};
    bnnc_lanes8 s = {vdupq_n_f32(0), vdupq_n_f32(0)};
    ptrdiff_t tap = d->first;
    for (int32_t i = 0; i < p->kh; ++i) {
        for (int32_t j = 0; j < p->kw; ++j, ++tap) {
            if (bnnc_tap_inside(v, i, j)) {
                const float *x = bnnc_depthwise_tap(d, v, i, j);
                const int whole = d->count == BNNC_LANES;
                s = bnnc_add_eight(s, whole ? bnnc_eight(x) : bnnc_few(x, d->count),
                                   weights(d->w, tap));
            } else if (p->pad_value != 0) {
                s = bnnc_add_eight(s, pad, weights(d->w, tap));
            }
        }
    }
    return s;
}

/* Four neighbouring pixels, with all columns inside the input, and all rows that count. */
BNNC_TEMPLATE void bnnc_depthwise_four(const bnnc_depthwise *d, const bnnc_window *v,
                                       bnnc_depthwise_weights weights, bnnc_lanes8 *sums) {
    const bnnc_conv2d *p = d->p;
    const ptrdiff_t next = (ptrdiff_t)p->stride_w * p->ic, across = p->dilation_w * p->ic;
    const bnnc_lanes8 none = {vdupq_n_f32(0), vdupq_n_f32(0)};
    bnnc_lanes8 s0 = none, s1 = none, s2 = none, s3 = none;
    ptrdiff_t tap = d->first + v->kh_lo * p->kw;
    for (int32_t i = v->kh_lo; i < v->kh_hi; ++i) {
        const float *x = bnnc_depthwise_tap(d, v, i, 0);
        for (int32_t j = 0; j < p->kw; ++j, ++tap, x += across) {
            const bnnc_lanes8 w = weights(d->w, tap);
            s0 = bnnc_add_eight(s0, bnnc_eight(x), w);
            s1 = bnnc_add_eight(s1, bnnc_eight(x + next), w);
            s2 = bnnc_add_eight(s2, bnnc_eight(x + 2 * next), w);
            s3 = bnnc_add_eight(s3, bnnc_eight(x + 3 * next), w);
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* Whether that is so of the pixels that begin with output column ox. */
BNNC_TEMPLATE int bnnc_four_inside(const bnnc_depthwise *d, const bnnc_window *v, int32_t ox) {
    const bnnc_conv2d *p = d->p;
    const int32_t last = v->x0 + 3 * p->stride_w + (p->kw - 1) * p->dilation_w;
    const int rows = p->pad_value == 0 || v->kh_hi - v->kh_lo == p->kh;
    return d->count == BNNC_LANES && ox + 4 <= p->ow && v->x0 >= 0 && last < p->iw && rows;
}

BNNC_TEMPLATE void bnnc_depthwise_row(const bnnc_depthwise *d, int32_t oy, ptrdiff_t pixel,
                                      const bnnc_end *end, bnnc_depthwise_weights weights,
                                      bnnc_finish finish) {
    const bnnc_conv2d *p = d->p;
    for (int32_t ox = 0, pixels; ox < p->ow; ox += pixels) {
        const bnnc_window v = bnnc_window_at(p, oy, ox);
        bnnc_lanes8 sums[4];
        pixels = bnnc_four_inside(d, &v, ox) ? 4 : 1;
        if (pixels == 4) {
            bnnc_depthwise_four(d, &v, weights, sums);
        } else {
            sums[0] = bnnc_depthwise_one(d, &v, weights);
        }
        for (int32_t q = 0; q < pixels; ++q) {
            bnnc_accumulators acc;
            vst1q_f32(acc.f, sums[q].a);
            vst1q_f32(acc.f + 4, sums[q].b);
            finish(p, end, pixel + ox + q, d->c, d->count, &acc, 0);
        }
    }
}

BNNC_TEMPLATE void bnnc_depthwise_layer(const bnnc_conv2d *p, const float *x, const void *w,
                                        const bnnc_end *end, bnnc_depthwise_weights weights,
                                        bnnc_finish finish) {
    bnnc_depthwise d = {p, x, w, 0, 0, 0};
    ptrdiff_t pixel = 0;
    for (int32_t n = 0; n < p->n; ++n, d.image += (ptrdiff_t)p->ih * p->iw * p->ic) {
        for (int32_t oy = 0; oy < p->oh; ++oy, pixel += p->ow) {
            for (d.c = 0; d.c < p->oc; d.c += BNNC_LANES) {
                const int32_t left = p->oc - d.c;
                d.count = left < BNNC_LANES ? left : BNNC_LANES;
                d.first = (ptrdiff_t)(d.c / BNNC_LANES) * p->kh * p->kw;
                bnnc_depthwise_row(&d, oy, pixel, end, weights, finish);
            }
        }
    }
}

#endif
