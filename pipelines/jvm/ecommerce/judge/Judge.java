package ecommerce.judge;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * A raw record's outcome, in one call: decode, parse, validate, enrich.
 *
 * <p>The last argument is null, a struct of one field: its type is the result's, so that the schema is written once, in
 * Python; its metadata has the rules as one JSON text (see {@link Contract}) and, in hexadecimal, the key of the
 * pseudonyms. What Spark shows of a plan has arguments in it, but no metadata.
 */
public final class Judge implements ScalarFunction<InternalRow> {
    private static final long serialVersionUID = 1;

    /** The newest rules of this JVM: tasks come and go, and a catalogue takes a while to read. */
    private static volatile Judging newest;

    private final StructType input;
    private transient Judging judging;

    Judge(StructType input) {
        this.input = input;
    }

    @Override
    public DataType[] inputTypes() {
        StructField[] fields = input.fields();
        DataType[] types = new DataType[fields.length];
        for (int i = 0; i < types.length; i++) {
            types[i] = fields[i].dataType();
        }
        return types;
    }

    @Override
    public DataType resultType() {
        return given().dataType();
    }

    private StructField given() {
        StructField[] fields = input.fields();
        return ((StructType) fields[fields.length - 1].dataType()).fields()[0];
    }

    @Override
    public boolean isResultNullable() {
        return false;
    }

    /** It is; but Spark evaluates what is deterministic as often as it is mentioned. */
    @Override
    public boolean isDeterministic() {
        return false;
    }

    @Override
    public String name() {
        return "judge";
    }

    /**
     * The method that Spark's generated code calls.
     *
     * @param receivedAt microseconds since 1970, or Long.MIN_VALUE where the broker names no time
     */
    public InternalRow invoke(byte[] key, byte[] value, ArrayData headers, long receivedAt, InternalRow given) {
        if (judging == null) {
            judging = judging(given());
        }
        return judging.judge(key, value, headers, receivedAt);
    }

    private static Judging judging(StructField given) {
        Judging known = newest;
        if (known == null || !known.isOf(given)) {
            known = new Judging(given);
            newest = known;
        }
        return known;
    }
}
