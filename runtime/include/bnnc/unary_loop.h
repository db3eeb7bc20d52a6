/* SPDX-License-Identifier: 0BSD */
/* The loop around elementwise operations on one float. */
#ifndef BNNC_UNARY_LOOP_H
#define BNNC_UNARY_LOOP_H

#include "bnnc/float_rows.h"
#include "bnnc/params.h"

BNNC_TEMPLATE void bnnc_unary_loop(const bnnc_unary *p, const float *x, float *y,
                                   float (*f)(const bnnc_unary *, float)) {
    for (int32_t i = 0; i < p->count; ++i) {
        y[i] = f(p, x[i]);
    }
}

/* The same for short functions, which become vector operations. */
BNNC_TEMPLATE void bnnc_unary_lanes(const bnnc_unary *p, const float *x, float *y,
                                    float (*f)(const bnnc_unary *, float)) {
    const bnnc_unary own = *p; /* a copy that results cannot overwrite */
    int32_t i = 0;
    for (; i + BNNC_FLOATS <= own.count; i += BNNC_FLOATS) {
        bnnc_floats v;
        memcpy(v, x + i, sizeof v);
        BNNC_LANE_LOOP
        for (int l = 0; l < BNNC_FLOATS; ++l) {
            v[l] = f(&own, v[l]);
        }
        memcpy(y + i, v, sizeof v);
    }
    for (; i < own.count; ++i) {
        y[i] = f(&own, x[i]);
    }
}

#endif
