package ecommerce.judge;

/** Why a text is not one JSON document: thrown for each bad record, so without the cost of a stack trace. */
final class NotJson extends Exception {
    static final NotJson MALFORMED = new NotJson("malformed");
    /** Valid JSON perhaps, and refused: too deep, or a number or key that is too long. */
    static final NotJson LIMIT = new NotJson("parser_limit");

    private static final long serialVersionUID = 1;

    final String keyword;

    private NotJson(String keyword) {
        super(keyword, null, false, false);
        this.keyword = keyword;
    }
}
