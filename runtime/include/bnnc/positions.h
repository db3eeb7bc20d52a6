/* SPDX-License-Identifier: 0BSD */
/* Walking through the elements of a tensor. */
#ifndef BNNC_POSITIONS_H
#define BNNC_POSITIONS_H

#include "bnnc/common.h"

/* Advance a row-major position over the first `axes` axes; zero at the end. */
BNNC_TEMPLATE int bnnc_next_position(int32_t *at, const int32_t *dims, int32_t axes) {
    for (int32_t axis = axes - 1; axis >= 0; --axis) {
        if (++at[axis] < dims[axis]) {
            return 1;
        }
        at[axis] = 0;
    }
    return 0;
}

#endif
