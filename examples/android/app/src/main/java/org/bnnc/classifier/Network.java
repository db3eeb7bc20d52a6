// SPDX-License-Identifier: 0BSD
package org.bnnc.classifier;

/** The compiled network. It has one working memory, so one picture is classified at a time. */
public final class Network {
    /** A class of the network, and its score. */
    public static final class Candidate {
        public final int index;
        public final float score;

        Candidate(int index, float score) {
            this.index = index;
            this.score = score;
        }
    }

    private static final int LARGEST_SIDE = 16384;

    static {
        System.loadLibrary("classifier");
        open();
    }

    private Network() {}

    /** The number of classes. */
    public static native int classes();

    /**
     * Classifies a picture.
     *
     * @param argb its pixels as Bitmap.getPixels gives them, rows from the top without gaps
     * @param count how many classes are wanted, at most {@link #classes()}
     * @return the best classes, best first
     */
    public static synchronized Candidate[] classify(int[] argb, int width, int height, int count) {
        if (width < 1 || height < 1 || width > LARGEST_SIDE || height > LARGEST_SIDE) {
            throw new IllegalArgumentException("a picture of " + width + " x " + height);
        }
        if (argb.length < (long) width * height) {
            throw new IllegalArgumentException("fewer pixels than " + width + " x " + height);
        }
        if (count < 1 || count > classes()) {
            throw new IllegalArgumentException(count + " of " + classes() + " classes");
        }
        int[] indices = new int[count];
        float[] scores = new float[count];
        best(argb, width, height, indices, scores);
        Candidate[] found = new Candidate[count];
        for (int i = 0; i < count; i++) {
            found[i] = new Candidate(indices[i], scores[i]);
        }
        return found;
    }

    private static native void open();

    private static native void best(
            int[] argb, int width, int height, int[] indices, float[] scores);
}
