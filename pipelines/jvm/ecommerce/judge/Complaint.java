package ecommerce.judge;

import org.apache.spark.unsafe.types.UTF8String;

/**
 * What is wrong with one field; it never tells a value.
 *
 * <p>With a failure type it rejects the record. Without, it is a warning, and `rescued` is the value to keep, as JSON
 * (null where there is nothing to keep, or it looks private).
 */
record Complaint(
        String failureType,
        String path,
        String keyword,
        String expected,
        String actualType,
        String message,
        UTF8String rescued) {

    static Complaint rejecting(
            String failureType, String path, String keyword, String expected, String message) {
        return new Complaint(failureType, path, keyword, expected, null, message, null);
    }

    static Complaint warning(String path, String keyword, String message) {
        return new Complaint(null, path, keyword, null, null, message, null);
    }

    boolean rejects() {
        return failureType != null;
    }
}
