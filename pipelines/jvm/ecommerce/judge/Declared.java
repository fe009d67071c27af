package ecommerce.judge;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** The declared members of one JSON object of the event contract, in their order. */
final class Declared {
    /** What a field may hold. */
    enum Kind { TEXT, INTEGER, MONEY, OBJECT, ARRAY }

    /** One declared member. `critical`: a value of a wrong type rejects the record. */
    static final class Field {
        final String name;
        final byte[] key;
        final Kind kind;
        final boolean critical;
        /** The members of an object, or of an array's elements; null for a scalar. */
        final Declared members;

        private Field(String name, Kind kind, boolean critical, Declared members) {
            this.name = name;
            this.key = name.getBytes(StandardCharsets.UTF_8);
            this.kind = kind;
            this.critical = critical;
            this.members = members;
        }
    }

    final Field[] fields;
    /** "" for the event itself, "page." for its page, "" for an item, whose place differs. */
    final String prefix;

    private Declared(Field[] fields, String prefix) {
        this.fields = fields;
        this.prefix = prefix;
    }

    /** The event as Spark declares it; `critical` has the paths of the fields that reject, items as `items[].…`. */
    static Declared event(StructType type, Set<String> critical) {
        return members(type, "", "", critical);
    }

    private static Declared members(StructType type, String prefix, String place, Set<String> critical) {
        StructField[] declared = type.fields();
        Field[] fields = new Field[declared.length];
        for (int i = 0; i < fields.length; i++) {
            String name = declared[i].name();
            DataType data = declared[i].dataType();
            Declared inner = null;
            if (data instanceof StructType) {
                inner = members((StructType) data, name + ".", name + ".", critical);
            } else if (data instanceof ArrayType) {
                inner = members((StructType) ((ArrayType) data).elementType(), "", name + "[].", critical);
            }
            fields[i] = new Field(name, kind(data), critical.contains(place + name), inner);
        }
        return new Declared(fields, prefix);
    }

    private static Kind kind(DataType type) {
        if (type instanceof StructType) {
            return Kind.OBJECT;
        }
        if (type instanceof ArrayType) {
            return Kind.ARRAY;
        }
        if (type instanceof StringType) {
            return Kind.TEXT;
        }
        if (type instanceof IntegerType) {
            return Kind.INTEGER;
        }
        if (type instanceof DecimalType decimal && decimal.precision() == 12 && decimal.scale() == 2) {
            return Kind.MONEY;
        }
        throw new IllegalArgumentException("the judge reads no " + type.sql() + " from JSON");
    }

    /** The place of the field of that name. */
    int at(String name) {
        for (int i = 0; i < fields.length; i++) {
            if (fields[i].name.equals(name)) {
                return i;
            }
        }
        throw new IllegalArgumentException("the event declares no field " + prefix + name);
    }

    /** The members of the object or array of that name. */
    Declared of(String name) {
        return fields[at(name)].members;
    }

    /** The place of a key, -1 if it is not declared. Producers keep an order, so `guess` is mostly right. */
    int find(byte[] bytes, int start, int end, int guess) {
        for (int k = 0, i = guess; k < fields.length; k++, i++) {
            if (i >= fields.length) {
                i -= fields.length;
            }
            byte[] key = fields[i].key;
            if (key.length == end - start && matches(key, bytes, start)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean matches(byte[] key, byte[] bytes, int start) {
        for (int i = 0; i < key.length; i++) {
            if (key[i] != bytes[start + i]) {
                return false;
            }
        }
        return true;
    }
}
