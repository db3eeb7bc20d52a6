/* SPDX-License-Identifier: 0BSD */
/* A layer's work in parts.
 *
 * A part of a layer is a layer: some of its samples, of its rows or of its channels. The same
 * kernel computes it with other parameters, so every number is the same whatever the number of
 * parts. */
#ifndef BNNC_PARTS_H
#define BNNC_PARTS_H

#include "bnnc/common.h"
#include "bnnc/parallel.h"
#include "bnnc/params.h"

typedef struct {
    int32_t begin, end;
} bnnc_range;

/* Part `index` of 0 .. count - 1; all but the last begin and end at a multiple of `step`. */
BNNC_TEMPLATE bnnc_range bnnc_range_of(int32_t count, int32_t step, int32_t index, int32_t parts) {
    const int64_t steps = ((int64_t)count + step - 1) / step;
    const int64_t begin = steps * index / parts * step, end = steps * (index + 1) / parts * step;
    const bnnc_range r = {(int32_t)begin, (int32_t)(end < count ? end : count)};
    return r;
}

/* Rows of the result, where there is one sample; how many rows of the input lie before. */
BNNC_TEMPLATE ptrdiff_t bnnc_rows_of_conv2d(bnnc_conv2d *p, bnnc_range r) {
    const int32_t first = r.begin * p->stride_h - p->pad_top, before = first > 0 ? first : 0;
    p->oh = r.end - r.begin;
    p->ih -= before;
    p->pad_top = before - first;
    return before;
}

/* Run a job of `count` units in as many parts as there are threads and units. */
BNNC_TEMPLATE void bnnc_run_parts(const bnnc_parallel *with, bnnc_part part, const void *job,
                                  int32_t count) {
    const int32_t parts = with == NULL ? 1 : with->threads < count ? with->threads : count;
    if (parts > 1) {
        with->run(with->state, part, job, parts);
    } else {
        part(job, 0, 1);
    }
}

#endif
