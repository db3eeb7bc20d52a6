/* SPDX-License-Identifier: 0BSD */
/* Which float arithmetic the kernels were really compiled to. */
#ifndef BNNC_FLOAT_MODE_H
#define BNNC_FLOAT_MODE_H

#include "bnnc/config.h"

#define BNNC_FLOAT_MULADD 0 /* products and sums rounded separately, denormals kept */
#define BNNC_FLOAT_FMA 1    /* a * b + c contracted to one rounding */
#define BNNC_FLOAT_FTZ 2    /* denormals flushed to zero; 3 is both */

int BNNC_SYM(float_mode)(void);

/* The same of vectors on ARM, for kernels that flush. */
int BNNC_SYM(vector_float_mode)(void);

#endif
