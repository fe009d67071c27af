"""What kafka-python 3.0.12 does not do by itself: hear a refusal, and go on sending after records have expired.

It tries again until the time is up, and then says only that it is. And the broker's answer to a wrong password is lost
when the end of the connection arrives with it, as it mostly does.
"""

from __future__ import annotations

from typing import Any

import kafka.errors
from kafka import KafkaProducer
from kafka.net.compat import KafkaNetClient
from kafka.producer.transaction_manager import TransactionState

# Another attempt would end the same.
_FINAL = (kafka.errors.SaslAuthenticationFailedError, kafka.errors.UnsupportedSaslMechanismError)


def impatient_client(**arguments: Any) -> Any:
    """For the argument `kafka_client` of kafka-python's clients.

    Only the first contact is impatient: a client that was let in survives a broker that is being restarted.
    """
    client = KafkaNetClient(**arguments)
    manager = client._manager
    connect, build = manager.get_connection, manager._build_transport
    refusals: dict[Any, Exception] = {}

    def get_connection(node_id: Any, *args: Any, **options: Any) -> Any:
        if node_id in refusals:
            raise refusals[node_id]
        connection = connect(node_id, *args, **options)
        if manager.cluster.is_bootstrap(node_id):
            connection.init_future.add_errback(note, node_id)
        return connection

    def note(node_id: Any, error: Exception) -> None:
        if isinstance(error, _FINAL) or "CERTIFICATE_VERIFY_FAILED" in str(error):
            refusals[node_id] = error

    async def build_transport(*args: Any, **options: Any) -> Any:
        transport = await build(*args, **options)
        transport._sock_recv = _data_before_the_end(transport._sock_recv)
        return transport

    manager.get_connection = get_connection
    manager._build_transport = build_transport
    return client


def asking_for_a_new_id(producer: KafkaProducer) -> KafkaProducer:
    """The idempotent producer, which goes on after a batch has expired.

    Without this it drops its producer id then, but asks for a new one in its first state only: nothing would ever be
    sent or expire again (seen with a broker that was paused for 60 s).
    """
    manager = producer._transaction_manager
    if manager is not None:
        reset = manager.reset_producer_id

        def reset_and_ask_again() -> None:
            reset()
            manager._current_state = TransactionState.UNINITIALIZED

        manager.reset_producer_id = reset_and_ask_again
    return producer


def expiring_without_an_id(producer: KafkaProducer) -> KafkaProducer:
    """The idempotent producer, whose records fail in time while it waits for an id, too.

    Without this it waits in a loop of its own until a broker answers, and nothing expires meanwhile: with the broker
    gone for good one batch failed, and the thousands of records behind it never did.
    """
    manager, sender = producer._transaction_manager, producer._sender
    if manager is not None:
        client, send_pending = sender._client, sender._maybe_send_pending_request

        def send_pending_or_expire() -> bool:
            if manager.has_producer_id() and not manager.is_bumping_epoch():
                return bool(send_pending())
            for batch in sender._accumulator.expired_batches():
                error = kafka.errors.KafkaTimeoutError(f"{batch.record_count} records expired: no broker answered")
                sender._complete_batch_with_exception(batch, error)
            node = client.least_loaded_node()
            if node is not None and client.is_ready(node):
                return bool(send_pending())
            if node is not None:
                client.maybe_connect(node)
            client.poll(timeout_ms=sender.config["retry_backoff_ms"], future=sender._metadata.request_update())
            return True

        sender._maybe_send_pending_request = send_pending_or_expire
    return producer


def _data_before_the_end(receive: Any) -> Any:
    """Where data and the connection's end come together, the data first and the end when asked again."""
    ends: list[Exception] = []

    def receive_in_order() -> tuple[bytes, Exception | None]:
        if ends:
            return b"", ends.pop()
        data, end = receive()
        if data and end is not None:
            ends.append(end)
            return data, None
        return data, end

    return receive_in_order
