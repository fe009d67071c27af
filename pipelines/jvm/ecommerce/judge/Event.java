package ecommerce.judge;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * The declared fields of one event, only values that fit, and the complaints about the others.
 *
 * <p>Values are UTF8String, Integer, Decimal, Object[] for objects, Object[][] for items; null where nothing fits.
 */
final class Event {
    final Object[] values;
    final List<Complaint> complaints;
    private Set<String> explained;

    private Event(Object[] values, List<Complaint> complaints) {
        this.values = values;
        this.complaints = complaints;
    }

    /** Whether a complaint already says why the field of that path has no value. */
    boolean explains(String path) {
        if (complaints.isEmpty()) {
            return false;
        }
        if (explained == null) {
            explained = new HashSet<>();
            for (Complaint complaint : complaints) {
                if (complaint.rejects()) {
                    explained.add(complaint.path());
                }
            }
        }
        return explained.contains(path);
    }

    /** The event in a value: NOT_JSON and so on are thrown; null if it is JSON, but no object. */
    static Event read(byte[] value, Contract contract) throws NotJson {
        JsonReader reader = new JsonReader(value, contract::isPrivateKeyInside);
        if (reader.next() != '{') {
            reader.value();
            reader.end();
            return null;
        }
        Members members = Members.read(reader, contract.event);
        reader.end();
        Checks checks = new Checks(reader, contract);
        if (reader.repeats) {
            checks.found.add(new Complaint(null, "", "duplicate_key", "each key once", "object",
                    "a key is repeated; its last value counts", null));
        }
        return new Event(checks.event(members), checks.found);
    }

    /** Looks at each value with the JSON type that the producer gave it. */
    private static final class Checks {
        private static final String TOO_LARGE = "the number is too large";

        final List<Complaint> found = new ArrayList<>(0);
        private final JsonReader reader;
        private final Contract contract;

        Checks(JsonReader reader, Contract contract) {
            this.reader = reader;
            this.contract = contract;
        }

        Object[] event(Members members) {
            Object[] values = scalars(members, "");
            Declared declared = members.declared;
            for (int i = 0; i < values.length; i++) {
                Members.Value value = members.values[i];
                if (value != null && value.members != null) {
                    values[i] = scalars(value.members, value.members.declared.prefix);
                }
            }
            for (int i = 0; i < values.length; i++) {
                Members.Value value = members.values[i];
                if (value != null && value.elements != null) {
                    values[i] = items(value.elements, declared.fields[i]);
                }
            }
            for (int i = 0; i < values.length; i++) {
                Members.Value value = members.values[i];
                Declared.Field field = declared.fields[i];
                if (field.members != null && value != null && value.members == null && value.elements == null) {
                    container(value, field);
                }
            }
            unknown(members, "");
            for (Members.Value value : members.values) {
                if (value != null && value.members != null) {
                    unknown(value.members, value.members.declared.prefix);
                }
            }
            return values;
        }

        private Object[][] items(List<Members.Value> elements, Declared.Field array) {
            Object[][] items = new Object[elements.size()][];
            for (int at = 0; at < items.length; at++) {
                Members.Value element = elements.get(at);
                if (element.members == null) {
                    String path = array.name + "[" + at + "]";
                    found.add(new Complaint("TYPE_MISMATCH", path, "type", "object",
                            JsonReader.typeName(element.type), "must be a JSON object", null));
                } else {
                    items[at] = item(element.members, array, at);
                }
            }
            return items;
        }

        private Object[] item(Members members, Declared.Field array, int at) {
            int before = found.size();
            Object[] item = scalars(members, "");
            unknown(members, "");
            for (int i = before; i < found.size(); i++) { // paths are made only of what is complained about
                Complaint c = found.get(i);
                found.set(i, new Complaint(c.failureType(), array.name + "[" + at + "]." + c.path(), c.keyword(),
                        c.expected(), c.actualType(), c.message(), c.rescued()));
            }
            return item;
        }

        private void container(Members.Value value, Declared.Field field) {
            if (value.type != JsonReader.NULL) {
                String kind = field.kind == Declared.Kind.OBJECT ? "object" : "array";
                mistyped(value, field, field.name, kind, "TYPE_MISMATCH");
            }
        }

        private Object[] scalars(Members members, String prefix) {
            Declared.Field[] fields = members.declared.fields;
            Object[] values = new Object[fields.length];
            for (int i = 0; i < fields.length; i++) {
                Members.Value value = members.values[i];
                if (value != null && value.type != JsonReader.NULL) {
                    switch (fields[i].kind) {
                        case TEXT -> values[i] = text(value, fields[i], prefix);
                        case INTEGER -> values[i] = integer(value, fields[i], prefix);
                        case MONEY -> values[i] = money(value, fields[i], prefix);
                        default -> { }
                    }
                }
            }
            return values;
        }

