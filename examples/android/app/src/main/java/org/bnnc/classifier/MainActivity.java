// SPDX-License-Identifier: 0BSD
package org.bnnc.classifier;

import android.app.Activity;
import android.content.ActivityNotFoundException;
import android.content.Intent;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.os.Bundle;
import android.provider.MediaStore;
import android.widget.Button;
import android.widget.ImageView;
import android.widget.LinearLayout;
import android.widget.TextView;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Two buttons, take or choose a picture; the picture; the best classes. */
public final class MainActivity extends Activity {
    private static final int TAKE = 1;
    private static final int CHOOSE = 2;
    private static final int SHOWN = 5;

    private ImageView picture;
    private TextView text;

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        LinearLayout page = new LinearLayout(this);
        page.setOrientation(LinearLayout.VERTICAL);
        Intent chosen = new Intent(Intent.ACTION_GET_CONTENT).setType("image/*");
        page.addView(button("Take a picture", new Intent(MediaStore.ACTION_IMAGE_CAPTURE), TAKE));
        page.addView(button("Choose a picture", chosen, CHOOSE));
        picture = new ImageView(this);
        text = new TextView(this);
        page.addView(text);
        page.addView(picture);
        setContentView(page);
    }

    private Button button(String label, Intent intent, int request) {
        Button made = new Button(this);
        made.setText(label);
        made.setOnClickListener(
                view -> {
                    try {
                        startActivityForResult(intent, request);
                    } catch (ActivityNotFoundException error) {
                        text.setText("No app can do that.");
                    }
                });
        return made;
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        super.onActivityResult(request, result, data);
        if (result != RESULT_OK || data == null) {
            return;
        }
        try {
            Bitmap bitmap = request == TAKE ? (Bitmap) data.getExtras().get("data") : read(data);
            if (bitmap == null) {
                text.setText("This picture cannot be read.");
                return;
            }
            picture.setImageBitmap(bitmap);
            text.setText(describe(bitmap, labels()));
        } catch (IOException error) {
            text.setText(error.getMessage());
        }
    }

    private Bitmap read(Intent data) throws IOException {
        try (InputStream stream = getContentResolver().openInputStream(data.getData())) {
            return BitmapFactory.decodeStream(stream);
        }
    }

    private List<String> labels() throws IOException {
        List<String> found = new ArrayList<>();
        try (BufferedReader reader =
                new BufferedReader(
                        new InputStreamReader(
                                getAssets().open("labels.txt"), StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                found.add(line);
            }
        }
        return found;
    }

    private static String describe(Bitmap bitmap, List<String> labels) {
        int width = bitmap.getWidth();
        int height = bitmap.getHeight();
        int[] argb = new int[width * height];
        bitmap.getPixels(argb, 0, width, 0, 0, width, height);
        long start = System.nanoTime();
        Network.Candidate[] best =
                Network.classify(argb, width, height, Math.min(SHOWN, Network.classes()));
        double milliseconds = (System.nanoTime() - start) / 1e6;
        StringBuilder lines = new StringBuilder();
        for (Network.Candidate candidate : best) {
            String label =
                    candidate.index < labels.size()
                            ? labels.get(candidate.index)
                            : "class " + candidate.index;
            lines.append(String.format(Locale.ROOT, "%s  %.4g%n", label, candidate.score));
        }
        return lines.append(String.format(Locale.ROOT, "%.2f ms", milliseconds)).toString();
    }
}
