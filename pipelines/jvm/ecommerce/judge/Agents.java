package ecommerce.judge;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** What the visitor used: browser, operating system, kind of device, and whether it is a bot. */
final class Agents {
    /** What a user agent tells; null where it does not. */
    record Agent(String browser, String os, String deviceClass, boolean isBot) {}

    private record Rule(String column, Pattern pattern, String value) {}

    private static final Agent UNKNOWN = new Agent(null, null, null, false);

    private final List<Rule> rules = new ArrayList<>();
    private final Memory<Agent> agentOf = new Memory<>(this::lookUp);

    /** `rows`: [column, regular expression over the user agent, value]; the first match per column wins. */
    Agents(JsonNode rows) {
        for (JsonNode row : rows) {
            rules.add(new Rule(row.get(0).asText(), Pattern.compile(row.get(1).asText()), row.get(2).asText()));
        }
    }

    /** Without a telling user agent, the app's platform names the system and device.category the class. */
    Agent of(String userAgent, String platform, String category) {
        Agent told = userAgent == null ? UNKNOWN : agentOf.get(userAgent);
        String os = told.os != null ? told.os : "ios".equals(platform) ? "iOS"
                : "android".equals(platform) ? "Android" : null;
        boolean isClass = category != null && (category.equals("desktop") || category.equals("mobile")
                || category.equals("tablet"));
        String deviceClass = told.isBot ? "bot" : told.deviceClass != null ? told.deviceClass
                : isClass ? category : null;
        return new Agent(told.browser, os, deviceClass, told.isBot);
    }

    private Agent lookUp(String userAgent) {
        boolean isBot = first("is_bot", userAgent) != null;
        return new Agent(first("browser", userAgent), first("os", userAgent), first("device_class", userAgent), isBot);
    }

    private String first(String column, String userAgent) {
        for (Rule rule : rules) {
            if (rule.column.equals(column) && rule.pattern.matcher(userAgent).find()) {
                return rule.value;
            }
        }
        return null;
    }
}
