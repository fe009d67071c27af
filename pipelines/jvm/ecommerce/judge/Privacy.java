package ecommerce.judge;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import org.apache.spark.unsafe.types.UTF8String;

/** What leaves the raw topic about a person: a network prefix instead of an address, a pseudonym instead of an id. */
final class Privacy {
    private static final int PREFIX_GROUPS = 3;
    // Eight groups, or fewer around one "::".
    private static final Pattern IPV6 = Pattern.compile(
            "(?=.{2,39}\\z)(?!.*::.*::)(?!.*:::)(?!:[^:])(?!.*[^:]:\\z)"
                    + "(?:(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"
                    + "|(?:[0-9a-fA-F]{1,4}:){7}:|:(?::[0-9a-fA-F]{1,4}){7}"
                    + "|(?=.*::)(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})\\z");

    private final MessageDigest inner;
    private final MessageDigest outer;

    /** HMAC-SHA-256 (RFC 2104) by its key, padded to a block and mixed with both constants; null without a key. */
    Privacy(byte[] innerBlock, byte[] outerBlock) {
        inner = begun(innerBlock);
        outer = begun(outerBlock);
    }

    boolean hasKey() {
        return inner != null;
    }

    /** `p1:` and the HMAC of a user's id in hex; null without a key or a user. */
    UTF8String pseudonym(UTF8String userId) {
        if (inner == null || userId == null) {
            return null;
        }
        try {
            MessageDigest first = (MessageDigest) inner.clone();
            MessageDigest second = (MessageDigest) outer.clone();
            return Texts.utf8("p1:" + HexFormat.of().formatHex(second.digest(first.digest(userId.getBytes()))));
        } catch (CloneNotSupportedException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static MessageDigest begun(byte[] block) {
        if (block == null) {
            return null;
        }
        MessageDigest digest = sha256();
        digest.update(block);
        return digest;
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** The /24 of an IPv4 address, the /48 of an IPv6 address, null for anything else. */
    static String networkPrefix(String address) {
        int end = fourOctets(address);
        if (end > 0) {
            return address.substring(0, end) + ".0/24";
        }
        if (address.indexOf(':') < 0 || !IPV6.matcher(address).lookingAt()) {
            return null;
        }
        int gap = address.indexOf("::");
        String[] groups = (gap < 0 ? address : address.substring(0, gap)).split(":", -1);
        StringBuilder prefix = new StringBuilder();
        for (int i = 0; i < PREFIX_GROUPS; i++) {
            String group = i < groups.length ? groups[i].toLowerCase(Locale.ROOT) : "";
            int start = 0;
            while (start < group.length() && group.charAt(start) == '0') {
                start++;
            }
            prefix.append(i > 0 ? ":" : "").append(start == group.length() ? "0" : group.substring(start));
        }
        return prefix.append("::/48").toString();
    }

    /** Where the third octet of an IPv4 address ends; 0 if it is none. */
    private static int fourOctets(String address) {
        int octets = 0;
        int third = 0;
        int start = 0;
        for (int i = 0; i <= address.length(); i++) {
            char c = i < address.length() ? address.charAt(i) : '.';
            if (c == '.') {
                int size = i - start;
                if (size < 1 || size > 3 || octets == 4
                        || size == 3 && (address.charAt(start) == '0' || Integer.parseInt(address, start, i, 10) > 255)) {
                    return 0;
                }
                third = ++octets == 3 ? i : third;
                start = i + 1;
            } else if (c < '0' || c > '9') {
                return 0;
            }
        }
        return octets == 4 ? third : 0;
    }
}
