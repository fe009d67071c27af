package ecommerce.judge;

import java.nio.charset.StandardCharsets;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The value of an enriched record: the declared fields, and ours under `enrichment`, in UTF-8, as Spark's `to_json`
 * would write such a struct. From what the judge returned, so that nobody has to build that struct.
 */
public final class EnrichedJson implements ScalarFunction<byte[]> {
    private static final long serialVersionUID = 1;
    private static final byte[] ENRICHMENT = "\"enrichment\":{".getBytes(StandardCharsets.US_ASCII);

    private final StructType judged;
    private final DataType warnings;
    private final StructType facts;
    private transient Writing writing;

    /** How a task writes: made once. */
    private static final class Writing {
        final JsonWriter json = new JsonWriter();
        final JsonWriter.Shape judged;
        final JsonWriter.Shape facts;
        final int event;
        final int firstAdded;
        final int warnings;

        Writing(StructType judged, StructType facts) {
            this.judged = new JsonWriter.Shape(judged);
            this.facts = new JsonWriter.Shape(facts);
            event = judged.fieldIndex("event");
            firstAdded = judged.fieldIndex("received_at");
            warnings = judged.fieldIndex("warnings");
        }
    }

    /** `input`: what the judge returned; the warnings by now; the batch's facts, which stand behind the enrichment. */
    EnrichedJson(StructType input) {
        judged = (StructType) input.fields()[0].dataType();
        warnings = input.fields()[1].dataType();
        facts = (StructType) input.fields()[2].dataType();
    }

    @Override
    public DataType[] inputTypes() {
        return new DataType[] {judged, warnings, facts};
    }

    @Override
    public DataType resultType() {
        return DataTypes.BinaryType;
    }

    @Override
    public String name() {
        return "enriched_json";
    }

    /** The method that Spark's generated code calls; each task has an instance of its own. Null for a dead record. */
    public byte[] invoke(InternalRow judged, ArrayData warnings, InternalRow facts) {
        if (writing == null) {
            writing = new Writing(this.judged, this.facts);
        }
        Writing w = writing;
        if (judged.isNullAt(w.event)) {
            return null;
        }
        JsonWriter json = w.json;
        json.clear();
        json.raw('{');
        JsonWriter.Shape declared = w.judged.inner[w.event];
        boolean first = json.members(judged.getStruct(w.event, declared.names.length), declared, 0, true);
        if (!first) {
            json.raw(',');
        }
        json.bytes(ENRICHMENT);
        first = true;
        for (int i = w.firstAdded; i < w.judged.names.length; i++) {
            first = i != w.warnings ? json.member(judged, w.judged, i, first)
                    : json.array(warnings, w.judged, i, first);
        }
        json.members(facts, w.facts, 0, first);
        json.raw('}');
        json.raw('}');
        return json.toBytes();
    }
}
