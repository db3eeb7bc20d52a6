/* SPDX-License-Identifier: 0BSD */
/* The native methods of org.bnnc.classifier.Network, which lets one thread in at a time. */
#include <jni.h>
#include <stdlib.h>

#include "network.h"

static input_format format;

static void raise_error(JNIEnv *env, const char *type, const char *message) {
    jclass found = (*env)->FindClass(env, type);
    if (found != NULL) {
        (*env)->ThrowNew(env, found, message);
    }
}

JNIEXPORT void JNICALL Java_org_bnnc_classifier_Network_open(JNIEnv *env, jclass type) {
    const char *wrong = network_format(&format);
    (void)type;
    if (wrong == NULL) {
        wrong = network_open();
    }
    if (wrong != NULL) {
        raise_error(env, "java/lang/IllegalStateException", wrong);
    }
}

JNIEXPORT jint JNICALL Java_org_bnnc_classifier_Network_classes(JNIEnv *env, jclass type) {
    (void)env;
    (void)type;
    return network_classes();
}

/* Colours of pixels as Android has them, 0xAARRGGBB; the arrays have been checked in Java. */
static int read_pixels(JNIEnv *env, jintArray argb, image *picture) {
    const size_t count = (size_t)picture->width * (size_t)picture->height;
    picture->rgb = malloc(3 * count);
    jint *pixels = (*env)->GetIntArrayElements(env, argb, NULL);
    if (picture->rgb == NULL || pixels == NULL) {
        free(picture->rgb);
        raise_error(env, "java/lang/OutOfMemoryError", "a copy of the picture");
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        picture->rgb[3 * i] = (uint8_t)(pixels[i] >> 16);
        picture->rgb[3 * i + 1] = (uint8_t)(pixels[i] >> 8);
        picture->rgb[3 * i + 2] = (uint8_t)pixels[i];
    }
    (*env)->ReleaseIntArrayElements(env, argb, pixels, JNI_ABORT);
    return 1;
}

/* Fill `indices` and `scores` with the best classes. */
JNIEXPORT void JNICALL Java_org_bnnc_classifier_Network_best(JNIEnv *env, jclass type,
                                                             jintArray argb, jint width,
                                                             jint height, jintArray indices,
                                                             jfloatArray scores) {
    image picture = {width, height, NULL};
    const int count = (*env)->GetArrayLength(env, indices);
    candidate *best = malloc((size_t)count * sizeof *best);
    (void)type;
    if (best == NULL) {
        raise_error(env, "java/lang/OutOfMemoryError", "a list of classes");
        return;
    }
    if (read_pixels(env, argb, &picture)) {
        if (network_classify(&picture, &format, best, count)) {
            for (jsize i = 0; i < count; i++) {
                const jint index = best[i].index;
                (*env)->SetIntArrayRegion(env, indices, i, 1, &index);
                (*env)->SetFloatArrayRegion(env, scores, i, 1, &best[i].score);
            }
        } else {
            raise_error(env, "java/lang/IllegalStateException", "the network does not run");
        }
        free(picture.rgb);
    }
    free(best);
}
