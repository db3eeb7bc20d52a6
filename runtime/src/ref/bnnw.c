/* SPDX-License-Identifier: 0BSD */
#include "bnnc/bnnw.h"

enum {
    VERSION = 1,
    FIXED_BYTES = 64, /* the header without its tables */
    AT_VERSION = 8,
    AT_HEADER_BYTES = 12,
    AT_FILE_BYTES = 16,
    AT_HEADER_CRC = 24,
    AT_PAYLOAD_CRC = 28,
    AT_MODEL_ID = 32,
    AT_TARGET_ID = 48
};

static uint32_t load32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static int same_bytes(const uint8_t *a, const uint8_t *b, size_t count) {
    unsigned differ = 0;
    for (size_t i = 0; i < count; ++i) {
        differ |= (unsigned)a[i] ^ b[i];
    }
    return differ == 0;
}

/* Four bits at a time: the 16 remainders below are all the table it needs. */
uint32_t BNNC_SYM(crc32)(uint32_t crc, const void *data, size_t size) {
    static const uint32_t remainders[16] = {0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu,
                                            0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
                                            0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
                                            0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu};
    const uint8_t *bytes = (const uint8_t *)data;
    crc = ~crc;
    for (size_t i = 0; i < size; ++i) {
        crc ^= bytes[i];
        crc = remainders[crc & 15u] ^ crc >> 4;
        crc = remainders[crc & 15u] ^ crc >> 4;
    }
    return ~crc;
}

bnnc_status BNNC_SYM(bnnw_check)(const bnnc_bnnw *want, const void *data, size_t size) {
    static const uint8_t magic[8] = {0x42, 0x4e, 0x4e, 0x57, 0x0d, 0x0a, 0x1a, 0x0a};
    static const uint8_t zeros[4] = {0, 0, 0, 0};
    const uint8_t *file = (const uint8_t *)data;
    uint32_t header_bytes, crc;
    if (want == NULL || file == NULL) {
        return BNNC_ERR_NULL;
    }
    if (((uintptr_t)file & (want->align - 1u)) != 0) {
        return BNNC_ERR_ALIGN;
    }
    if (size < FIXED_BYTES) {
        return BNNC_ERR_SIZE;
    }
    if (!same_bytes(file, magic, sizeof magic)) {
        return BNNC_ERR_MAGIC;
    }
    if (load32(file + AT_VERSION) != VERSION) {
        return BNNC_ERR_VERSION;
    }
    if (load32(file + AT_TARGET_ID) != want->target_id) {
        return BNNC_ERR_TARGET;
    }
    if (!same_bytes(file + AT_MODEL_ID, want->model_id, sizeof want->model_id)) {
        return BNNC_ERR_MODEL;
    }
    header_bytes = load32(file + AT_HEADER_BYTES);
    if (load32(file + AT_FILE_BYTES) != want->file_bytes || load32(file + AT_FILE_BYTES + 4) != 0 ||
        size < want->file_bytes || header_bytes < FIXED_BYTES || header_bytes > want->file_bytes) {
        return BNNC_ERR_SIZE;
    }
    crc = BNNC_SYM(crc32)(0, file, AT_HEADER_CRC);
    crc = BNNC_SYM(crc32)(crc, zeros, sizeof zeros);
    crc = BNNC_SYM(crc32)(crc, file + AT_PAYLOAD_CRC, header_bytes - AT_PAYLOAD_CRC);
    if (crc != load32(file + AT_HEADER_CRC)) {
        return BNNC_ERR_CRC;
    }
    crc = BNNC_SYM(crc32)(0, file + header_bytes, want->file_bytes - header_bytes);
    return crc == load32(file + AT_PAYLOAD_CRC) ? BNNC_OK : BNNC_ERR_CRC;
}
