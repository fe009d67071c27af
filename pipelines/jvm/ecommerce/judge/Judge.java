package ecommerce.judge;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * A raw record's outcome, in one call: decode, parse, validate, enrich.
 *
 * <p>The last argument is null: its type is the result's, so that the schema is written once, in Python. The rules are
 * one JSON text; see {@link Contract}.
 */
public final class Judge implements ScalarFunction<InternalRow> {
    private static final long serialVersionUID = 1;

    /** The newest rules of this JVM: tasks come and go, and a catalogue takes a while to read. */
    private static volatile Judging newest;

    private final StructType input;
    private transient UTF8String rules;
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
        return outcome();
    }

    private StructType outcome() {
        StructField[] fields = input.fields();
        return (StructType) fields[fields.length - 1].dataType();
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
     * @param innerKey the first block of HMAC-SHA-256 for the users' pseudonyms; null without a key
     */
    public InternalRow invoke(byte[] key, byte[] value, ArrayData headers, long receivedAt, UTF8String rules,
            byte[] innerKey, byte[] outerKey, InternalRow outcome) {
        if (rules != this.rules) { // the same object for all rows of a task
            judging = judging(rules, innerKey, outerKey);
            this.rules = rules;
        }
        return judging.judge(key, value, headers, receivedAt);
    }

    private Judging judging(UTF8String rules, byte[] innerKey, byte[] outerKey) {
        Judging known = newest;
        if (known == null || !known.isOf(rules, innerKey, outerKey, outcome())) {
            known = new Judging(rules, innerKey, outerKey, outcome());
            newest = known;
        }
        return known;
    }
}
