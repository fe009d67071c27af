package ecommerce.judge;

import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;

/** Small questions about text. */
final class Texts {
    private Texts() {}

    /** Null, or nothing but Unicode separators and ASCII white space. */
    static boolean isBlank(UTF8String text) {
        if (text == null) {
            return true;
        }
        int size = text.numBytes();
        if (size == 0) {
            return true;
        }
        byte first = text.getByte(0);
        if (first > ' ') {
            return false;
        }
        String characters = text.toString();
        for (int i = 0; i < characters.length();) {
            int c = characters.codePointAt(i);
            boolean space = c == ' ' || c >= '\t' && c <= '\r' || isSeparator(c);
            if (!space) {
                return false;
            }
            i += Character.charCount(c);
        }
        return true;
    }

    /** Whether all bytes are ASCII, which is UTF-8. Eight at a time: this is asked of every record. */
    static boolean isAscii(byte[] bytes) {
        int i = 0;
        for (; i <= bytes.length - Long.BYTES; i += Long.BYTES) {
            if ((Platform.getLong(bytes, Platform.BYTE_ARRAY_OFFSET + i) & 0x8080808080808080L) != 0) {
                return false;
            }
        }
        for (; i < bytes.length; i++) {
            if (bytes[i] < 0) {
                return false;
            }
        }
        return true;
    }

    private static boolean isSeparator(int c) {
        int type = Character.getType(c);
        return type == Character.SPACE_SEPARATOR
                || type == Character.LINE_SEPARATOR
                || type == Character.PARAGRAPH_SEPARATOR;
    }

    static UTF8String utf8(String text) {
        return UTF8String.fromString(text);
    }

    /** The text, or null where it is empty. */
    static String notEmpty(String text) {
        return text == null || text.isEmpty() ? null : text;
    }

    /** The first `length` characters. */
    static UTF8String start(UTF8String text, int length) {
        return text == null || text.numBytes() <= length ? text : text.substring(0, length);
    }
}
