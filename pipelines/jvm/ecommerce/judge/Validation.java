package ecommerce.judge;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.unsafe.types.UTF8String;

/** The rules of the contract. Each that an event breaks is a complaint about a field. */
final class Validation {
    private static final Pattern VERSION =
            Pattern.compile("(0|[1-9][0-9]{0,8})-(0|[1-9][0-9]{0,8})-(0|[1-9][0-9]{0,8})");
    private static final UTF8String PURCHASE = Texts.utf8("purchase");

    private final Contract contract;
    private final int schemaVersion;
    private final int eventId;
    private final int eventName;
    private final int eventTime;
    private final int[] required;
    private final int ecommerce;
    private final int transactionId;
    private final int value;
    private final int currency;
    private final int items;
    private final int itemId;
    private final int itemName;
    private final int price;
    private final int quantity;
    private final UTF8String currentVersion;

    Validation(Contract contract) {
        this.contract = contract;
        Declared event = contract.event;
        schemaVersion = event.at("schema_version");
        eventId = event.at("event_id");
        eventName = event.at("event_name");
        eventTime = event.at(Contract.EVENT_TIME);
        required = contract.required.stream().mapToInt(event::at).toArray();
        ecommerce = event.at("ecommerce");
        transactionId = event.of("ecommerce").at("transaction_id");
        value = event.of("ecommerce").at("value");
        currency = event.of("ecommerce").at("currency");
        items = event.at("items");
        itemId = event.of("items").at("item_id");
        itemName = event.of("items").at("item_name");
        price = event.of("items").at("price");
        quantity = event.of("items").at("quantity");
        currentVersion = Texts.utf8(contract.model + "-" + contract.revision + "-0");
    }

    /** The event's complaints that reject it, in the order in which they are listed; empty if it is accepted. */
    List<Complaint> broken(Event event, Times times) {
        List<Complaint> broken = new ArrayList<>(0);
        for (Complaint complaint : event.complaints) {
            if (complaint.rejects()) {
                broken.add(complaint);
            }
        }
        version(event, broken);
        required(event, broken);
        words(event, broken);
        times(event, times, broken);
        items(event, broken);
        return broken;
    }

    /** The revision of a well-formed schema version that differs from ours. */
    boolean hasOtherRevision(Event event) {
        UTF8String version = (UTF8String) event.values[schemaVersion];
        if (version == null || version.equals(currentVersion)) {
            return false;
        }
        Matcher parts = VERSION.matcher(version.toString());
        return parts.matches() && !parts.group(2).equals(String.valueOf(contract.revision));
    }

    private void version(Event event, List<Complaint> broken) {
        UTF8String version = (UTF8String) event.values[schemaVersion];
        if (version == null || version.equals(currentVersion)) {
            return;
        }
        Matcher parts = VERSION.matcher(version.toString());
        if (!parts.matches()) {
            broken.add(Complaint.rejecting("INVALID_VALUE", "schema_version", "format", "MODEL-REVISION-ADDITION",
                    "is malformed"));
        } else if (!parts.group(1).equals(String.valueOf(contract.model))) {
            broken.add(Complaint.rejecting("UNSUPPORTED_SCHEMA_VERSION", "schema_version", "const",
                    contract.model + "-*-*", "this pipeline does not know the model"));
        }
    }

    private void required(Event event, List<Complaint> broken) {
        for (int i : required) {
            require(event, broken, Texts.isBlank((UTF8String) event.values[i]), contract.event.fields[i].name);
        }
        Object name = event.values[eventName];
        Object[] shop = (Object[]) event.values[ecommerce];
        boolean isPurchase = PURCHASE.equals(name);
        if (name != null && contract.needsTransaction.contains(name)) {
            require(event, broken, shop == null || Texts.isBlank((UTF8String) shop[transactionId]),
                    "ecommerce.transaction_id");
        }
        boolean hasValue = shop != null && shop[value] != null;
        require(event, broken, isPurchase && !hasValue, "ecommerce.value");
        if (isPurchase || hasValue) {
            require(event, broken, shop == null || Texts.isBlank((UTF8String) shop[currency]), "ecommerce.currency");
        }
        Object[] given = (Object[]) event.values[items];
        boolean needsItems = name != null && contract.needsItems.contains(name);
        if (needsItems && (given == null || given.length == 0) && !event.explains("items")) {
            broken.add(Complaint.rejecting("MISSING_REQUIRED", "items", "minItems", "at least 1 item",
                    "this event needs items"));
        }
        if (given != null && given.length > contract.maxItems) {
            broken.add(Complaint.rejecting("INVALID_VALUE", "items", "maxItems",
                    "at most " + contract.maxItems + " items", "too many items"));
        }
    }

