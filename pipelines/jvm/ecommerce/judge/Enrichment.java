package ecommerce.judge;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.Decimal;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** Everything that the pipeline adds to an accepted event, and what it takes out of it. */
final class Enrichment {
    private static final String[] UTM = {"source", "medium", "campaign", "term", "content"};

    private final Contract contract;
    private final Validation validation;
    private final Privacy privacy;
    private final Web web;
    private final Agents agents;
    private final Shop shop;
    private final Columns columns;

    private final int eventId;
    private final int eventName;
    private final int eventTime;
    private final int sentAt;
    private final int platform;
    private final int userId;
    private final int ipAddress;
    private final int page;
    private final int url;
    private final int referrer;
    private final int device;
    private final int userAgent;
    private final int category;
    private final int traffic;
    private final int[] utm = new int[UTM.length];
    private final int ecommerce;
    private final int value;
    private final int items;

    /** Declared place of each field that is passed on; of the device too. */
    private final int[] passedOn;
    private final int[] passedOnOfDevice;
    private final JsonWriter.Shape shape;

    Enrichment(Contract contract, Validation validation, Privacy privacy, StructType outcome,
            Columns columns) {
        this.contract = contract;
        this.validation = validation;
        this.privacy = privacy;
        this.columns = columns;
        web = new Web(contract.reference.get("referrers"));
        agents = new Agents(contract.reference.get("user_agents"));
        shop = new Shop(contract.reference.get("catalog"), contract.event);
        Declared declared = contract.event;
        eventId = declared.at("event_id");
        eventName = declared.at("event_name");
        eventTime = declared.at(Contract.EVENT_TIME);
        sentAt = declared.at("sent_at");
        platform = declared.at("platform");
        userId = declared.at("user_id");
        ipAddress = declared.at("ip_address");
        page = declared.at("page");
        url = declared.of("page").at("url");
        referrer = declared.of("page").at("referrer");
        device = declared.at("device");
        userAgent = declared.of("device").at("user_agent");
        category = declared.of("device").at("category");
        traffic = declared.at("traffic");
        for (int i = 0; i < UTM.length; i++) {
            utm[i] = declared.of("traffic").at(UTM[i]);
        }
        ecommerce = declared.at("ecommerce");
        value = declared.of("ecommerce").at("value");
        items = declared.at("items");

        StructType eventType = (StructType) outcome.fields()[columns.event].dataType();
        passedOn = places(eventType, declared);
        passedOnOfDevice = places((StructType) eventType.apply("device").dataType(), declared.of("device"));
        shape = new JsonWriter.Shape(outcome);
    }

    private static int[] places(StructType type, Declared declared) {
        StructField[] fields = type.fields();
        int[] places = new int[fields.length];
        for (int i = 0; i < places.length; i++) {
            places[i] = declared.at(fields[i].name());
        }
        return places;
    }

    UTF8String eventId(Event given) {
        return (UTF8String) given.values[eventId];
    }

    UTF8String eventName(Event given) {
        return (UTF8String) given.values[eventName];
    }

    Times times(Event given, long receivedAt) {
        return new Times(receivedAt, (UTF8String) given.values[eventTime], (UTF8String) given.values[sentAt]);
    }

    /** Fill the columns of an accepted record. */
    void fill(Object[] row, Event given, Times times) {
        Object[] values = given.values;
        row[columns.eventAt] = instant(times.eventAt);
        row[columns.sentAt] = instant(times.sentAt);
        lateness(row, times);
        Object[] pageValues = (Object[]) values[page];
        String pageUrl = pageValues == null ? null : string(pageValues[url]);
        String referrerUrl = pageValues == null ? null : string(pageValues[referrer]);
        web(row, pageUrl, referrerUrl, (Object[]) values[traffic]);
        agent(row, values);
        List<Complaint> remarks = new ArrayList<>(given.complaints);
        if (validation.hasOtherRevision(given)) {
            remarks.add(Complaint.warning("schema_version", "revision", "another revision of the schema"));
        }
        if (times.clockUnknown) {
            remarks.add(Complaint.warning("sent_at", "clock_unknown",
                    "too far from the arrival to correct the clock"));
        }
        shop(row, values, remarks);
        row[columns.eventFingerprint] = shop.fingerprint(values);
        row[columns.ipPrefix] = values[ipAddress] == null ? null
                : text(Privacy.networkPrefix(values[ipAddress].toString()));
        UTF8String pseudonym = privacy.pseudonym((UTF8String) values[userId]);
        row[columns.userPseudonym] = pseudonym;
        row[columns.warnings] = Remarks.warnings(remarks);
        row[columns.rescuedData] = Remarks.rescued(given.complaints);
        row[columns.event] = passedOn(values, pseudonym, pageUrl, referrerUrl);
    }

    private void lateness(Object[] row, Times times) {
        row[columns.derivedAt] = instant(times.derivedAt);
        row[columns.eventDate] = times.derivedAt == Instants.NONE ? null : Instants.day(times.derivedAt);
        if (times.receivedAt == Instants.NONE) {
            return;
        }
        row[columns.loadDate] = Instants.day(times.receivedAt);
        if (times.derivedAt != Instants.NONE) {
            long millis = (times.receivedAt - times.derivedAt) / 1000;
            row[columns.latenessMs] = millis;
            row[columns.isLate] = millis > contract.lateAfterMillis;
        }
    }

