package ecommerce.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.types.UTF8String;

/** The event contract and the job's settings, as `pipelines/transforms/outcomes.py` hands them over. */
final class Contract {
    static final String EVENT_TIME = "event_time";

    final Declared event;
    final List<String> failureTypes;
    final Set<UTF8String> eventNames;
    final Set<UTF8String> needsItems;
    final Set<UTF8String> needsTransaction;
    final Set<UTF8String> currencies;
    final List<String> required;
    final int model;
    final int revision;
    final int maxItems;
    final long maxEventAgeMicros;
    final int maxEventAgeDays;
    final int maxFutureSeconds;
    final long lateAfterMillis;
    final int maxEventBytes;
    final int maxRecordBytes;
    final JsonNode reference;

    private final Set<UTF8String> platforms;
    private final String platformRule;
    private final Set<String> privatePaths;
    private final Set<String> privateKeys = new HashSet<>();
    private final Set<String> privateKeysInside = new HashSet<>();

    private Contract(JsonNode rules) {
        event = Declared.event((StructType) DataType.fromJson(rules.get("event").toString()),
                new HashSet<>(words(rules, "critical")));
        failureTypes = words(rules, "failure_types");
        eventNames = texts(rules, "event_names");
        needsItems = texts(rules, "needs_items");
        needsTransaction = texts(rules, "needs_transaction");
        currencies = texts(rules, "currencies");
        platforms = texts(rules, "platforms");
        platformRule = "one of " + String.join(", ", words(rules, "platforms"));
        required = words(rules, "required");
        privatePaths = new HashSet<>(words(rules, "private"));
        privateKeysInside.add("ip");
        for (String path : privatePaths) {
            boolean holdsOthers = privatePaths.stream().anyMatch(other -> other.startsWith(path + "."));
            (holdsOthers ? privateKeys : privateKeysInside).add(letters(path.substring(path.lastIndexOf('.') + 1)));
        }
        privateKeys.addAll(privateKeysInside);
        model = rules.get("model").asInt();
        revision = rules.get("revision").asInt();
        maxItems = rules.get("max_items").asInt();
        maxEventAgeDays = rules.get("max_event_age_days").asInt();
        maxEventAgeMicros = maxEventAgeDays * Instants.DAY_MICROS;
        maxFutureSeconds = rules.get("max_future_seconds").asInt();
        lateAfterMillis = rules.get("late_after_seconds").asLong() * 1000;
        maxEventBytes = rules.get("max_event_bytes").asInt();
        maxRecordBytes = rules.get("max_record_bytes").asInt();
        reference = rules.get("reference");
    }

    static Contract read(String rules) {
        try {
            return new Contract(new ObjectMapper().readTree(rules));
        } catch (com.fasterxml.jackson.core.JsonProcessingException error) {
            throw new IllegalArgumentException("the rules of the judge are not JSON", error);
        }
    }

    /** The rule that an optional text at the top of the event breaks, null if none. */
    String brokenRule(String path, UTF8String text) {
        if (path.equals("platform") && !platforms.contains(text)) {
            return platformRule;
        }
        return path.equals("sent_at") && !Instants.isRepresentable(Instants.parse(text)) ? "an RFC 3339 timestamp" : null;
    }

    /** Whether a declared field may hold what is private: its value is never repeated elsewhere. */
    boolean isPrivatePath(String path) {
        return privatePaths.contains(path);
    }

    /** Whether an undeclared key is named like a private field. */
    boolean isPrivateKey(UTF8String key) {
        return privateKeys.contains(letters(key.toString()));
    }

    /** The same of a key further inside an undeclared value: a page there is no reason to withhold all of it. */
    boolean isPrivateKeyInside(UTF8String key) {
        return privateKeysInside.contains(letters(key.toString()));
    }

    private static String letters(String key) {
        StringBuilder letters = new StringBuilder();
        String lower = key.toLowerCase(Locale.ROOT);
        for (int i = 0; i < lower.length(); i++) {
            if (lower.charAt(i) >= 'a' && lower.charAt(i) <= 'z') {
                letters.append(lower.charAt(i));
            }
        }
        return letters.toString();
    }

    private static List<String> words(JsonNode rules, String name) {
        List<String> words = new ArrayList<>();
        rules.get(name).forEach(word -> words.add(word.asText()));
        return words;
    }

    private static Set<UTF8String> texts(JsonNode rules, String name) {
        Set<UTF8String> texts = new HashSet<>();
        words(rules, name).forEach(word -> texts.add(Texts.utf8(word)));
        return texts;
    }
}
