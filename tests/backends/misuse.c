/* SPDX-License-Identifier: Apache-2.0 */
/* Gives net_init and net_run everything but what they want. Every buffer has exactly the size that
 * is claimed, so that a sanitizer sees any byte too many.
 *
 * misuse WEIGHTS OTHER_MODEL OTHER_TARGET INPUT: prints the line of the first check that fails.
 * Writes to stdout the status for each byte of the weight file and each of three changes to it,
 * then the output of the network. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bnnc/bnnw.h"
#include "net.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

typedef struct {
    unsigned char *bytes;
    size_t count;
} blob;

static blob whole; /* the right weights */
static unsigned char *arena;
static float *in0, *out0;

static blob copy_of(const unsigned char *bytes, size_t count) {
    blob made = {(unsigned char *)malloc(count), count};
    CHECK(made.bytes != NULL);
    memcpy(made.bytes, bytes, count);
    return made;
}

static blob read_file(const char *path) {
    static unsigned char room[1 << 20];
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    const blob made = copy_of(room, fread(room, 1, sizeof room, file));
    fclose(file);
    return made;
}

/* init, and what run says afterwards: nothing may be run after a refusal. */
static bnnc_status init(const void *weights, size_t bytes, void *memory, size_t memory_bytes) {
    net_ctx ctx;
    memset(&ctx, 0x5a, sizeof ctx);
    const bnnc_status status = net_init(&ctx, weights, bytes, memory, memory_bytes);
    CHECK(net_run(&ctx, in0, out0) == (status == BNNC_OK ? BNNC_OK : BNNC_ERR_NULL));
    return status;
}

static bnnc_status init_weights(const void *weights, size_t bytes) {
    return init(weights, bytes, arena, net_ARENA_BYTES);
}

static void pointers(void) {
    net_ctx ctx;
    CHECK(net_init(NULL, whole.bytes, whole.count, arena, net_ARENA_BYTES) == BNNC_ERR_NULL);
    CHECK(net_run(NULL, in0, out0) == BNNC_ERR_NULL);
    CHECK(init(NULL, whole.count, arena, net_ARENA_BYTES) == BNNC_ERR_NULL);
    CHECK(init(whole.bytes, whole.count, NULL, net_ARENA_BYTES) == BNNC_ERR_NULL);
    CHECK(net_init(&ctx, whole.bytes, whole.count, arena, net_ARENA_BYTES) == BNNC_OK);
    CHECK(net_run(&ctx, NULL, out0) == BNNC_ERR_NULL);
    CHECK(net_run(&ctx, in0, NULL) == BNNC_ERR_NULL);
    CHECK(net_init(&ctx, NULL, whole.count, arena, net_ARENA_BYTES) == BNNC_ERR_NULL);
    CHECK(net_run(&ctx, in0, out0) == BNNC_ERR_NULL);
}

static void alignment(void) {
    blob wide = {(unsigned char *)malloc(whole.count + net_ALIGN), whole.count};
    unsigned char *memory = (unsigned char *)malloc(net_ARENA_BYTES + net_ALIGN);
    CHECK(wide.bytes != NULL && memory != NULL);
    for (size_t shift = 0; shift <= net_ALIGN; ++shift) {
        const bnnc_status want = shift % net_ALIGN == 0 ? BNNC_OK : BNNC_ERR_ALIGN;
        memcpy(wide.bytes + shift, whole.bytes, whole.count);
        CHECK(init_weights(wide.bytes + shift, whole.count) == want);
        CHECK(init(whole.bytes, whole.count, memory + shift, net_ARENA_BYTES) == want);
    }
    free(wide.bytes);
    free(memory);
}

static void sizes(void) {
    blob longer = {(unsigned char *)calloc(whole.count + 100, 1), whole.count + 100};
    CHECK(net_arena_bytes() == net_ARENA_BYTES && net_ARENA_BYTES > 0);
    CHECK(longer.bytes != NULL && whole.count == net_WEIGHTS_BYTES);
    for (size_t bytes = 0; bytes < net_ARENA_BYTES; ++bytes) {
        void *memory = malloc(bytes);
        CHECK(init(whole.bytes, whole.count, memory, bytes) == BNNC_ERR_SIZE);
        free(memory);
    }
    for (size_t bytes = 0; bytes < whole.count; ++bytes) {
        const blob cut = copy_of(whole.bytes, bytes);
        CHECK(init_weights(cut.bytes, cut.count) == BNNC_ERR_SIZE);
        free(cut.bytes);
    }
    memcpy(longer.bytes, whole.bytes, whole.count);
    CHECK(init_weights(longer.bytes, longer.count) == BNNC_OK);
    free(longer.bytes);
}

