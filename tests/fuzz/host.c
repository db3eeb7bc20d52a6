/* SPDX-License-Identifier: Apache-2.0 */
/* Runs generated code on buffers of exactly its sizes, under sanitizers.
 *
 * Usage: host LIBRARY NAME FOLDER SAMPLES INPUTS BYTES... OUTPUTS BYTES...
 *
 * LIBRARY is NAME.c as a shared library, built with BNNC_TRACE=bnnc_fuzz_trace; the kernels are
 * part of this program. Files in FOLDER: NAME.bnnw and NAME.in0, ... are read, NAME.trace is
 * written: for each tensor its index and size (32 bits each) and its bytes. Exit status: 0 done,
 * 1 the model refused, 2 anything else.
 *
 * With 0 samples weight files are read from the standard input, each behind its size (32 bits).
 * For each the status of NAME_init is written to the standard output as one byte, and where it is
 * 0 the model runs. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 30 };

typedef union {
    struct {
        void *weights, *arena;
    } fields;
    unsigned char room[64];
} context;
typedef size_t (*arena_bytes_function)(void);
typedef int (*init_function)(context *, const void *, size_t, void *, size_t);
typedef int (*run_function)(context *, ...);

static FILE *trace;

static void fail(int status, const char *what, const char *which) {
    fprintf(stderr, "%s %s\n", what, which);
    exit(status);
}

void bnnc_fuzz_trace(uint32_t index, const void *data, size_t bytes);
void bnnc_fuzz_trace(uint32_t index, const void *data, size_t bytes) {
    const uint32_t head[2] = {index, (uint32_t)bytes};
    if (fwrite(head, sizeof head, 1, trace) != 1 || fwrite(data, 1, bytes, trace) != bytes) {
        fail(2, "cannot write", "the trace");
    }
}

static char *path_of(const char *folder, const char *name, const char *end) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", folder, name, end);
    return path;
}

/* Exactly `bytes` bytes, so that one more is a fault; an address fit for any target. */
static unsigned char *allocate(size_t bytes) {
    void *data = NULL;
    if (posix_memalign(&data, 64, bytes > 0 ? bytes : 1) != 0) {
        fail(2, "out of memory", "");
    }
    memset(data, 0xa5, bytes);
    return (unsigned char *)data;
}

static unsigned char *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    unsigned char *data;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fail(2, "cannot read", path);
    }
    *bytes = (size_t)ftell(file);
    data = allocate(*bytes);
    rewind(file);
    if (fread(data, 1, *bytes, file) != *bytes) {
        fail(2, "cannot read", path);
    }
    fclose(file);
    return data;
}

static void *symbol(void *library, const char *name, const char *end) {
    char text[256];
    void *found;
    snprintf(text, sizeof text, "%s%s", name, end);
    found = dlsym(library, text);
    if (found == NULL) {
        fail(2, "no symbol", text);
    }
    return found;
}

static size_t number(const char *text) { return (size_t)strtoull(text, NULL, 10); }

#define UP_TO_5(p) (p)[0], (p)[1], (p)[2], (p)[3], (p)[4]
#define UP_TO_10(p) UP_TO_5(p), UP_TO_5((p) + 5)

/* Every pointer is passed alike, and a caller may pass more than the function takes. */
static int run(run_function f, context *c, unsigned char **p) {
    return f(c, UP_TO_10(p), UP_TO_10(p + 10), UP_TO_5(p + 20), UP_TO_5(p + 25));
}

static void load_all(init_function init, run_function f, size_t arena_bytes,
                     unsigned char **pointers) {
    unsigned char *arena = allocate(arena_bytes);
    uint32_t size;
    while (fread(&size, sizeof size, 1, stdin) == 1) {
        context ctx;
        unsigned char *weights = allocate(size);
        if (fread(weights, 1, size, stdin) != size) {
            fail(2, "cannot read", "the weights");
        }
        const int status = init(&ctx, weights, size, arena, arena_bytes);
        if (status == 0 && run(f, &ctx, pointers) != 0) {
            fail(2, "the model refused", "to run");
        }
        free(weights);
        putchar(status);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    unsigned char *pointers[MOST] = {NULL}, *files[MOST];
    size_t bytes[MOST], weights_bytes, arena;
    if (argc < 7) {
        fail(2, "usage:", "see host.c");
    }
    const char *name = argv[2], *folder = argv[3];
    const size_t samples = number(argv[4]);
    const int inputs = atoi(argv[5]), outputs = atoi(argv[6 + inputs]);
    const int count = inputs + outputs;
    if (count > MOST || argc != 7 + count) {
        fail(2, "usage:", "see host.c");
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fail(2, "cannot load", dlerror());
    }
    for (int i = 0; i < count; ++i) {
        char end[16];
        size_t found;
        bytes[i] = number(argv[i < inputs ? 6 + i : 7 + i]);
        pointers[i] = allocate(bytes[i]);
        files[i] = NULL;
        if (i < inputs && samples > 0) {
            snprintf(end, sizeof end, ".in%d", i);
            files[i] = read_file(path_of(folder, name, end), &found);
            if (found != samples * bytes[i]) {
                fail(2, "an input file has another size than it should:", end);
            }
        }
    }
    arena = ((arena_bytes_function)symbol(library, name, "_arena_bytes"))();
    const init_function init = (init_function)symbol(library, name, "_init");
    const run_function run_model = (run_function)symbol(library, name, "_run");
    if (samples == 0) {
        trace = fopen("/dev/null", "wb");
        load_all(init, run_model, arena, pointers);
        return 0;
    }
    unsigned char *weights = read_file(path_of(folder, name, ".bnnw"), &weights_bytes);
    unsigned char *untouched = allocate(weights_bytes);
    memcpy(untouched, weights, weights_bytes);
    static context ctx;
    int status = init(&ctx, weights, weights_bytes, allocate(arena), arena);
    if (status != 0) {
        fprintf(stderr, "init: status %d\n", status);
        return 1;
    }
    trace = fopen(path_of(folder, name, ".trace"), "wb");
    if (trace == NULL) {
        fail(2, "cannot write", "the trace");
    }
    for (size_t s = 0; s < samples && status == 0; ++s) {
        for (int i = 0; i < inputs; ++i) {
            memcpy(pointers[i], files[i] + s * bytes[i], bytes[i]);
        }
        status = run(run_model, &ctx, pointers);
        for (int i = 0; i < count; ++i) {
            if (i < inputs && memcmp(pointers[i], files[i] + s * bytes[i], bytes[i]) != 0) {
                fail(2, "an input was written to", "");
            }
            if (i >= inputs) {
                bnnc_fuzz_trace(0xffffffffu, pointers[i], bytes[i]);
            }
        }
    }
    if (status != 0) {
        fprintf(stderr, "run: status %d\n", status);
        return 1;
    }
    if (memcmp(weights, untouched, weights_bytes) != 0) {
        fail(2, "the weights were written to", "");
    }
    return fclose(trace) == 0 ? 0 : 2;
}
