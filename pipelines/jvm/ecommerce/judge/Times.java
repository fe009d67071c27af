package ecommerce.judge;

import org.apache.spark.unsafe.types.UTF8String;

/**
 * When it happened and when we got it, in microseconds since 1970; NONE where unknown.
 *
 * <p>All is measured against the broker's append time, never a wall clock: a record gets the same verdict on every
 * replay. `derivedAt` corrects a device clock that `sent_at` reveals: received − (sent − happened), if received and sent
 * are at most 24 h apart; else it is the event's time.
 */
final class Times {
    final long receivedAt;
    final long eventAt;
    final long sentAt;
    final long derivedAt;
    /** There is a `sent_at`, and it is too far from the arrival to correct the clock. */
    final boolean clockUnknown;

    Times(long receivedAt, UTF8String eventTime, UTF8String sentTime) {
        this.receivedAt = receivedAt;
        eventAt = Instants.parse(eventTime);
        sentAt = Instants.parse(sentTime);
        boolean clockKnown = sentAt != Instants.NONE && receivedAt != Instants.NONE
                && Math.abs(receivedAt - sentAt) <= Instants.DAY_MICROS;
        clockUnknown = sentAt != Instants.NONE && !clockKnown;
        derivedAt = clockKnown && eventAt != Instants.NONE ? receivedAt - (sentAt - eventAt) : eventAt;
    }
}
