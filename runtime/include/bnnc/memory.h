/* SPDX-License-Identifier: 0BSD */
/* memcpy and memset, all that is needed of the C library. Compilers want them on every machine,
 * but a freestanding one need not have <string.h>, nor are they inlined there unless asked. */
#ifndef BNNC_MEMORY_H
#define BNNC_MEMORY_H

#if defined(__GNUC__) && defined(__STDC_HOSTED__) && __STDC_HOSTED__ == 0
#define memcpy(to, from, count) __builtin_memcpy(to, from, count)
#define memset(to, value, count) __builtin_memset(to, value, count)
#else
#include <string.h>
#endif

#endif
