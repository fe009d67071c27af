package ecommerce.judge;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** A function of text that remembers what it was asked lately: user agents and referrers come again and again. */
final class Memory<T> {
    private static final int MAX_ENTRIES = 10_000;
    private static final int MAX_LENGTH = 1000;

    private final Function<String, T> function;
    private final Map<String, T> known = new ConcurrentHashMap<>();

    Memory(Function<String, T> function) {
        this.function = function;
    }

    T get(String text) {
        T value = known.get(text);
        if (value == null) {
            value = function.apply(text);
            if (text.length() <= MAX_LENGTH) {
                if (known.size() >= MAX_ENTRIES) {
                    known.clear();
                }
                known.put(text, value);
            }
        }
        return value;
    }
}
