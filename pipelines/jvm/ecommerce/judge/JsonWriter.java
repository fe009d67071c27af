package ecommerce.judge;

import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.TimestampType;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;

/** JSON of Spark's rows, as Spark's `to_json` writes it: no nulls in objects, instants in UTC to the microsecond. */
final class JsonWriter {
    private static final byte[] HEX = "0123456789ABCDEF".getBytes(StandardCharsets.US_ASCII);

    private byte[] out = new byte[2048];
    private int length;
    private long lastDay;
    private byte[] lastDate = {};

    int length() {
        return length;
    }

    /** Begin anew. */
    void clear() {
        length = 0;
    }

    byte[] toBytes() {
        return Arrays.copyOf(out, length);
    }

    UTF8String toText() {
        return UTF8String.fromBytes(toBytes());
    }

    void string(UTF8String text) {
        int size = text.numBytes();
        room(size + 2);
        int start = length + 1;
        text.writeToMemory(out, Platform.BYTE_ARRAY_OFFSET + start);
        for (int i = start; i < start + size; i++) {
            if (isSpecial(out[i])) {
                escaped(Arrays.copyOfRange(out, start, start + size));
                return;
            }
        }
        out[length] = '"';
        length = start + size;
        out[length++] = '"';
    }

    private static boolean isSpecial(byte b) {
        return b == '"' || b == '\\' || b >= 0 && b < ' ';
    }

    private void escaped(byte[] text) {
        room(text.length * 6 + 2);
        out[length++] = '"';
        for (byte b : text) {
            if (!isSpecial(b)) {
                out[length++] = b;
            } else if (b < ' ') {
                control(b);
            } else {
                out[length++] = '\\';
                out[length++] = b;
            }
        }
        out[length++] = '"';
    }

    private void control(byte b) {
        out[length++] = '\\';
        int at = "\b\f\n\r\t".indexOf(b);
        if (at >= 0) {
            out[length++] = (byte) "bfnrt".charAt(at);
            return;
        }
        out[length++] = 'u';
        out[length++] = '0';
        out[length++] = '0';
        out[length++] = HEX[b >> 4];
        out[length++] = HEX[b & 15];
    }

    /** An object of the row's members that are not null. */
    void object(SpecializedGetters row, Shape shape) {
        raw('{');
        members(row, shape, 0, true);
        raw('}');
    }

    /** The members from place `from` on. `first`: whether none was written before them; returns whether none is now. */
    boolean members(SpecializedGetters row, Shape shape, int from, boolean first) {
        boolean none = first;
        for (int i = from; i < shape.names.length; i++) {
            none = member(row, shape, i, none);
        }
        return none;
    }

    /** One member, unless it is null. */
    boolean member(SpecializedGetters row, Shape shape, int i, boolean first) {
        if (row.isNullAt(i)) {
            return first;
        }
        key(shape, i, first);
        value(row, i, shape.types[i], shape.inner[i]);
        return false;
    }

    /** One member with another array than the row's, unless it is null. */
    boolean array(ArrayData elements, Shape shape, int i, boolean first) {
        if (elements == null) {
            return first;
        }
        key(shape, i, first);
        array(elements, (ArrayType) shape.types[i], shape.inner[i]);
        return false;
    }

    private void key(Shape shape, int i, boolean first) {
        if (!first) {
            raw(',');
        }
        bytes(shape.names[i]);
    }

    private void value(SpecializedGetters row, int i, DataType type, Shape inner) {
        if (type instanceof StringType) {
            string(row.getUTF8String(i));
        } else if (type instanceof IntegerType) {
            number(row.getInt(i));
        } else if (type instanceof LongType) {
            number(row.getLong(i));
        } else if (type instanceof DecimalType decimal) {
            decimal(row.getDecimal(i, decimal.precision(), decimal.scale()));
        } else if (type instanceof BooleanType) {
            ascii(row.getBoolean(i) ? "true" : "false");
        } else if (type instanceof TimestampType) {
            instant(row.getLong(i));
        } else if (type instanceof DateType) {
            raw('"');
            date(row.getInt(i));
            raw('"');
        } else if (type instanceof StructType) {
            object(row.getStruct(i, inner.names.length), inner);
        } else {
            array(row.getArray(i), (ArrayType) type, inner);
        }
    }

    private void array(ArrayData elements, ArrayType type, Shape inner) {
        raw('[');
        for (int i = 0; i < elements.numElements(); i++) {
            if (i > 0) {
                raw(',');
            }
            if (elements.isNullAt(i)) {
                ascii("null");
            } else {
                value(elements, i, type.elementType(), inner);
            }
        }
        raw(']');
    }

    private void number(long number) {
        if (number < 0) { // Long.MIN_VALUE has no counterpart
            ascii(Long.toString(number));
            return;
        }
        int count = 1;
        for (long rest = number / 10; rest > 0; rest /= 10) {
            count++;
        }
        digits(number, count);
    }

    private void decimal(Decimal decimal) {
        long unscaled = decimal.precision() <= Decimal.MAX_LONG_DIGITS() ? decimal.toUnscaledLong() : -1;
        if (unscaled < 0 || decimal.scale() != 2) {
            ascii(decimal.toJavaBigDecimal().toPlainString());
            return;
        }
        number(unscaled / 100);
        raw('.');
        digits(unscaled % 100, 2);
    }

    private void instant(long micros) {
        long day = Math.floorDiv(micros, Instants.DAY_MICROS);
        long ofDay = micros - day * Instants.DAY_MICROS;
        raw('"');
        date(day);
        raw('T');
        digits(ofDay / 3_600_000_000L, 2);
        raw(':');
        digits(ofDay / 60_000_000 % 60, 2);
        raw(':');
        digits(ofDay / 1_000_000 % 60, 2);
        raw('.');
        digits(ofDay % 1_000_000, 6);
        raw('Z');
        raw('"');
    }

    /** ISO 8601; the same day as the last one, mostly. */
    private void date(long day) {
        if (day != lastDay || lastDate.length == 0) {
            lastDay = day;
            lastDate = LocalDate.ofEpochDay(day).toString().getBytes(StandardCharsets.ISO_8859_1);
        }
        bytes(lastDate);
    }

    private void digits(long number, int count) {
        room(count);
        for (int i = count - 1; i >= 0; i--) {
            out[length + i] = (byte) ('0' + number % 10);
            number /= 10;
        }
        length += count;
    }

    private void ascii(String text) {
        bytes(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    void bytes(byte[] text) {
        room(text.length);
        System.arraycopy(text, 0, out, length, text.length);
        length += text.length;
    }

    void raw(char c) {
        room(1);
        out[length++] = (byte) c;
    }

    private void room(int more) {
        if (length + more > out.length) {
            out = Arrays.copyOf(out, Math.max(out.length * 2, length + more));
        }
    }

    /** A struct type with its names as JSON keys. */
    static final class Shape {
        final byte[][] names;
        final DataType[] types;
        /** The struct, or the struct in the array, of a member; else null. */
        final Shape[] inner;

        Shape(StructType type) {
            StructField[] fields = type.fields();
            names = new byte[fields.length][];
            types = new DataType[fields.length];
            inner = new Shape[fields.length];
            for (int i = 0; i < fields.length; i++) {
                JsonWriter key = new JsonWriter();
                key.string(Texts.utf8(fields[i].name()));
                key.raw(':');
                names[i] = key.toBytes();
                types[i] = fields[i].dataType();
                DataType element = types[i] instanceof ArrayType array ? array.elementType() : types[i];
                inner[i] = element instanceof StructType struct ? new Shape(struct) : null;
            }
        }
    }
}