    private static void require(Event event, List<Complaint> broken, boolean missing, String path) {
        if (missing && !event.explains(path)) {
            broken.add(Complaint.rejecting("MISSING_REQUIRED", path, "required", "a value", "is required"));
        }
    }

    private void words(Event event, List<Complaint> broken) {
        UTF8String id = (UTF8String) event.values[eventId];
        if (!Texts.isBlank(id) && !isUuid(id)) {
            broken.add(Complaint.rejecting("INVALID_VALUE", "event_id", "format", "a UUID", "is not a UUID"));
        }
        UTF8String name = (UTF8String) event.values[eventName];
        if (!Texts.isBlank(name) && !contract.eventNames.contains(name)) {
            broken.add(Complaint.rejecting("INVALID_VALUE", "event_name", "enum", "a known event name",
                    "is not a known event name"));
        }
        Object[] shop = (Object[]) event.values[ecommerce];
        UTF8String code = shop == null ? null : (UTF8String) shop[currency];
        if (!Texts.isBlank(code) && !contract.currencies.contains(code)) {
            broken.add(Complaint.rejecting("INVALID_VALUE", "ecommerce.currency", "enum", "an ISO 4217 code",
                    "is not a known currency"));
        }
    }

    private static boolean isUuid(UTF8String text) {
        if (text.numBytes() != 36) {
            return false;
        }
        for (int i = 0; i < 36; i++) {
            byte b = text.getByte(i);
            boolean dash = i == 8 || i == 13 || i == 18 || i == 23;
            boolean hex = b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F';
            if (dash ? b != '-' : !hex) {
                return false;
            }
        }
        return true;
    }

    private void times(Event event, Times times, List<Complaint> broken) {
        if (times.eventAt == Instants.NONE && !Texts.isBlank((UTF8String) event.values[eventTime])) {
            broken.add(Complaint.rejecting("TIMESTAMP_INVALID", "event_time", "format", "RFC 3339 with a zone",
                    "is not an RFC 3339 timestamp"));
        }
        if (times.derivedAt == Instants.NONE) {
            return;
        }
        boolean measurable = times.receivedAt != Instants.NONE;
        long latest = measurable ? times.receivedAt + contract.maxFutureSeconds * 1_000_000L : Instants.END;
        long earliest = measurable && contract.maxEventAgeDays > 0
                ? times.receivedAt - contract.maxEventAgeMicros : Instants.FIRST;
        if (times.derivedAt > latest || times.eventAt >= Instants.END) {
            broken.add(Complaint.rejecting("TIMESTAMP_FUTURE", "event_time", "maximum",
                    "at most " + contract.maxFutureSeconds + " s ahead of its arrival", "lies in the future"));
        }
        if (times.derivedAt < earliest || times.eventAt < Instants.FIRST) {
            String limit = contract.maxEventAgeDays > 0
                    ? "at most " + contract.maxEventAgeDays + " days before its arrival" : "the year 1900 or later";
            broken.add(Complaint.rejecting("TIMESTAMP_ANCIENT", "event_time", "minimum", limit, "is too old"));
        }
    }

    private void items(Event event, List<Complaint> broken) {
        Object[][] given = (Object[][]) event.values[items];
        for (int at = 0; given != null && at < given.length; at++) {
            Object[] item = given[at];
            if (item == null) {
                continue; // it is no object, and that is complained about
            }
            boolean nameless = Texts.isBlank((UTF8String) item[itemId]) && Texts.isBlank((UTF8String) item[itemName]);
            if (nameless) {
                String path = "items[" + at + "].item_id";
                if (!event.explains(path) && !event.explains("items[" + at + "].item_name")) {
                    broken.add(Complaint.rejecting("MISSING_REQUIRED", path, "required", "an item_id or item_name",
                            "is required"));
                }
            }
            if (item[price] != null && ((Decimal) item[price]).toUnscaledLong() < 0) {
                broken.add(Complaint.rejecting("INVALID_VALUE", "items[" + at + "].price", "minimum", "at least 0",
                        "is negative"));
            }
            if (item[quantity] != null && (Integer) item[quantity] < 1) {
                broken.add(Complaint.rejecting("INVALID_VALUE", "items[" + at + "].quantity", "minimum", "at least 1",
                        "is less than 1"));
            }
        }
    }
}
