/* SPDX-License-Identifier: 0BSD */
/* Convolution and dense layers of quantized bytes; 64-bit ARM with products of matrices of bytes.
 */
#include "bnnc/kernels.h"
#include "bnnc/neon_matrix_tiles.h"

BNNC_TEMPLATE void use(const bnnc_byte_windows *s, const void *all, bnnc_set_factors set,
                       bnnc_finish_tile finish) {
    int8_t room[BNNC_BYTE_ROOM];
    bnnc_use_tiles(s, bnnc_in_eights(s, room), all, NULL, BNNC_MATRIX_BLOCK, bnnc_matrix_block,
                   bnnc_matrix_window, set, finish);
}

BNNC_BYTE_KERNELS(conv2d_ii_i8mm, use, BNNC_MATRIX_BLOCK, BNNC_BYTE_NEAR, 0)
