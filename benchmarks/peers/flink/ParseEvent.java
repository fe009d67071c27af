import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.DeserializationFeature;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectReader;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * parse_event(value, received_at): a record, parsed once into Flink's own data structures.
 *
 * <p>SQL has no loop over an array that stays in its row, so the items' sum and their catalogue entries come from here,
 * too. `reason` tells what is wrong with the record, else it is null.
 * CATALOG: the environment variable that names the catalogue, JSON Lines.
 */
@FunctionHint(output = @DataTypeHint(bridgedTo = RowData.class, value = "ROW<"
    + "reason STRING, schema_version STRING, event_id STRING, event_name STRING, event_time STRING, sent_at STRING,"
    + "anonymous_id STRING, session_id STRING, user_id STRING, session_number INT, session_event_index INT,"
    + "platform STRING, page ROW<url STRING, title STRING, referrer STRING>,"
    + "device ROW<category STRING, user_agent STRING, screen STRING, `language` STRING>, ip_address STRING,"
    + "geo ROW<country STRING, region STRING, city STRING>,"
    + "traffic ROW<source STRING, medium STRING, campaign STRING, term STRING, content STRING, click_id STRING>,"
    + "ecommerce ROW<transaction_id STRING, cart_id STRING, `value` DECIMAL(12, 2), currency STRING,"
    + "tax DECIMAL(12, 2), shipping DECIMAL(12, 2), discount DECIMAL(12, 2), coupon STRING, payment_type STRING,"
    + "shipping_tier STRING, item_list_id STRING, search_term STRING, refund_reason STRING>,"
    + "items ARRAY<ROW<item_id STRING, item_name STRING, item_brand STRING, item_category STRING,"
    + "item_variant STRING, price DECIMAL(12, 2), list_price DECIMAL(12, 2), quantity INT, discount DECIMAL(12, 2),"
    + "coupon STRING, index INT>>,"
    + "event_at TIMESTAMP_LTZ(6), event_date DATE, lateness_ms BIGINT,"
    + "catalog_items ARRAY<ROW<item_id STRING, name STRING, brand STRING, category STRING>>,"
    + "cart_value DECIMAL(28, 2), page_host STRING, page_path STRING, utm_source STRING, utm_medium STRING,"
    + "utm_campaign STRING, referrer_host STRING, referrer_medium STRING, device_class STRING>"))
