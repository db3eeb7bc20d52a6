/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the loop of a binary layer, by itself: thresholds of four windows and eight
 * channels, and their bits in four bytes. */
#include "src/neon/conv2d_bb_neon.c"

void end_of_bits(const tile *t, const ptrdiff_t *at, const bnnc_quad_counts *counts);

void end_of_bits(const tile *t, const ptrdiff_t *at, const bnnc_quad_counts *counts) {
    bits_of_four(t, at, *counts);
}
