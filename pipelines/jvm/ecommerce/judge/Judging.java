package ecommerce.judge;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** Judges records by one set of rules. Safe for many threads: nothing in it changes but what it remembers of texts. */
final class Judging {
    /** For our own headers (at most 20 errors and 20 paths) and the record's overhead. */
    private static final int RESERVED_BYTES = 32 * 1024;
    /**
     * An enriched value is far less than this many times its raw value, what the catalogue adds to its items, and the
     * reserve: below, nobody measures it.
     */
    private static final long MAX_GROWTH = 8;
    /** More than the names and values of the Kafka coordinates in an enriched record. */
    private static final int LINEAGE_BYTES = 1024;
    private static final int HEADER_OVERHEAD = 8;
    private static final int MAX_ERRORS = 20;
    private static final int MAX_SALVAGED_LENGTH = 200;

    private final StructField given;
    private final Contract contract;
    private final Validation validation;
    private final Enrichment enrichment;
    private final int room;
    private final Columns columns;

    /** What failed: its type, the stage, and what is wrong. */
    private record Failure(String type, String stage, List<Complaint> errors) {
        Failure(String type, String stage, String keyword, String expected, String message) {
            this(type, stage, List.of(Complaint.rejecting(type, "", keyword, expected, message)));
        }
    }

    /** `given`: the result's type, with the rules as metadata. */
    Judging(StructField given) {
        this.given = given;
        StructType type = (StructType) given.dataType();
        Metadata metadata = given.metadata();
        columns = new Columns(type);
        contract = Contract.read(metadata.getString("rules"));
        validation = new Validation(contract);
        Privacy privacy = new Privacy(block(metadata, "inner_key"), block(metadata, "outer_key"));
        enrichment = new Enrichment(contract, validation, privacy, type, columns);
        room = contract.maxRecordBytes - RESERVED_BYTES;
    }

    private static byte[] block(Metadata metadata, String name) {
        return metadata.contains(name) ? HexFormat.of().parseHex(metadata.getString(name)) : null;
    }

    boolean isOf(StructField given) {
        return this.given.equals(given);
    }

    /** The outcome: accepted (`failure` is null) or dead, never both, never neither. */
    InternalRow judge(byte[] givenKey, byte[] value, ArrayData givenHeaders, long receivedAt) {
        boolean largeKey = givenKey != null && givenKey.length > room / 4;
        byte[] key = largeKey ? null : givenKey;
        Object[] row = new Object[columns.count];
        row[columns.key] = key;
        if (receivedAt != Instants.NONE) {
            row[columns.receivedAt] = receivedAt;
        }
        Failure failure = undecodable(value, largeKey);
        Event event = null;
        Times times = null;
        if (failure == null) {
            try {
                event = Event.read(value, contract);
                if (event == null) {
                    failure = new Failure("NOT_OBJECT", "parse", "type", "object",
                            "the value is JSON but not an object");
                }
            } catch (NotJson error) {
                failure = new Failure("NOT_JSON", "parse", error.keyword, "one JSON object",
                        "the value is not one valid JSON document");
            }
        }
        if (event != null) {
            times = enrichment.times(event, receivedAt);
            List<Complaint> broken = validation.broken(event, times);
            if (broken.isEmpty()) {
                enrichment.fill(row, event, times);
                failure = tooLarge(row, value, key);
            } else {
                failure = new Failure(first(broken), "validate", broken);
            }
        }
        if (failure != null) {
            bury(row, failure, event, times);
            payload(row, value, key, largeKey, givenHeaders);
        }
        return new GenericInternalRow(row);
    }

    /** The first reason why the value is no text, null if there is none. */
    private Failure undecodable(byte[] value, boolean largeKey) {
        UTF8String text = UTF8String.fromBytes(value);
        if (Texts.isBlank(text)) {
            return new Failure("EMPTY_VALUE", "decode", "minLength", "a JSON object", "the value is null or blank");
        }
        if (value.length > contract.maxEventBytes) {
            return new Failure("SIZE_VIOLATION", "decode", "maxLength",
                    "at most " + contract.maxEventBytes + " bytes", "the value is too large");
        }
        if (largeKey) {
            return new Failure("SIZE_VIOLATION", "decode", "maxLength", "a key that fits", "the key is too large");
        }
        return Texts.isAscii(value) || text.isValid() ? null
                : new Failure("NOT_UTF8", "decode", "encoding", "UTF-8", "the value is not UTF-8");
    }

