package ecommerce.judge;

import org.apache.spark.sql.types.StructType;

/** Where the columns of an outcome stand: looked up once, not per record. */
final class Columns {
    final int count;
    final int key;
    final int value;
    final int headers;
    final int failure;
    final int salvaged;
    final int sha256;
    final int bytes;
    final int truncated;
    final int event;
    final int eventAt;
    final int sentAt;
    final int receivedAt;
    final int derivedAt;
    final int eventDate;
    final int loadDate;
    final int latenessMs;
    final int isLate;
    final int pageHost;
    final int pagePath;
    final int pageQuery;
    final int referrerHost;
    final int referrerMedium;
    final int firstUtm;
    final int browser;
    final int os;
    final int deviceClass;
    final int isBot;
    final int catalogItems;
    final int cartValue;
    final int eventFingerprint;
    final int ipPrefix;
    final int userPseudonym;
    final int warnings;
    final int rescuedData;

    Columns(StructType type) {
        count = type.size();
        key = type.fieldIndex("key");
        value = type.fieldIndex("value");
        headers = type.fieldIndex("headers");
        failure = type.fieldIndex("failure");
        salvaged = type.fieldIndex("salvaged");
        sha256 = type.fieldIndex("payload_sha256");
        bytes = type.fieldIndex("payload_bytes");
        truncated = type.fieldIndex("payload_truncated");
        event = type.fieldIndex("event");
        eventAt = type.fieldIndex("event_at");
        sentAt = type.fieldIndex("sent_at");
        receivedAt = type.fieldIndex("received_at");
        derivedAt = type.fieldIndex("derived_at");
        eventDate = type.fieldIndex("event_date");
        loadDate = type.fieldIndex("load_date");
        latenessMs = type.fieldIndex("lateness_ms");
        isLate = type.fieldIndex("is_late");
        pageHost = type.fieldIndex("page_host");
        pagePath = type.fieldIndex("page_path");
        pageQuery = type.fieldIndex("page_query");
        referrerHost = type.fieldIndex("referrer_host");
        referrerMedium = type.fieldIndex("referrer_medium");
        firstUtm = type.fieldIndex("utm_source");
        browser = type.fieldIndex("browser");
        os = type.fieldIndex("os");
        deviceClass = type.fieldIndex("device_class");
        isBot = type.fieldIndex("is_bot");
        catalogItems = type.fieldIndex("catalog_items");
        cartValue = type.fieldIndex("cart_value");
        eventFingerprint = type.fieldIndex("event_fingerprint");
        ipPrefix = type.fieldIndex("ip_prefix");
        userPseudonym = type.fieldIndex("user_pseudonym");
        warnings = type.fieldIndex("warnings");
        rescuedData = type.fieldIndex("rescued_data");
    }
}
