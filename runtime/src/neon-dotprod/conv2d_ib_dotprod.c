/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes, bit weights, groups == 1; 64-bit ARM with
 * dot products.
 *
 * Weights are expanded to bytes, eight channels at a time, for as many windows as there is room
 * for. */
#include "bnnc/kernels.h"
#include "bnnc/neon_dot_tiles.h"

BNNC_TEMPLATE void use(const bnnc_byte_windows *s, const void *all, bnnc_set_factors set,
                       bnnc_finish_tile finish) {
    int8_t tile[BNNC_SIGN_TILE];
    bnnc_use_tiles(s, bnnc_as_they_are(s, BNNC_DOT_BLOCK), all, tile, BNNC_DOT_BLOCK,
                   bnnc_dot_block, bnnc_dot_window, set, finish);
}

BNNC_BYTE_KERNELS(conv2d_ib_dotprod, use, BNNC_DOT_BLOCK, BNNC_BYTE_ROOM, 0)
