package ecommerce.judge;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.unsafe.types.UTF8String;

/** What to say about an accepted event: its warnings, and the values that no column takes. */
final class Remarks {
    private static final int MAX_WARNINGS = 20;
    private static final int MAX_PATH_LENGTH = 200; // unknown keys are as long as their producer likes
    /** The keyword of the warning that counts the rest. */
    private static final String MORE = "more";

    private Remarks() {}

    /** The warnings as an array of struct<path, keyword, message>, the last of which counts the rest; null if none. */
    static GenericArrayData warnings(List<Complaint> complaints) {
        int count = complaints.size();
        if (count == 0) {
            return null;
        }
        List<Object> listed = new ArrayList<>();
        int shown = count > MAX_WARNINGS ? MAX_WARNINGS - 1 : count;
        for (Complaint complaint : complaints.subList(0, shown)) {
            String got = complaint.actualType() == null ? "" : " (got " + complaint.actualType() + ")";
            listed.add(warning(Texts.start(Texts.utf8(complaint.path()), MAX_PATH_LENGTH), complaint.keyword(),
                    complaint.message() + got));
        }
        if (shown < count) {
            listed.add(warning(Texts.utf8(""), MORE, count - shown + " more warnings"));
        }
        return new GenericArrayData(listed.toArray());
    }

    private static GenericInternalRow warning(UTF8String path, String keyword, String message) {
        return new GenericInternalRow(new Object[] {path, Texts.utf8(keyword), Texts.utf8(message)});
    }

    /** A JSON object, path → value as the producer wrote it; null if there is nothing to keep. */
    static UTF8String rescued(List<Complaint> complaints) {
        JsonWriter json = null;
        for (Complaint complaint : complaints) {
            if (complaint.rescued() != null) {
                if (json == null) {
                    json = new JsonWriter();
                    json.raw('{');
                } else {
                    json.raw(',');
                }
                json.string(Texts.utf8(complaint.path()));
                json.raw(':');
                json.bytes(complaint.rescued().getBytes());
            }
        }
        if (json == null) {
            return null;
        }
        json.raw('}');
        return json.toText();
    }
}
