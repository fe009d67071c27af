package ecommerce.judge;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** A struct as JSON in UTF-8, as Spark's `to_json` writes it; for the value of an enriched record. */
public final class ToJson implements ScalarFunction<byte[]> {
    private static final long serialVersionUID = 1;

    private final DataType struct;
    private transient JsonWriter.Shape shape;
    private transient JsonWriter json;

    ToJson(StructType input) {
        struct = input.fields()[0].dataType();
    }

    @Override
    public DataType[] inputTypes() {
        return new DataType[] {struct};
    }

    @Override
    public DataType resultType() {
        return DataTypes.BinaryType;
    }

    @Override
    public String name() {
        return "to_json";
    }

    /** The method that Spark's generated code calls; each task has an instance of its own. */
    public byte[] invoke(InternalRow row) {
        if (row == null) {
            return null;
        }
        if (shape == null) {
            shape = new JsonWriter.Shape((StructType) struct);
            json = new JsonWriter();
        }
        json.clear();
        json.object(row, shape);
        return json.toBytes();
    }
}
