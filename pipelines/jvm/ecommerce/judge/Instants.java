package ecommerce.judge;

import org.apache.spark.unsafe.types.UTF8String;

/** Instants: microseconds since 1970, in the proleptic Gregorian calendar, as Spark counts them. */
final class Instants {
    /** No instant. */
    static final long NONE = Long.MIN_VALUE;

    static final long DAY_MICROS = 86_400_000_000L;
    // What the readers of the tables can all represent, Python and Arrow among them: the years 1900 to 9998.
    static final long FIRST = -2_208_988_800_000_000L;
    static final long END = 253_370_764_800_000_000L;
    private static final int MAX_OFFSET_MINUTES = 18 * 60;
    private static final int[] MONTH_DAYS = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    private Instants() {}

    /**
     * RFC 3339 text (https://www.rfc-editor.org/rfc/rfc3339#section-5.6) with an upper-case T and a zone of at most
     * ±18:00; further digits than microseconds are cut. NONE if it is anything else, or null.
     */
    static long parse(UTF8String text) {
        if (text == null) {
            return NONE;
        }
        byte[] in = text.getBytes();
        int length = in.length;
        if (length < 20 || in[4] != '-' || in[7] != '-' || in[10] != 'T' || in[13] != ':' || in[16] != ':') {
            return NONE;
        }
        int year = number(in, 0, 4);
        int month = number(in, 5, 2);
        int day = number(in, 8, 2);
        int hour = number(in, 11, 2);
        int minute = number(in, 14, 2);
        int second = number(in, 17, 2);
        if ((year | month | day | hour | minute | second) < 0
                || month < 1 || month > 12 || day < 1 || day > MONTH_DAYS[month - 1]
                || month == 2 && day == 29 && !isLeap(year) || hour > 23 || minute > 59 || second > 59) {
            return NONE;
        }
        int i = 19;
        int micros = 0;
        if (in[i] == '.') {
            int start = ++i;
            for (int unit = 100_000; i < length && in[i] >= '0' && in[i] <= '9'; i++, unit /= 10) {
                micros += (in[i] - '0') * unit;
            }
            if (i == start || i - start > 9) {
                return NONE;
            }
        }
        int offset = 0;
        if (i < length && in[i] == 'Z') {
            i++;
        } else {
            if (i + 6 != length || in[i] != '+' && in[i] != '-' || in[i + 3] != ':') {
                return NONE;
            }
            int hours = number(in, i + 1, 2);
            int minutes = number(in, i + 4, 2);
            if ((hours | minutes) < 0 || minutes > 59 || hours * 60 + minutes > MAX_OFFSET_MINUTES) {
                return NONE;
            }
            offset = (in[i] == '-' ? -1 : 1) * (hours * 60 + minutes);
            i += 6;
        }
        if (i != length) {
            return NONE;
        }
        long seconds = ((epochDay(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second;
        return seconds * 1_000_000 + micros;
    }

    /** Whether it is an instant that every reader can represent. */
    static boolean isRepresentable(long micros) {
        return micros >= FIRST && micros < END;
    }

    /** The day of an instant, counted from 1970-01-01. */
    static int day(long micros) {
        return (int) Math.floorDiv(micros, DAY_MICROS);
    }

    private static int number(byte[] in, int at, int digits) {
        int value = 0;
        for (int i = at; i < at + digits; i++) {
            if (in[i] < '0' || in[i] > '9') {
                return -1;
            }
            value = value * 10 + (in[i] - '0');
        }
        return value;
    }

    private static boolean isLeap(int year) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    }

    private static long epochDay(int year, int month, int day) {
        return java.time.LocalDate.of(year, month, day).toEpochDay();
    }
}
