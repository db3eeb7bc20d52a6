/* SPDX-License-Identifier: 0BSD */
/* Floats that follow each other, eight at a time: what makes vectors of the loop over lanes. Eight
 * are read before they are written, so that results may lie where an operand does. */
#ifndef BNNC_FLOAT_ROWS_H
#define BNNC_FLOAT_ROWS_H

#include "bnnc/common.h"

#define BNNC_FLOATS 8
#define BNNC_REPEATED 64 /* floats of a short row that is repeated */

typedef float bnnc_floats[BNNC_FLOATS];

/* Floats that repeat after `period`: as they are, or where they are few, written down in the room
 * as often as that holds them. Returns how many there are then. */
BNNC_TEMPLATE ptrdiff_t bnnc_repeat(const float **from, ptrdiff_t period, float *room) {
    if (period > BNNC_REPEATED / 2) {
        return period;
    }
    const ptrdiff_t length = BNNC_REPEATED / period * period;
    for (ptrdiff_t i = 0; i < length; ++i) {
        room[i] = i < period ? (*from)[i] : room[i - period];
    }
    *from = room;
    return length;
}

#endif
