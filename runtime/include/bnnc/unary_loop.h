/* SPDX-License-Identifier: 0BSD */
/* The loop around elementwise operations on one float. */
#ifndef BNNC_UNARY_LOOP_H
#define BNNC_UNARY_LOOP_H

#include "bnnc/common.h"
#include "bnnc/params.h"

BNNC_TEMPLATE void bnnc_unary_loop(const bnnc_unary *p, const float *x, float *y,
                                   float (*f)(const bnnc_unary *, float)) {
    for (int32_t i = 0; i < p->count; ++i) {
        y[i] = f(p, x[i]);
    }
}

#endif
