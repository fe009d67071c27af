import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.apache.flink.table.data.StringData;

/**
 * What a page's URL, its referrer and the device say. Few of them are distinct: the answers are remembered.
 *
 * <p>RULES: the environment variable that names a file of lines "column TAB pattern TAB value", first match wins.
 */
final class Visit {
  private static final int REMEMBERED = 20_000;
  private static final Pattern URL = Pattern.compile(
      "^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#]*@)?(\\[[0-9a-fA-F:.]+\\]|[^/?#:@]+)(?::\\d*)?([^?#]*)(?:\\?([^#]*))?");

  /** The parts of a URL; null where it has none. */
  record Page(String hostName, StringData host, StringData path, StringData source, StringData medium,
      StringData campaign) {}

  private record Rule(Pattern pattern, StringData value) {}

  private static final Page NOWHERE = new Page(null, null, null, null, null, null);
  private static final StringData DIRECT = StringData.fromString("direct");
  private static final StringData INTERNAL = StringData.fromString("internal");
  private static final StringData OTHER = StringData.fromString("other");

  private final List<Rule> agents = new ArrayList<>();
  private final List<Rule> referrers = new ArrayList<>();
  private final Map<String, Page> pages = remembering();
  private final Map<String, StringData> media = remembering();
  private final Map<String, StringData> classes = remembering();

  Visit() throws IOException {
    for (String line : Files.readAllLines(Path.of(System.getenv("RULES")))) {
      String[] parts = line.split("\t");
      List<Rule> rules = parts[0].equals("referrer_medium") ? referrers : agents;
      rules.add(new Rule(Pattern.compile(parts[1]), StringData.fromString(parts[2])));
    }
  }

  Page page(String url) {
    return url == null ? NOWHERE : pages.computeIfAbsent(url, Visit::parts);
  }

  StringData medium(Page referrer, Page page) {
    if (referrer.hostName == null) {
      return DIRECT;
    }
    if (referrer.hostName.equals(page.hostName)) {
      return INTERNAL;
    }
    return media.computeIfAbsent(referrer.hostName, host -> first(referrers, host, OTHER));
  }

  StringData deviceClass(String agent, String category) {
    StringData found = agent == null ? null : classes.computeIfAbsent(agent, text -> first(agents, text, null));
    if (found != null || category == null) {
      return found;
    }
    return switch (category.toLowerCase()) {
      case "desktop", "mobile", "tablet" -> StringData.fromString(category.toLowerCase());
      default -> null;
    };
  }

  private static StringData first(List<Rule> rules, String text, StringData otherwise) {
    for (Rule rule : rules) {
      if (rule.pattern.matcher(text).find()) {
        return rule.value;
      }
    }
    return otherwise;
  }

  private static Page parts(String url) {
    Matcher found = URL.matcher(url);
    if (!found.find()) {
      return NOWHERE;
    }
    String host = found.group(1).toLowerCase();
    String query = found.group(3);
    Function<String, StringData> utm = name -> parameter(query, "utm_" + name + "=");
    return new Page(host, StringData.fromString(host), text(found.group(2)), utm.apply("source"), utm.apply("medium"),
        utm.apply("campaign"));
  }

  private static StringData parameter(String query, String start) {
    if (query != null) {
      for (String part : query.split("&")) {
        if (part.startsWith(start)) {
          return text(URLDecoder.decode(part.substring(start.length()), StandardCharsets.UTF_8));
        }
      }
    }
    return null;
  }

  private static StringData text(String text) {
    return text.isEmpty() ? null : StringData.fromString(text);
  }

  private static <V> Map<String, V> remembering() {
    return new LinkedHashMap<>(1024, 0.75f, true) {
      @Override
      protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
        return size() > REMEMBERED;
      }
    };
  }
}