    private void web(Object[] row, String pageUrl, String referrerUrl, Object[] trafficValues) {
        String pageHost = Web.host(pageUrl);
        String referrerHost = Web.host(referrerUrl);
        String query = Web.query(pageUrl);
        row[columns.pageHost] = text(pageHost);
        row[columns.pagePath] = text(Web.path(pageUrl));
        row[columns.pageQuery] = text(query);
        row[columns.referrerHost] = text(referrerHost);
        row[columns.referrerMedium] = text(web.medium(referrerHost, pageHost));
        boolean given = false;
        for (int i = 0; trafficValues != null && i < utm.length; i++) {
            given |= trafficValues[utm[i]] != null;
        }
        for (int i = 0; i < utm.length; i++) {
            row[columns.firstUtm + i] = given ? trafficValues[utm[i]] : text(Web.campaign(query, UTM[i]));
        }
    }

    private void agent(Object[] row, Object[] values) {
        Object[] deviceValues = (Object[]) values[device];
        UTF8String given = deviceValues == null ? null : (UTF8String) deviceValues[category];
        Agents.Agent agent = agents.of(deviceValues == null ? null : string(deviceValues[userAgent]),
                string(values[platform]), given == null ? null : given.toLowerCase().toString());
        row[columns.browser] = text(agent.browser());
        row[columns.os] = text(agent.os());
        row[columns.deviceClass] = text(agent.deviceClass());
        row[columns.isBot] = agent.isBot();
    }

    private void shop(Object[] row, Object[] values, List<Complaint> remarks) {
        Object[][] given = (Object[][]) values[items];
        if (given == null) {
            return;
        }
        Object[] found = shop.catalogItems(given);
        row[columns.catalogItems] = new GenericArrayData(found);
        if (Shop.hasUnknown(found)) {
            remarks.add(Complaint.warning("items", "unknown_item", "an item_id is not in the catalogue"));
        }
        Decimal cart = shop.cartValue(given);
        row[columns.cartValue] = cart;
        Object[] order = (Object[]) values[ecommerce];
        if (cart != null && order != null && order[value] != null
                && cart.toJavaBigDecimal().compareTo(((Decimal) order[value]).toJavaBigDecimal()) != 0) {
            remarks.add(Complaint.warning("ecommerce.value", "cart_value",
                    "differs from the sum of price times quantity"));
        }
    }

    /** The declared fields without address, user agent and URL queries; the pseudonym in the user's place. */
    private InternalRow passedOn(Object[] values, UTF8String pseudonym, String pageUrl, String referrerUrl) {
        Object[] kept = new Object[passedOn.length];
        for (int i = 0; i < kept.length; i++) {
            int from = passedOn[i];
            Object given = values[from];
            if (from == userId) {
                kept[i] = privacy.hasKey() ? pseudonym : given;
            } else if (given instanceof Object[][] elements) {
                Object[] rows = new Object[elements.length];
                for (int k = 0; k < rows.length; k++) {
                    rows[k] = new GenericInternalRow(elements[k]);
                }
                kept[i] = new GenericArrayData(rows);
            } else if (given instanceof Object[] members) {
                kept[i] = new GenericInternalRow(from == page ? withoutQueries(members, pageUrl, referrerUrl)
                        : from == device ? device(members) : members);
            } else {
                kept[i] = given;
            }
        }
        return new GenericInternalRow(kept);
    }

    private Object[] withoutQueries(Object[] members, String pageUrl, String referrerUrl) {
        Object[] kept = members.clone();
        kept[url] = pageUrl == null ? null : text(Web.withoutQuery(pageUrl));
        kept[referrer] = referrerUrl == null ? null : text(Web.withoutQuery(referrerUrl));
        return kept;
    }

    private Object[] device(Object[] members) {
        Object[] kept = new Object[passedOnOfDevice.length];
        for (int i = 0; i < kept.length; i++) {
            kept[i] = members[passedOnOfDevice[i]];
        }
        return kept;
    }

    /** At least as many bytes as the catalogue's entries for the event's items take in JSON. */
    long longestCatalogItems(Object[] row) {
        ArrayData found = (ArrayData) row[columns.catalogItems];
        return found == null ? 0 : found.numElements() * shop.longestEntry;
    }

    /** The size of the enriched record's value, less the Kafka coordinates and the batch's facts. */
    long enrichedBytes(Object[] row) {
        JsonWriter json = new JsonWriter();
        json.object((InternalRow) row[columns.event], shape.inner[columns.event]);
        json.raw('{');
        json.members(new GenericInternalRow(row), shape, columns.receivedAt, true);
        json.raw('}');
        return json.length();
    }

    private static Long instant(long micros) {
        return micros == Instants.NONE ? null : (Long) micros;
    }

    private static String string(Object text) {
        return text == null ? null : text.toString();
    }

    private static UTF8String text(String text) {
        return text == null ? null : Texts.utf8(text);
    }
}