static void put(blob file, size_t at, unsigned long value) {
    for (size_t i = 0; i < 4; ++i) {
        file.bytes[at + i] = (unsigned char)(value >> 8 * i & 255u);
    }
}

/* Make both checksums right for a header of so many bytes; not for one that the file has not. */
static void seal(blob file, size_t header_bytes) {
    if (header_bytes >= 64 && header_bytes <= file.count) {
        put(file, 28, BNNC_SYM(crc32)(0, file.bytes + header_bytes, file.count - header_bytes));
        put(file, 24, 0);
        put(file, 24, BNNC_SYM(crc32)(0, file.bytes, header_bytes));
    }
}

static void versions(size_t header_bytes) {
    const unsigned long old[] = {0, 2, 3, 256, 0xffffffffu};
    for (size_t i = 0; i < sizeof old / sizeof *old; ++i) {
        const blob file = copy_of(whole.bytes, whole.count);
        put(file, 8, old[i]);
        seal(file, header_bytes);
        CHECK(init_weights(file.bytes, file.count) == BNNC_ERR_VERSION);
        free(file.bytes);
    }
}

/* Lies about sizes under right checksums must not lead outside of the file. */
static void lies(size_t header_bytes) {
    const blob file = copy_of(whole.bytes, whole.count);
    for (unsigned long lie = 0; lie < whole.count + 300; ++lie) {
        put(file, 12, lie);
        seal(file, lie);
        const bnnc_status status = init_weights(file.bytes, file.count);
        CHECK(status == (lie >= 64 && lie <= whole.count ? BNNC_OK : BNNC_ERR_SIZE));
        put(file, 12, header_bytes);
        put(file, 16, lie);
        seal(file, header_bytes);
        CHECK(init_weights(file.bytes, file.count) ==
              (lie == whole.count ? BNNC_OK : BNNC_ERR_SIZE));
        put(file, 16, whole.count);
    }
    for (int bit = 0; bit < 32; ++bit) {
        put(file, 20, 1ul << bit); /* the upper half of the file's size */
        seal(file, header_bytes);
        CHECK(init_weights(file.bytes, file.count) == BNNC_ERR_SIZE);
    }
    free(file.bytes);
}

static void damage(void) {
    const blob file = copy_of(whole.bytes, whole.count);
    const unsigned char masks[] = {0x01, 0x80, 0xff};
    for (size_t at = 0; at < file.count; ++at) {
        for (size_t i = 0; i < sizeof masks; ++i) {
            file.bytes[at] ^= masks[i];
            putchar((int)init_weights(file.bytes, file.count));
            file.bytes[at] ^= masks[i];
        }
    }
    free(file.bytes);
}

int main(int argc, char **argv) {
    CHECK(argc == 5);
    whole = read_file(argv[1]);
    const blob model = read_file(argv[2]), target = read_file(argv[3]), input = read_file(argv[4]);
    const size_t header_bytes = whole.bytes[12] | (size_t)whole.bytes[13] << 8;
    arena = (unsigned char *)malloc(net_ARENA_BYTES);
    in0 = (float *)malloc(net_IN0_BYTES);
    out0 = (float *)malloc(net_OUT0_BYTES);
    CHECK(arena != NULL && in0 != NULL && out0 != NULL && input.count == net_IN0_BYTES);
    memcpy(in0, input.bytes, input.count);
    pointers();
    alignment();
    sizes();
    versions(header_bytes);
    lies(header_bytes);
    CHECK(init_weights(model.bytes, model.count) == BNNC_ERR_MODEL);
    CHECK(init_weights(target.bytes, target.count) == BNNC_ERR_TARGET);
    damage();
    CHECK(init_weights(whole.bytes, whole.count) == BNNC_OK);
    fwrite(out0, 1, net_OUT0_BYTES, stdout);
    free(whole.bytes);
    free(model.bytes);
    free(target.bytes);
    free(input.bytes);
    free(arena);
    free(in0);
    free(out0);
    return 0;
}
