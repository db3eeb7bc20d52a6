/* SPDX-License-Identifier: 0BSD */
/* What the functions of a generated model return; the values never change. */
#ifndef BNNC_STATUS_H
#define BNNC_STATUS_H

typedef enum bnnc_status {
    BNNC_OK = 0,
    BNNC_ERR_ALIGN = 1,      /* a buffer is not aligned as the model needs */
    BNNC_ERR_SIZE = 2,       /* a buffer or the weight file is too short */
    BNNC_ERR_MAGIC = 3,      /* not a weight file */
    BNNC_ERR_VERSION = 4,    /* a weight file of another format version */
    BNNC_ERR_CRC = 5,        /* the weight file is damaged */
    BNNC_ERR_MODEL = 6,      /* the weights belong to another model */
    BNNC_ERR_TARGET = 7,     /* the weights are packed for another target */
    BNNC_ERR_FLOAT_MODE = 8, /* compiled with flags that change float results */
    BNNC_ERR_NULL = 9        /* a required pointer is NULL */
} bnnc_status;

#endif
