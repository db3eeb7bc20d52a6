/* SPDX-License-Identifier: 0BSD */
/* Checking a weight file before it is used in place; docs/weight_file.md is the format. */
#ifndef BNNC_BNNW_H
#define BNNC_BNNW_H

#include <stddef.h>
#include <stdint.h>

#include "bnnc/config.h"
#include "bnnc/status.h"

/* What generated code demands of its weight file. */
typedef struct {
    uint8_t model_id[16];
    uint32_t target_id;
    uint32_t file_bytes;
    uint32_t align; /* of the first byte; a power of two */
} bnnc_bnnw;

/* Check the file that begins at `data`; `size` may exceed it (a page, a flash sector). Reads every
 * byte once, changes and keeps nothing. */
bnnc_status BNNC_SYM(bnnw_check)(const bnnc_bnnw *want, const void *data, size_t size);

/* CRC-32 of `size` bytes following those that gave `crc`; 0 begins. */
uint32_t BNNC_SYM(crc32)(uint32_t crc, const void *data, size_t size);

#endif
