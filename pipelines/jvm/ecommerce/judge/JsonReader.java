package ecommerce.judge;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * Reads one JSON document by the grammar of RFC 8259, from bytes that are valid UTF-8.
 *
 * <p>Stricter than the grammar in three ways: at most {@link #MAX_DEPTH} levels, {@link #MAX_DIGITS} digits in a number
 * and {@link #MAX_KEY_LENGTH} UTF-16 units in a key; and no escaped surrogate without its other half, which is no text.
 * Values are told by their place in the bytes: nothing is copied or converted here.
 */
final class JsonReader {
    static final int MAX_DEPTH = 200;
    static final int MAX_DIGITS = 1000;
    static final int MAX_KEY_LENGTH = 50_000;

    static final byte ABSENT = 0;
    static final byte NULL = 1;
    static final byte STRING = 2;
    static final byte INTEGER = 3;
    static final byte NUMBER = 4;
    static final byte BOOLEAN = 5;
    static final byte OBJECT = 6;
    static final byte ARRAY = 7;
    private static final String[] TYPE_NAMES = {
        null, "null", "string", "integer", "number", "boolean", "object", "array"
    };

    final byte[] bytes;
    /** Where the reader stands. */
    int at;
    /** Whether the string that was read last has an escape in it. */
    boolean escaped;
    /** Whether a key was repeated in an object that was read since somebody last set this to false. */
    boolean repeats;
    /** The same of a key that `isPrivate` knows, in an object that the contract does not declare. */
    boolean privates;

    private final Predicate<UTF8String> isPrivate;
    private int depth;

    JsonReader(byte[] bytes, Predicate<UTF8String> isPrivate) {
        this.bytes = bytes;
        this.isPrivate = isPrivate;
    }

    /** The name of a JSON type; null for an absent value. */
    static String typeName(byte type) {
        return TYPE_NAMES[type];
    }

    /** Step over white space; the byte that is next, or -1 at the end. */
    int next() {
        while (at < bytes.length) {
            byte b = bytes[at];
            if (b != ' ' && b != '\n' && b != '\r' && b != '\t') {
                return b & 0xff;
            }
            at++;
        }
        return -1;
    }

    /** Step over white space and that byte. */
    void expect(char wanted) throws NotJson {
        if (next() != wanted) {
            throw NotJson.MALFORMED;
        }
        at++;
    }

    /** Step into an object or array. */
    void enter() throws NotJson {
        at++;
        if (++depth > MAX_DEPTH) {
            throw NotJson.LIMIT;
        }
    }

    /**
     * After `enter`, and after each member or element: whether another one follows; if not, step out.
     *
     * @param first whether none was read so far
     */
    boolean hasMore(boolean first, char closing) throws NotJson {
        int b = next();
        if (b == closing) {
            at++;
            depth--;
            return false;
        }
        if (!first) {
            if (b != ',') {
                throw NotJson.MALFORMED;
            }
            at++;
            next();
        }
        return true;
    }

    /** Read a key and its colon; the place where the key ends. It begins one byte after where the reader stood. */
    int key() throws NotJson {
        if (next() != '"') {
            throw NotJson.MALFORMED;
        }
        int start = at + 1;
        string();
        int end = at - 1;
        if (end - start > MAX_KEY_LENGTH && text(start, end, escaped).toString().length() > MAX_KEY_LENGTH) {
            throw NotJson.LIMIT;
        }
        expect(':');
        return end;
    }

    /** Step over any value; its type. */
    byte value() throws NotJson {
        switch (next()) {
            case '"':
                string();
                return STRING;
            case '{':
                object();
                return OBJECT;
            case '[':
                enter();
                for (boolean first = true; hasMore(first, ']'); first = false) {
                    value();
                }
                return ARRAY;
            case 't':
                word("true");
                return BOOLEAN;
            case 'f':
                word("false");
                return BOOLEAN;
            case 'n':
                word("null");
                return NULL;
            default:
                return number();
        }
    }

    /** After the value: nothing may follow. */
    void end() throws NotJson {
        if (next() != -1) {
            throw NotJson.MALFORMED;
        }
    }

    /** The text of a string between its quotes. */
    UTF8String text(int start, int end, boolean escaped) {
        return escaped ? unescaped(start, end) : UTF8String.fromBytes(bytes, start, end - start);
    }

    private void object() throws NotJson {
        enter();
        Set<UTF8String> keys = null;
        UTF8String onlyKey = null;
        for (boolean first = true; hasMore(first, '}'); first = false) {
            int start = at + 1;
            int end = key();
            UTF8String key = text(start, end, escaped);
            privates |= isPrivate.test(key);
            if (onlyKey == null) {
                onlyKey = key;
            } else {
                if (keys == null) {
                    keys = new HashSet<>();
                    keys.add(onlyKey);
                }
                repeats |= !keys.add(key);
            }
            value();
        }
    }

    private void word(String word) throws NotJson {
        for (int i = 0; i < word.length(); i++) {
            if (at >= bytes.length || bytes[at++] != word.charAt(i)) {
                throw NotJson.MALFORMED;
            }
        }
    }

    private byte number() throws NotJson {
        byte type = INTEGER;
        if (peek() == '-') {
            at++;
        }
        int start = at;
        int digits = digits();
        if (digits > 1 && bytes[start] == '0') {
            throw NotJson.MALFORMED;
        }
        if (peek() == '.') {
            at++;
            type = NUMBER;
            digits = digits() + (bytes[start] == '0' ? 0 : digits);
        }
        if (peek() == 'e' || peek() == 'E') {
            at++;
            type = NUMBER;
            if (peek() == '+' || peek() == '-') {
                at++;
            }
            digits += digits();
        }
        if (digits > MAX_DIGITS) {
            throw NotJson.LIMIT;
        }
        return type;
    }

    private int digits() throws NotJson {
        int start = at;
        while (at < bytes.length && bytes[at] >= '0' && bytes[at] <= '9') {
            at++;
        }
        if (at == start) {
            throw NotJson.MALFORMED;
        }
        return at - start;
    }

    private int peek() {
        return at < bytes.length ? bytes[at] : -1;
    }

    /** Step over a string; the reader stands on its opening quote. */
    private void string() throws NotJson {
        byte[] in = bytes;
        int i = at + 1;
        escaped = false;
        while (i < in.length) {
            byte b = in[i];
            if (b == '"') {
                at = i + 1;
                return;
            }
            if (b == '\\') {
                escaped = true;
                i = escape(i + 1);
            } else if (b >= 0 && b < ' ') {
                throw NotJson.MALFORMED;
            } else {
                i++;
            }
        }
        throw NotJson.MALFORMED;
    }

    /** Step over what follows a backslash at `i - 1`. */
    private int escape(int i) throws NotJson {
        if (i >= bytes.length) {
            throw NotJson.MALFORMED;
        }
        switch (bytes[i]) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
                return i + 1;
            case 'u':
                char unit = unit(i + 1);
                if (Character.isLowSurrogate(unit)) {
                    throw NotJson.MALFORMED;
                }
                if (!Character.isHighSurrogate(unit)) {
                    return i + 5;
                }
                if (i + 6 >= bytes.length || bytes[i + 5] != '\\' || bytes[i + 6] != 'u'
                        || !Character.isLowSurrogate(unit(i + 7))) {
                    throw NotJson.MALFORMED;
                }
                return i + 11;
            default:
                throw NotJson.MALFORMED;
        }
    }

    private char unit(int i) throws NotJson {
        if (i + 4 > bytes.length) {
            throw NotJson.MALFORMED;
        }
        int unit = 0;
        for (int k = i; k < i + 4; k++) {
            int digit = bytes[k] < 0 ? -1 : Character.digit((char) bytes[k], 16);
            if (digit < 0) {
                throw NotJson.MALFORMED;
            }
            unit = unit << 4 | digit;
        }
        return (char) unit;
    }

    /** The text of a string that `string` found well formed. */
    private UTF8String unescaped(int start, int end) {
        byte[] out = new byte[end - start];
        int length = 0;
        int i = start;
        while (i < end) {
            byte b = bytes[i++];
            if (b != '\\') {
                out[length++] = b;
                continue;
            }
            byte kind = bytes[i++];
            if (kind != 'u') {
                int at = "bfnrt".indexOf(kind);
                out[length++] = at < 0 ? kind : (byte) "\b\f\n\r\t".charAt(at);
                continue;
            }
            // At most three bytes for six, or four for twelve.
            int hex = Integer.parseInt(ascii(i, i + 4), 16);
            i += 4;
            String character = String.valueOf((char) hex);
            if (Character.isHighSurrogate((char) hex)) {
                character += (char) Integer.parseInt(ascii(i + 2, i + 6), 16);
                i += 6;
            }
            byte[] encoded = character.getBytes(StandardCharsets.UTF_8);
            System.arraycopy(encoded, 0, out, length, encoded.length);
            length += encoded.length;
        }
        return UTF8String.fromBytes(out, 0, length);
    }

    /** A piece of the document as text. */
    String ascii(int start, int end) {
        return new String(bytes, start, end - start, StandardCharsets.UTF_8);
    }
}
