package ecommerce.judge;

/** JSON numbers as the contract's columns hold them, exactly. */
final class Numbers {
    /** The number is too large for its column. */
    static final long RANGE = Long.MIN_VALUE;
    /** The number has more than two decimals. */
    static final long INEXACT = Long.MIN_VALUE + 1;

    /** A DECIMAL(12,2) has fewer hundredths than this. */
    private static final long MAX_CENTS = 1_000_000_000_000L;
    private static final int MAX_DIGITS = 12;

    private Numbers() {}

    /** A JSON integer as an int, or RANGE. */
    static long integer(byte[] bytes, int start, int end) {
        int i = bytes[start] == '-' ? start + 1 : start;
        if (end - i > 10) {
            return RANGE;
        }
        long value = 0;
        for (int k = i; k < end; k++) {
            value = value * 10 + (bytes[k] - '0');
        }
        value = i > start ? -value : value;
        return value == (int) value ? value : RANGE;
    }

    /**
     * A JSON number in hundredths; RANGE if it does not fit DECIMAL(12,2), once rounded half up, else INEXACT if rounding
     * changes it. Digits are looked at, not computed with: 1e999999999 costs nothing.
     */
    static long cents(byte[] bytes, int start, int end) {
        int i = bytes[start] == '-' ? start + 1 : start;
        boolean negative = i > start;
        byte[] digits = new byte[end - i];
        int length = 0;
        long scale = 0; // the number is 0.DIGITS × 10^scale
        boolean fraction = false;
        for (; i < end && (bytes[i] == '.' || Character.isDigit(bytes[i])); i++) {
            if (bytes[i] == '.') {
                fraction = true;
                continue;
            }
            boolean leadingZero = length == 0 && bytes[i] == '0';
            if (!leadingZero) {
                digits[length++] = bytes[i];
            }
            if (!fraction && !leadingZero) {
                scale++;
            } else if (fraction && leadingZero) {
                scale--;
            }
        }
        while (length > 0 && digits[length - 1] == '0') {
            length--;
        }
        if (length == 0) {
            return 0;
        }
        scale += i < end ? exponent(bytes, i + 1, end) : 0;
        long kept = scale + 2; // so many digits stand before the hundredths' end
        if (kept > MAX_DIGITS) {
            return RANGE;
        }
        long cents = 0;
        for (int k = 0; k < kept; k++) {
            cents = cents * 10 + (k < length ? digits[k] - '0' : 0);
        }
        if (length > kept) {
            boolean up = kept >= 0 && digits[(int) kept] >= '5';
            return cents + (up ? 1 : 0) >= MAX_CENTS ? RANGE : INEXACT;
        }
        return negative ? -cents : cents;
    }

    /** The exponent after its letter, or a number as good as it where it is beyond all columns. */
    private static long exponent(byte[] bytes, int start, int end) {
        boolean negative = bytes[start] == '-';
        int i = negative || bytes[start] == '+' ? start + 1 : start;
        long value = 0;
        for (; i < end; i++) {
            value = Math.min(value * 10 + (bytes[i] - '0'), 1_000_000_000_000L);
        }
        return negative ? -value : value;
    }
}
