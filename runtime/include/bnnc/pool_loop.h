/* SPDX-License-Identifier: 0BSD */
/* Which input elements a pooling window covers; padding never counts. */
#ifndef BNNC_POOL_LOOP_H
#define BNNC_POOL_LOOP_H

#include "bnnc/common.h"
#include "bnnc/params.h"

typedef struct {
    int32_t y_lo, y_hi, x_lo, x_hi;
} bnnc_pool_window;

BNNC_TEMPLATE void bnnc_clip_range(int32_t origin, int32_t taps, int32_t size, int32_t *lo,
                                   int32_t *hi) {
    *lo = origin < 0 ? 0 : origin;
    *hi = origin + taps < size ? origin + taps : size;
}

BNNC_TEMPLATE bnnc_pool_window bnnc_pool_window_at(const bnnc_pool2d *p, int32_t oy, int32_t ox) {
    bnnc_pool_window v;
    bnnc_clip_range(oy * p->stride_h - p->pad_top, p->kh, p->ih, &v.y_lo, &v.y_hi);
    bnnc_clip_range(ox * p->stride_w - p->pad_left, p->kw, p->iw, &v.x_lo, &v.x_hi);
    return v;
}

#endif
