/* SPDX-License-Identifier: 0BSD */
/* How many float products a core computes and adds, each rounded by itself. Build with
 * -ffp-contract=off. */
#include "lanes.h"

int main(void) { return report_lanes(); }