        private UTF8String text(Members.Value value, Declared.Field field, String prefix) {
            String path = prefix.isEmpty() ? field.name : prefix + field.name;
            if (value.type != JsonReader.STRING) {
                boolean isNumber = value.type == JsonReader.INTEGER || value.type == JsonReader.NUMBER;
                // A number for event_time is a timestamp of the wrong kind, not a wrong type.
                boolean numericTime = isNumber && path.equals(Contract.EVENT_TIME);
                mistyped(value, field, path, "string", numericTime ? "TIMESTAMP_INVALID" : "TYPE_MISMATCH");
                return null;
            }
            UTF8String text = reader.text(value.start + 1, value.end - 1, value.escaped);
            String rule = prefix.isEmpty() ? contract.brokenRule(path, text) : null;
            if (rule != null) {
                found.add(complaint(null, path, "format", rule, value, "is not " + rule));
                return null;
            }
            return text;
        }

        private Integer integer(Members.Value value, Declared.Field field, String prefix) {
            if (value.type != JsonReader.INTEGER) {
                mistyped(value, field, prefix + field.name, "integer", "TYPE_MISMATCH");
                return null;
            }
            long number = Numbers.integer(reader.bytes, value.start, value.end);
            if (number == Numbers.RANGE) {
                unfit(value, field, prefix + field.name, "TYPE_MISMATCH", "range", "integer", TOO_LARGE);
                return null;
            }
            return (int) number;
        }

        private Decimal money(Members.Value value, Declared.Field field, String prefix) {
            if (value.type != JsonReader.INTEGER && value.type != JsonReader.NUMBER) {
                mistyped(value, field, prefix + field.name, "number", "TYPE_MISMATCH");
                return null;
            }
            long cents = Numbers.cents(reader.bytes, value.start, value.end);
            if (cents == Numbers.RANGE) {
                unfit(value, field, prefix + field.name, "TYPE_MISMATCH", "range", "number", TOO_LARGE);
                return null;
            }
            if (cents == Numbers.INEXACT) {
                unfit(value, field, prefix + field.name, "INVALID_VALUE", "multipleOf", "0.01", "more than two decimals");
                return null;
            }
            return Decimal.apply(cents, 12, 2);
        }

        private void mistyped(
                Members.Value value, Declared.Field field, String path, String expected, String failureType) {
            unfit(value, field, path, failureType, "type", expected, "must be a JSON " + expected);
        }

        /** A complaint that rejects the record only where the field is critical. */
        private void unfit(Members.Value value, Declared.Field field, String path, String failureType, String keyword,
                String expected, String message) {
            found.add(complaint(field.critical ? failureType : null, path, keyword, expected, value, message));
        }

        /** One warning per member that the contract does not declare. Values that look private are not rescued. */
        private void unknown(Members members, String prefix) {
            if (members.unknown == null) {
                return;
            }
            members.unknown.forEach((key, value) -> {
                String name = key.toString();
                String path = prefix + (isPlain(name) ? name : "[\"" + name.replace("\"", "\\\"") + "\"]");
                UTF8String rescued = contract.isPrivateKey(key) ? null : json(value);
                found.add(new Complaint(null, path, "unknown_field", "a declared field",
                        JsonReader.typeName(value.type), "is not declared", rescued));
            });
        }

        private static boolean isPlain(String name) {
            for (int i = 0; i < name.length(); i++) {
                char c = name.charAt(i);
                boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_';
                if (!letter && !(i > 0 && (c >= '0' && c <= '9' || c == '-'))) {
                    return false;
                }
            }
            return !name.isEmpty();
        }

        private Complaint complaint(String failureType, String path, String keyword, String expected,
                Members.Value value, String message) {
            UTF8String rescued = failureType != null || contract.isPrivatePath(path) ? null : json(value);
            return new Complaint(
                    failureType, path, keyword, expected, JsonReader.typeName(value.type), message, rescued);
        }

        /**
         * The value as it was sent; as a text if a key is repeated in it, since many parsers refuse that. Null where it
         * has something private in it.
         */
        private UTF8String json(Members.Value value) {
            if (value.privates) {
                return null;
            }
            UTF8String sent = UTF8String.fromBytes(reader.bytes, value.start, value.end - value.start);
            if (!value.repeats) {
                return sent;
            }
            JsonWriter text = new JsonWriter();
            text.string(sent);
            return text.toText();
        }
    }
}
