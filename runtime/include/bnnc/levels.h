/* SPDX-License-Identifier: 0BSD */
/* Levels as planes of bits: plane j holds bit j of every level, and lies like bits do. */
#ifndef BNNC_LEVELS_H
#define BNNC_LEVELS_H

#include "bnnc/common.h"

/* One byte of each plane, from 8 levels; the planes lie plane_bytes apart. */
BNNC_TEMPLATE void bnnc_store_levels(const unsigned *level, int32_t bits, ptrdiff_t plane_bytes,
                                     uint8_t *y) {
    for (int32_t j = 0; j < bits; ++j, y += plane_bytes) {
        unsigned byte = 0;
        for (int32_t l = 0; l < 8; ++l) {
            byte |= (level[l] >> j & 1) << l;
        }
        *y = (uint8_t)byte;
    }
}

/* The level at position c of a row. */
BNNC_TEMPLATE int32_t bnnc_load_level(const uint8_t *row, int32_t bits, ptrdiff_t plane_bytes,
                                      ptrdiff_t c) {
    int32_t level = 0;
    row += c / 8;
    for (int32_t j = 0; j < bits; ++j, row += plane_bytes) {
        level |= (*row >> (c % 8) & 1) << j;
    }
    return level;
}

#endif
