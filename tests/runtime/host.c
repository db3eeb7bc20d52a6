/* SPDX-License-Identifier: Apache-2.0 */
/* Calls kernels for a test on another machine: requests on stdin, results on stdout.
 *
 * A request is the number of a kernel in table.inc, the bytes of its parameters and the number of
 * arrays, then the parameters, then for every array its bytes (MISSING for NULL) and its content.
 * The last array is the result, and is what is answered. Arrays end where a page ends, and the next
 * one may not be touched. */
#define _DEFAULT_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bnnc/kernels.h"

#define MISSING UINT32_MAX
#define ARRAYS 6

typedef void (*function)(void);
typedef void (*with2)(const void *, void *, void *);
typedef void (*with3)(const void *, void *, void *, void *);
typedef void (*with4)(const void *, void *, void *, void *, void *);
typedef void (*with5)(const void *, void *, void *, void *, void *, void *);
typedef void (*with6)(const void *, void *, void *, void *, void *, void *, void *);

static const function kernels[] = {
#include "table.inc"
};

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void receive(void *to, size_t bytes) {
    if (fread(to, 1, bytes, stdin) != bytes) {
        fail("the request ends early");
    }
}

typedef struct {
    uint8_t *pages, *data;
    size_t mapped;
    uint32_t bytes;
} array;

static array receive_array(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    array a = {NULL, NULL, 0, 0};
    receive(&a.bytes, sizeof a.bytes);
    if (a.bytes == MISSING) {
        return a;
    }
    a.mapped = (a.bytes + page - 1) / page * page + page;
    a.pages = mmap(NULL, a.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (a.pages == MAP_FAILED || mprotect(a.pages + a.mapped - page, page, PROT_NONE) != 0) {
        fail("no memory");
    }
    a.data = a.pages + a.mapped - page - a.bytes;
    receive(a.data, a.bytes);
    return a;
}

static void call(function f, const void *p, uint32_t count, array *a) {
    if (count == 2) {
        ((with2)f)(p, a[0].data, a[1].data);
    } else if (count == 3) {
        ((with3)f)(p, a[0].data, a[1].data, a[2].data);
    } else if (count == 4) {
        ((with4)f)(p, a[0].data, a[1].data, a[2].data, a[3].data);
    } else if (count == 5) {
        ((with5)f)(p, a[0].data, a[1].data, a[2].data, a[3].data, a[4].data);
    } else if (count == 6) {
        ((with6)f)(p, a[0].data, a[1].data, a[2].data, a[3].data, a[4].data, a[5].data);
    } else {
        fail("no kernel has so many arrays");
    }
}

int main(void) {
    uint32_t head[3];
    while (fread(head, sizeof head, 1, stdin) == 1) {
        union {
            uint8_t bytes[256];
            uint64_t aligned;
        } params;
        array arrays[ARRAYS];
        const uint32_t count = head[2];
        if (head[0] >= sizeof kernels / sizeof *kernels || head[1] > sizeof params ||
            count > ARRAYS || count < 2) {
            fail("no such call");
        }
        receive(params.bytes, head[1]);
        for (uint32_t i = 0; i < count; ++i) {
            arrays[i] = receive_array();
        }
        call(kernels[head[0]], params.bytes, count, arrays);
        fwrite(arrays[count - 1].data, 1, arrays[count - 1].bytes, stdout);
        fflush(stdout);
        for (uint32_t i = 0; i < count; ++i) {
            if (arrays[i].pages != NULL) {
                munmap(arrays[i].pages, arrays[i].mapped);
            }
        }
    }
    return 0;
}
