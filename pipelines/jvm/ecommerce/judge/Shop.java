package ecommerce.judge;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.XXH64;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.unsafe.Platform;
import org.apache.spark.unsafe.types.UTF8String;

/** What the catalogue and the arithmetic say about an event. */
final class Shop {
    private static final int CART_PRECISION = 28;
    private static final int MAX_PRICE_DIGITS = 30;
    private static final long HASH_SEED = 42; // Spark's

    /** Of a character: a control character becomes an escape in JSON. */
    private static final int MOST_JSON_BYTES = 6;
    /** More than names, quotes and price of an entry in JSON. */
    private static final int ENTRY_OVERHEAD = 128;

    private final Map<UTF8String, InternalRow> catalog = new HashMap<>();
    /** No entry is longer as JSON, in bytes. */
    final long longestEntry;
    private final int itemId;
    private final int price;
    private final int quantity;
    private final int eventId;
    private final int sentAt;

    /** `items`: item_id → {item_id, name, brand, category, price}. */
    Shop(JsonNode items, Declared event) {
        items.properties().forEach(item -> catalog.put(Texts.utf8(item.getKey()), entry(item.getValue())));
        longestEntry = catalog.values().stream().mapToLong(Shop::mostBytes).max().orElse(0);
        itemId = event.of("items").at("item_id");
        price = event.of("items").at("price");
        quantity = event.of("items").at("quantity");
        eventId = event.at("event_id");
        sentAt = event.at("sent_at");
    }

    private static InternalRow entry(JsonNode item) {
        return new GenericInternalRow(new Object[] {
            text(item.get("item_id")), text(item.get("name")), text(item.get("brand")), text(item.get("category")),
            money(item.get("price")),
        });
    }

    private static long mostBytes(InternalRow entry) {
        long bytes = ENTRY_OVERHEAD;
        for (int i = 0; i < 4; i++) {
            bytes += entry.isNullAt(i) ? 0 : (long) MOST_JSON_BYTES * entry.getUTF8String(i).numBytes();
        }
        return bytes;
    }

    private static UTF8String text(JsonNode node) {
        return node == null || node.isNull() ? null
                : Texts.utf8(node.isValueNode() ? node.asText() : node.toString());
    }

    private static Decimal money(JsonNode node) {
        if (node == null || !node.isNumber() && !node.isTextual()) {
            return null;
        }
        try {
            BigDecimal given = new BigDecimal(node.asText().replace(",", ""));
            int digits = given.precision() - given.scale(); // before the point; 1e999999999 is not to be written out
            if (Math.abs((long) digits) > MAX_PRICE_DIGITS) {
                return digits > 0 ? null : Decimal.apply(0, 12, 2);
            }
            BigDecimal cents = given.setScale(2, RoundingMode.HALF_UP);
            return cents.precision() > 12 ? null : Decimal.apply(cents.unscaledValue().longValue(), 12, 2);
        } catch (NumberFormatException noNumber) {
            return null;
        }
    }

    /** What the catalogue says about each item, in their order; of an unknown one only its id. */
    Object[] catalogItems(Object[][] items) {
        Object[] found = new Object[items.length];
        for (int i = 0; i < found.length; i++) {
            Object id = items[i][itemId];
            InternalRow entry = id == null ? null : catalog.get(id);
            found[i] = entry != null ? entry : new GenericInternalRow(new Object[] {id, null, null, null, null});
        }
        return found;
    }

    /** Whether an item has an id under which the catalogue has no name. */
    static boolean hasUnknown(Object[] catalogItems) {
        for (Object entry : catalogItems) {
            InternalRow row = (InternalRow) entry;
            if (!row.isNullAt(0) && row.isNullAt(1)) {
                return true;
            }
        }
        return false;
    }

    /** Σ price × quantity (a missing quantity is 1) as DECIMAL(28,2); null without items, or if one has no price. */
    Decimal cartValue(Object[][] items) {
        if (items.length == 0) {
            return null;
        }
        BigInteger large = BigInteger.ZERO;
        long cents = 0;
        for (Object[] item : items) {
            if (item[price] == null) {
                return null;
            }
            long each = ((Decimal) item[price]).toUnscaledLong();
            int times = item[quantity] == null ? 1 : (Integer) item[quantity];
            long high = Math.multiplyHigh(each, times);
            long low = each * times;
            if (high != low >> 63 || Math.abs(low) > Long.MAX_VALUE / 4 || cents > Long.MAX_VALUE / 4) {
                large = large.add(BigInteger.valueOf(each).multiply(BigInteger.valueOf(times)));
            } else {
                cents += low;
            }
        }
        BigDecimal sum = new BigDecimal(large.add(BigInteger.valueOf(cents)), 2);
        return sum.precision() > CART_PRECISION ? null : Decimal.apply(sum, CART_PRECISION, 2);
    }

    /**
     * xxhash64 (https://github.com/Cyan4973/xxHash) over all declared fields as parsed, less event_id and sent_at: a tag
     * for each value or its absence, so that a value in the field next to its own is another event.
     */
    long fingerprint(Object[] event) {
        Bytes bytes = new Bytes();
        for (int i = 0; i < event.length; i++) {
            if (i != eventId && i != sentAt) {
                bytes.add(event[i]);
            }
        }
        return XXH64.hashUnsafeBytes(bytes.out, Platform.BYTE_ARRAY_OFFSET, bytes.length, HASH_SEED);
    }

    /** Values one after the other, so that no two lists of values give the same bytes. */
    private static final class Bytes {
        private byte[] out = new byte[512];
        private int length;

        void add(Object value) {
            if (value == null) {
                tag('-', 0);
            } else if (value instanceof UTF8String text) {
                tag('s', text.numBytes());
                text.writeToMemory(out, Platform.BYTE_ARRAY_OFFSET + length);
                length += text.numBytes();
            } else if (value instanceof Object[] values) {
                tag('[', 0);
                number(values.length);
                for (Object each : values) {
                    add(each);
                }
            } else {
                tag('n', 0);
                number(value instanceof Decimal money ? money.toUnscaledLong() : (Integer) value);
            }
        }

        private void tag(char tag, int more) {
            if (length + more + 16 > out.length) {
                out = java.util.Arrays.copyOf(out, Math.max(out.length * 2, length + more + 16));
            }
            out[length++] = (byte) tag;
            if (tag == 's') {
                number(more);
            }
        }

        private void number(long number) {
            Platform.putLong(out, Platform.BYTE_ARRAY_OFFSET + length, number);
            length += Long.BYTES;
        }
    }
}
