/* SPDX-License-Identifier: 0BSD */
/* Pieces of windows of floats, taps in the order kh, kw, ic: where they lie in the input, or a copy
 * where they do not lie there as one piece. */
#ifndef BNNC_FLOAT_TAPS_H
#define BNNC_FLOAT_TAPS_H

#include "bnnc/conv_loop.h"

/* A window, groups == 1. */
typedef struct {
    const float *image; /* x of its sample */
    bnnc_window v;
} bnnc_float_window;

/* Of pixel number `pixel` of the result, all samples counted. */
BNNC_TEMPLATE bnnc_float_window bnnc_float_window_at(const bnnc_conv2d *p, const float *x,
                                                     ptrdiff_t pixel) {
    const ptrdiff_t row = pixel / p->ow, sample = row / p->oh;
    const bnnc_float_window found = {
        x + sample * p->ih * p->iw * p->ic,
        bnnc_window_at(p, (int32_t)(row - sample * p->oh), (int32_t)(pixel - row * p->ow))};
    return found;
}

/* Taps first .. first + n - 1, and zeros up to a multiple of 8. to: room for a copy. */
BNNC_NOINLINE const float *bnnc_float_taps(const bnnc_conv2d *p, const bnnc_float_window *window,
                                           int32_t first, int32_t n, float *to) {
    const bnnc_window *v = &window->v;
    const int32_t tap = first / p->ic;
    int32_t i = tap / p->kw, j = tap % p->kw, c = first % p->ic;
    float *at = to;
    while (n > 0) {
        const int inside = bnnc_tap_inside(v, i, j);
        const int32_t neighbours = inside && p->dilation_w == 1 ? v->kw_hi - j : 1;
        const int32_t all = neighbours * p->ic - c, run = all < n ? all : n;
        if (inside) {
            const ptrdiff_t row = (ptrdiff_t)(v->y0 + i * p->dilation_h) * p->iw;
            const float *x = window->image + (row + v->x0 + j * p->dilation_w) * p->ic + c;
            if (at == to && run == n && n % 8 == 0) {
                return x;
            }
            memcpy(at, x, (size_t)run * sizeof *x);
        } else {
            for (int32_t k = 0; k < run; ++k) {
                at[k] = p->pad_value;
            }
        }
        at += run;
        n -= run;
        c += run;
        j += c / p->ic;
        c %= p->ic;
        i += j / p->kw;
        j %= p->kw;
    }
    for (; (at - to) % 8 != 0; ++at) {
        *at = 0;
    }
    return to;
}

#endif
