package ecommerce.judge;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Where a visit came from. Queries may hold personal data, so only a few parameters survive. */
final class Web {
    private final List<String> mediums = new ArrayList<>();
    private final List<Pattern> hostPatterns = new ArrayList<>();
    private final Memory<String> mediumOf = new Memory<>(this::lookUp);

    /** `referrers`: [medium, regular expression over the host]; the first match wins, e-mail before all others. */
    Web(JsonNode referrers) {
        for (boolean email : new boolean[] {true, false}) { // mail.google.com is a search engine's too
            for (JsonNode row : referrers) {
                if (row.get(0).asText().equals("email") == email) {
                    mediums.add(row.get(0).asText());
                    hostPatterns.add(Pattern.compile(row.get(1).asText()));
                }
            }
        }
    }

    /** search, social, email, internal (the page's own host), direct (no referrer) or other. */
    String medium(String referrerHost, String pageHost) {
        if (referrerHost == null) {
            return "direct";
        }
        return referrerHost.equals(pageHost) ? "internal" : mediumOf.get(referrerHost);
    }

    private String lookUp(String host) {
        for (int i = 0; i < mediums.size(); i++) {
            if (hostPatterns.get(i).matcher(host).find()) {
                return mediums.get(i);
            }
        }
        return "other";
    }

    /** The lower-case host of a URL, without user and port; null if it has none. */
    static String host(String url) {
        int start = authority(url);
        if (start < 0) {
            return null;
        }
        int end = authorityEnd(url, start);
        for (int at = url.lastIndexOf('@', end - 1); at >= start; at = url.lastIndexOf('@', at - 1)) {
            String host = hostAt(url, at + 1, end);
            if (host != null) {
                return host;
            }
        }
        return hostAt(url, start, end);
    }

    private static String hostAt(String url, int start, int end) {
        if (start < end && url.charAt(start) == '[') {
            int close = start + 1;
            while (close < end && (Character.digit(url.charAt(close), 16) >= 0 && url.charAt(close) < 128
                    || url.charAt(close) == ':' || url.charAt(close) == '.')) {
                close++;
            }
            if (close > start + 1 && close < end && url.charAt(close) == ']') {
                return url.substring(start, close + 1).toLowerCase(Locale.ROOT);
            }
        }
        int i = start;
        while (i < end && url.charAt(i) != ':' && url.charAt(i) != '@') {
            i++;
        }
        return i == start ? null : url.substring(start, i).toLowerCase(Locale.ROOT);
    }

    /** The path of a URL; null if it has none. */
    static String path(String url) {
        int start = authority(url);
        if (start < 0) {
            return null;
        }
        start = authorityEnd(url, start);
        int end = start;
        while (end < url.length() && url.charAt(end) != '?' && url.charAt(end) != '#') {
            end++;
        }
        return end == start ? null : url.substring(start, end);
    }

    /** The parameters utm_*, q, page, sort and category of a URL's query, up to a line break; null if there are none. */
    static String query(String url) {
        if (url == null) {
            return null;
        }
        int end = url.indexOf('#');
        end = end < 0 ? url.length() : end;
        int start = url.indexOf('?');
        if (start < 0 || start >= end) {
            return null;
        }
        StringBuilder kept = new StringBuilder();
        for (int from = start + 1; from <= end;) {
            int to = from;
            while (to < end && url.charAt(to) != '&' && !isLineBreak(url.charAt(to))) {
                to++;
            }
            if (isKept(url, from, to)) {
                kept.append(kept.length() > 0 ? "&" : "").append(url, from, to);
            }
            if (to < end && url.charAt(to) != '&') {
                break;
            }
            from = to + 1;
        }
        return Texts.notEmpty(kept.toString());
    }

    private static boolean isLineBreak(char c) {
        return c == '\n' || c == '\r' || c == '\u0085' || c == '\u2028' || c == '\u2029';
    }

    private static boolean isKept(String url, int from, int to) {
        int equals = from;
        while (equals < to && url.charAt(equals) != '=') { // never beyond: a URL may be a megabyte of separators
            equals++;
        }
        if (equals == to) {
            return false;
        }
        String name = url.substring(from, equals);
        if (!name.startsWith("utm_")) {
            return name.equals("q") || name.equals("page") || name.equals("sort") || name.equals("category");
        }
        for (int i = 4; i < name.length(); i++) {
            if (name.charAt(i) < 'a' || name.charAt(i) > 'z') {
                return false;
            }
        }
        return name.length() > 4;
    }

    /** A URL without user, query and fragment. */
    static String withoutQuery(String url) {
        int end = url.indexOf('?');
        int hash = url.indexOf('#');
        end = end < 0 ? url.length() : end;
        end = hash < 0 ? end : Math.min(end, hash);
        String bare = end == url.length() ? url : url.substring(0, end);
        int start = authority(bare);
        if (start < 0 || bare.indexOf('@') < 0) {
            return bare;
        }
        int slash = bare.indexOf('/', start);
        int at = bare.lastIndexOf('@', (slash < 0 ? bare.length() : slash) - 1);
        return at < start ? bare : bare.substring(0, start) + bare.substring(at + 1);
    }

    /** A campaign parameter of a kept query, decoded where it is well encoded; null if it is empty or not there. */
    static String campaign(String query, String name) {
        if (query == null) {
            return null;
        }
        String key = "utm_" + name + "=";
        int at = query.startsWith(key) ? 0 : query.indexOf("&" + key) + 1;
        if (at == 0 && !query.startsWith(key)) {
            return null;
        }
        int start = at + key.length();
        int end = query.indexOf('&', start);
        String value = query.substring(start, end < 0 ? query.length() : end);
        if (value.indexOf('%') < 0 && value.indexOf('+') < 0) {
            return Texts.notEmpty(value);
        }
        try {
            return Texts.notEmpty(URLDecoder.decode(value, StandardCharsets.UTF_8));
        } catch (IllegalArgumentException notEncoded) {
            return value;
        }
    }

    /** Where the authority begins, after scheme and slashes; -1 if it is no such URL. */
    private static int authority(String url) {
        if (url == null) {
            return -1;
        }
        int colon = url.indexOf("://");
        if (colon < 1 || !isLetter(url.charAt(0))) {
            return -1;
        }
        for (int i = 1; i < colon; i++) {
            char c = url.charAt(i);
            if (!isLetter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '.' && c != '-') {
                return -1;
            }
        }
        return colon + 3;
    }

    private static int authorityEnd(String url, int start) {
        int end = start;
        while (end < url.length() && "/?#".indexOf(url.charAt(end)) < 0) {
            end++;
        }
        return end;
    }

    private static boolean isLetter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }
}
