package ecommerce.judge;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Where the members of one JSON object stand in the document: of a repeated key the last one.
 *
 * <p>Reading tells whether the whole document is JSON; {@link Event} then looks at the values.
 */
final class Members {
    /** A value by its place in the document. */
    static final class Value {
        byte type;
        int start;
        int end;
        /** Of a string: whether it has escapes. */
        boolean escaped;
        /** Whether an object in it repeats a key. */
        boolean repeats;
        /** Whether an undeclared object in it has a key that is named like a private field. */
        boolean privates;
        /** The members of an object that is declared. */
        Members members;
        /** The elements of an array that is declared. */
        List<Value> elements;
    }

    final Declared declared;
    final Value[] values;
    /** Members that are not declared, null if there are none. */
    Map<UTF8String, Value> unknown;

    private Members(Declared declared) {
        this.declared = declared;
        this.values = new Value[declared.fields.length];
    }

    /** Read an object; the reader stands on its brace. */
    static Members read(JsonReader reader, Declared declared) throws NotJson {
        Members members = new Members(declared);
        reader.enter();
        int guess = 0;
        for (boolean first = true; reader.hasMore(first, '}'); first = false) {
            int start = reader.at + 1;
            int end = reader.key();
            int found = reader.escaped ? members.findEscaped(reader, start, end)
                    : declared.find(reader.bytes, start, end, guess);
            if (found >= 0) {
                reader.repeats |= members.values[found] != null;
                members.values[found] = value(reader, declared.fields[found].kind, declared.fields[found].members);
                guess = found + 1;
            } else {
                members.addUnknown(reader, reader.text(start, end, reader.escaped));
            }
        }
        return members;
    }

    private int findEscaped(JsonReader reader, int start, int end) {
        byte[] key = reader.text(start, end, true).getBytes();
        return declared.find(key, 0, key.length, 0);
    }

    private void addUnknown(JsonReader reader, UTF8String key) throws NotJson {
        if (unknown == null) {
            unknown = new LinkedHashMap<>();
        }
        Value value = value(reader, null, null);
        reader.repeats |= unknown.put(key, value) != null;
    }

    /** Read a value of a field of that kind, whose objects have those members; both are null where none is declared. */
    private static Value value(JsonReader reader, Declared.Kind kind, Declared declared) throws NotJson {
        boolean repeatedBefore = reader.repeats;
        boolean privateBefore = reader.privates;
        reader.repeats = false;
        reader.privates = false;
        Value value = new Value();
        int next = reader.next();
        value.start = reader.at;
        if (next == '{' && kind == Declared.Kind.OBJECT) {
            value.type = JsonReader.OBJECT;
            value.members = read(reader, declared);
        } else if (next == '[' && kind == Declared.Kind.ARRAY) {
            value.type = JsonReader.ARRAY;
            value.elements = elements(reader, declared);
        } else {
            value.type = reader.value();
            value.escaped = reader.escaped;
        }
        value.end = reader.at;
        value.repeats = reader.repeats;
        value.privates = reader.privates;
        reader.repeats |= repeatedBefore;
        reader.privates |= privateBefore;
        return value;
    }

    private static List<Value> elements(JsonReader reader, Declared declared) throws NotJson {
        List<Value> elements = new ArrayList<>();
        reader.enter();
        for (boolean first = true; reader.hasMore(first, ']'); first = false) {
            elements.add(value(reader, Declared.Kind.OBJECT, declared));
        }
        return elements;
    }
}
