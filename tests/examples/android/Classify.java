// SPDX-License-Identifier: Apache-2.0
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import org.bnnc.classifier.Network;

/** Prints "class bits" of all scores of pictures of WIDTH x HEIGHT in a file of big-endian ints. */
final class Classify {
    public static void main(String[] arguments) throws IOException {
        int width = Integer.parseInt(arguments[1]);
        int height = Integer.parseInt(arguments[2]);
        int[] argb = new int[width * height];
        try (DataInputStream stream = new DataInputStream(new FileInputStream(arguments[0]))) {
            while (stream.available() > 0) {
                for (int i = 0; i < argb.length; i++) {
                    argb[i] = stream.readInt();
                }
                for (Network.Candidate best :
                        Network.classify(argb, width, height, Network.classes())) {
                    System.out.println(best.index + " " + Float.floatToIntBits(best.score));
                }
            }
        }
        for (int[] wrong : new int[][] {{0, 1, 1}, {width + 1, height, 1}, {width, height, 99}}) {
            try {
                Network.classify(argb, wrong[0], wrong[1], wrong[2]);
                System.out.println("taken");
            } catch (IllegalArgumentException error) {
                System.out.println("refused");
            }
        }
    }
}