public final class ParseEvent extends ScalarFunction {
  private static final String[] REQUIRED = {"event_id", "event_name", "event_time", "anonymous_id", "session_id"};
  private static final Set<String> EVENT_NAMES = Set.of(
      "page_view", "search", "view_item_list", "select_item", "view_item", "add_to_wishlist", "add_to_cart",
      "remove_from_cart", "view_cart", "begin_checkout", "add_shipping_info", "add_payment_info", "purchase", "refund",
      "login", "sign_up");
  private static final String[] PAGE = {"url", "title", "referrer"};
  private static final String[] DEVICE = {"category", "user_agent", "screen", "language"};
  private static final String[] GEO = {"country", "region", "city"};
  private static final String[] TRAFFIC = {"source", "medium", "campaign", "term", "content", "click_id"};
  private static final Pattern RFC3339 =
      Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)");
  private static final long DAY_MS = 24L * 3600 * 1000;
  private static final long INVALID = Long.MIN_VALUE;

  private transient ObjectReader reader;
  private transient Map<String, GenericRowData> catalog;
  private transient Visit visit;

  /** A value that has not the type which its column needs. */
  private static final class WrongType extends Exception {
    WrongType() {
      super(null, null, false, false);
    }
  }

  @Override
  public void open(FunctionContext context) throws Exception {
    reader = new ObjectMapper()
        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .readerFor(JsonNode.class);
    visit = new Visit();
    catalog = new HashMap<>();
    for (String line : Files.readAllLines(Path.of(System.getenv("CATALOG")))) {
      if (!line.isBlank()) {
        JsonNode item = reader.readValue(line);
        StringData id = text(item, "item_id");
        GenericRowData entry = GenericRowData.of(
            id, text(item, "name"), text(item, "brand"), text(item, "category"));
        catalog.put(id.toString(), entry);
      }
    }
  }

  public RowData eval(
      byte[] value,
      @DataTypeHint(value = "TIMESTAMP_LTZ(3)", bridgedTo = TimestampData.class) TimestampData receivedAt) {
    GenericRowData row = new GenericRowData(32);
    row.setField(0, StringData.fromString(reason(value, receivedAt, row)));
    return row;
  }

  private String reason(byte[] value, TimestampData receivedAt, GenericRowData row) {
    JsonNode event;
    try {
      event = value == null ? null : reader.readValue(value);
    } catch (IOException notJson) {
      event = null;
    }
    if (event == null || !event.isObject()) {
      return "NOT_JSON";
    }
    boolean missing = false;
    for (String name : REQUIRED) {
      JsonNode found = event.get(name);
      missing |= found == null || found.isNull() || (found.isTextual() && found.textValue().isBlank());
    }
    if (missing) {
      return "MISSING_REQUIRED";
    }
    try {
      fill(event, receivedAt, row);
    } catch (WrongType wrong) {
      return "TYPE_MISMATCH";
    }
    if (!EVENT_NAMES.contains(event.get("event_name").textValue())) {
      return "INVALID_VALUE";
    }
    return row.isNullAt(19) ? "TIMESTAMP_INVALID" : null;
  }

  private void fill(JsonNode event, TimestampData receivedAt, GenericRowData row) throws WrongType {
    row.setField(1, text(event, "schema_version"));
    for (int i = 0; i < 3; i++) {
      row.setField(2 + i, text(event, REQUIRED[i]));
    }
    row.setField(5, text(event, "sent_at"));
    row.setField(6, text(event, "anonymous_id"));
    row.setField(7, text(event, "session_id"));
    row.setField(8, text(event, "user_id"));
    row.setField(9, integer(event, "session_number"));
    row.setField(10, integer(event, "session_event_index"));
    row.setField(11, text(event, "platform"));
    row.setField(12, texts(event.get("page"), PAGE));
    row.setField(13, texts(event.get("device"), DEVICE));
    row.setField(14, text(event, "ip_address"));
    row.setField(15, texts(event.get("geo"), GEO));
    row.setField(16, texts(event.get("traffic"), TRAFFIC));
    row.setField(17, ecommerce(event.get("ecommerce")));
    items(event.get("items"), row);
    visit(row);
    times(event, receivedAt, row);
  }

  private void visit(GenericRowData row) {
    GenericRowData at = (GenericRowData) row.getField(12);
    Visit.Page page = visit.page(at == null ? null : string(at, 0));
    Visit.Page referrer = visit.page(at == null ? null : string(at, 2));
    GenericRowData traffic = (GenericRowData) row.getField(16);
    boolean isTagged = false;
    for (int i = 0; traffic != null && i < 5; i++) {
      isTagged |= !traffic.isNullAt(i);
    }
    GenericRowData device = (GenericRowData) row.getField(13);
    row.setField(24, page.host());
    row.setField(25, page.path());
    row.setField(26, isTagged ? traffic.getField(0) : page.source());
    row.setField(27, isTagged ? traffic.getField(1) : page.medium());
    row.setField(28, isTagged ? traffic.getField(2) : page.campaign());
    row.setField(29, referrer.host());
    row.setField(30, visit.medium(referrer, page));
    row.setField(31, device == null ? null : visit.deviceClass(string(device, 1), string(device, 0)));
  }

  private static String string(GenericRowData row, int field) {
    return row.isNullAt(field) ? null : row.getField(field).toString();
  }

  private static GenericRowData ecommerce(JsonNode shop) throws WrongType {
    if (shop == null || shop.isNull()) {
      return null;
    }
    return GenericRowData.of(
        text(shop, "transaction_id"), text(shop, "cart_id"), money(shop, "value"), text(shop, "currency"),
        money(shop, "tax"), money(shop, "shipping"), money(shop, "discount"), text(shop, "coupon"),
        text(shop, "payment_type"), text(shop, "shipping_tier"), text(shop, "item_list_id"),
        text(shop, "search_term"), text(shop, "refund_reason"));
  }

  private void items(JsonNode items, GenericRowData row) throws WrongType {
    if (items == null || items.isNull()) {
      return;
    }
    if (!items.isArray()) {
      throw new WrongType();
    }
    Object[] rows = new Object[items.size()];
    Object[] found = new Object[items.size()];
    BigDecimal total = items.isEmpty() ? null : BigDecimal.ZERO;
    for (int i = 0; i < rows.length; i++) {
      JsonNode item = items.get(i);
      StringData id = text(item, "item_id");
      DecimalData price = money(item, "price");
      Integer quantity = integer(item, "quantity");
      rows[i] = GenericRowData.of(
          id, text(item, "item_name"), text(item, "item_brand"), text(item, "item_category"),
          text(item, "item_variant"), price, money(item, "list_price"), quantity, money(item, "discount"),
          text(item, "coupon"), integer(item, "index"));
      GenericRowData entry = id == null ? null : catalog.get(id.toString());
      found[i] = entry != null ? entry : GenericRowData.of(id, null, null, null);
      if (price == null) {
        total = null;
      } else if (total != null) {
        total = total.add(price.toBigDecimal().multiply(BigDecimal.valueOf(quantity == null ? 1 : quantity)));
      }
    }
    row.setField(18, new GenericArrayData(rows));
    row.setField(22, new GenericArrayData(found));
    row.setField(23, total == null ? null : DecimalData.fromBigDecimal(total, 28, 2));
  }

  private static void times(JsonNode event, TimestampData receivedAt, GenericRowData row) {
    long micros = micros(event.get("event_time").textValue());
    if (micros == INVALID) {
      return;
    }
    long millis = Math.floorDiv(micros, 1000L);
    row.setField(19, TimestampData.fromEpochMillis(millis, (int) Math.floorMod(micros, 1000L) * 1000));
    row.setField(20, (int) Math.floorDiv(millis, DAY_MS));
    row.setField(21, receivedAt.getMillisecond() - millis);
  }

  /** RFC 3339 with T and a zone; parsed by hand, since java.time took a twelfth of all the time. */
  private static long micros(String text) {
    Matcher found = RFC3339.matcher(text);
    if (!found.matches()) {
      return INVALID;
    }
    int hour = number(text, 11, 13);
    int minute = number(text, 14, 16);
    int second = number(text, 17, 19);
    if (hour > 23 || minute > 59 || second > 59) {
      return INVALID;
    }
    long day;
    try {
      day = LocalDate.of(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)).toEpochDay();
    } catch (DateTimeException invalid) {
      return INVALID;
    }
    int end = found.start(1);
    long fraction = 0;
    for (int i = 20, unit = 100_000; i < end && unit > 0; i++, unit /= 10) {
      fraction += (long) unit * (text.charAt(i) - '0');
    }
    long offset = 0;
    if (text.charAt(end) != 'Z') {
      offset = number(text, end + 1, end + 3) * 60L + number(text, end + 4, end + 6);
      offset = text.charAt(end) == '-' ? -offset : offset;
    }
    return (((day * 24 + hour) * 60 + minute - offset) * 60 + second) * 1_000_000 + fraction;
  }

  private static int number(String text, int start, int end) {
    int number = 0;
    for (int i = start; i < end; i++) {
      number = number * 10 + text.charAt(i) - '0';
    }
    return number;
  }

  private static GenericRowData texts(JsonNode object, String[] names) throws WrongType {
    if (object == null || object.isNull()) {
      return null;
    }
    GenericRowData row = new GenericRowData(names.length);
    for (int i = 0; i < names.length; i++) {
      row.setField(i, text(object, names[i]));
    }
    return row;
  }

  private static StringData text(JsonNode object, String name) throws WrongType {
    JsonNode found = object.get(name);
    if (found == null || found.isNull()) {
      return null;
    }
    if (!found.isTextual()) {
      throw new WrongType();
    }
    return StringData.fromString(found.textValue());
  }

  private static Integer integer(JsonNode object, String name) throws WrongType {
    JsonNode found = object.get(name);
    if (found == null || found.isNull()) {
      return null;
    }
    if (!found.canConvertToInt() || !found.isIntegralNumber()) {
      throw new WrongType();
    }
    return found.intValue();
  }

  private static DecimalData money(JsonNode object, String name) throws WrongType {
    JsonNode found = object.get(name);
    if (found == null || found.isNull()) {
      return null;
    }
    DecimalData exact = found.isNumber() ? DecimalData.fromBigDecimal(found.decimalValue(), 12, 2) : null;
    if (exact == null) {
      throw new WrongType();
    }
    return exact;
  }
}