    /** The first type of the contract's table among the errors. */
    private String first(List<Complaint> errors) {
        int first = contract.failureTypes.size();
        for (Complaint error : errors) {
            first = Math.min(first, contract.failureTypes.indexOf(error.failureType()));
        }
        return contract.failureTypes.get(first);
    }

    /** An accepted event's failure if its enriched record would not fit its topic. */
    private Failure tooLarge(Object[] row, byte[] value, byte[] key) {
        long others = (key == null ? 0 : key.length) + RESERVED_BYTES;
        if (value.length * MAX_GROWTH + enrichment.longestCatalogItems(row) + others <= contract.maxRecordBytes
                || enrichment.enrichedBytes(row) + LINEAGE_BYTES + others <= contract.maxRecordBytes) {
            return null;
        }
        return new Failure("SIZE_VIOLATION", "enrich", "maxLength",
                "at most " + contract.maxRecordBytes + " bytes", "the enriched record is too large");
    }

    /** Make the row a dead record's: no event, but what it still tells. */
    private void bury(Object[] row, Failure failure, Event event, Times times) {
        Object key = row[columns.key];
        Object receivedAt = row[columns.receivedAt];
        Arrays.fill(row, null);
        row[columns.key] = key;
        row[columns.receivedAt] = receivedAt;
        List<Object> errors = new ArrayList<>();
        for (Complaint error : failure.errors.subList(0, Math.min(failure.errors.size(), MAX_ERRORS))) {
            errors.add(new GenericInternalRow(new Object[] {
                Texts.utf8(error.path()), Texts.utf8(error.keyword()), Texts.utf8(error.expected()),
                error.actualType() == null ? null : Texts.utf8(error.actualType()), Texts.utf8(error.message()),
            }));
        }
        row[columns.failure] = new GenericInternalRow(new Object[] {
            Texts.utf8(failure.type), Texts.utf8(failure.stage), new GenericArrayData(errors.toArray()),
        });
        Object[] salvaged = new Object[3];
        if (event != null) {
            salvaged[0] = Texts.start(enrichment.eventId(event), MAX_SALVAGED_LENGTH);
            salvaged[1] = Texts.start(enrichment.eventName(event), MAX_SALVAGED_LENGTH);
            salvaged[2] = Instants.isRepresentable(times.eventAt) ? times.eventAt : null;
        }
        row[columns.salvaged] = new GenericInternalRow(salvaged);
    }

    /** Value and headers of a dead record, cut to what its topic takes; hash and length are of the whole value. */
    private void payload(Object[] row, byte[] value, byte[] key, boolean largeKey, ArrayData headers) {
        long headerBytes = headerBytes(headers);
        boolean largeHeaders = headerBytes > room / 4;
        long left = Math.max(0, room - (key == null ? 0 : key.length) - (largeHeaders ? 0 : headerBytes));
        int size = value == null ? 0 : value.length;
        row[columns.headers] = largeHeaders ? null : headers;
        row[columns.value] = size > left ? Arrays.copyOf(value, (int) left) : value;
        row[columns.bytes] = (long) size;
        row[columns.truncated] = size > left || largeKey || largeHeaders;
        if (value != null) {
            row[columns.sha256] = Texts.utf8(HexFormat.of().formatHex(Privacy.sha256().digest(value)));
        }
    }

    private static long headerBytes(ArrayData headers) {
        long bytes = 0;
        for (int i = 0; headers != null && i < headers.numElements(); i++) {
            if (!headers.isNullAt(i)) {
                InternalRow header = headers.getStruct(i, 2);
                bytes += header.isNullAt(0) ? 0 : header.getUTF8String(0).numBytes();
                bytes += header.isNullAt(1) ? 0 : header.getBinary(1).length;
                bytes += HEADER_OVERHEAD;
            }
        }
        return bytes;
    }
}
