/* SPDX-License-Identifier: 0BSD */
/* How many fused multiply-additions of floats a core computes. Build with -ffp-contract=fast, for a
 * processor that has them. */
#include "lanes.h"

int main(void) { return report_lanes(); }
