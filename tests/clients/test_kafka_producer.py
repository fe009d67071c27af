"""An idempotent producer whose batch expired: it asks for a new id, and other batches expire while it waits for one.

kafka-python 3.0.12 by itself does neither.
"""

from __future__ import annotations

from types import SimpleNamespace

from kafka.producer.transaction_manager import ProducerIdAndEpoch, TransactionManager, TransactionState

from pipelines.kafka_connections import asking_for_a_new_id, expiring_without_an_id


def ready_manager() -> TransactionManager:
    manager = TransactionManager()
    manager.init_producer_id()
    manager.set_producer_id_and_epoch(ProducerIdAndEpoch(7, 0))
    manager._current_state = TransactionState.READY
    return manager


def asks_again(manager: TransactionManager) -> bool:
    manager.reset_producer_id()
    manager.init_producer_id()
    return manager._current_state == TransactionState.INITIALIZING


def test_after_a_reset_a_new_id_is_asked_for():
    manager = ready_manager()
    asking_for_a_new_id(SimpleNamespace(_transaction_manager=manager))
    assert asks_again(manager)


def test_the_library_still_needs_that():
    """When this fails, a new kafka-python has mended it, and `asking_for_a_new_id` can go."""
    assert not asks_again(ready_manager())


def test_a_producer_without_idempotence_is_left_alone():
    plain = SimpleNamespace(_transaction_manager=None, _sender=None)
    assert expiring_without_an_id(asking_for_a_new_id(plain)) is plain


class Waiting:
    """What a producer without an id has, with a batch that has expired; `ready`: whether a broker answers."""

    def __init__(self, manager: TransactionManager, *, ready: bool) -> None:
        self.failed: list[Exception] = []
        self.asked = 0
        batches = [SimpleNamespace(record_count=3)]
        self.sender = SimpleNamespace(
            _client=SimpleNamespace(
                least_loaded_node=lambda: 0, is_ready=lambda node: ready, maybe_connect=id, poll=lambda **_: None
            ),
            _accumulator=SimpleNamespace(expired_batches=lambda: [batches.pop()] if batches else []),
            _metadata=SimpleNamespace(request_update=lambda: None),
            _complete_batch_with_exception=lambda batch, error: self.failed.append(error),
            _maybe_send_pending_request=self.ask,
            config={"retry_backoff_ms": 1},
        )
        expiring_without_an_id(SimpleNamespace(_transaction_manager=manager, _sender=self.sender))

    def ask(self) -> bool:
        self.asked += 1
        return True

    def once(self) -> bool:
        return self.sender._maybe_send_pending_request()


def test_batches_expire_while_no_broker_gives_an_id():
    waiting = Waiting(TransactionManager(), ready=False)
    assert waiting.once()
    assert [str(error) for error in waiting.failed] == ["KafkaTimeoutError: 3 records expired: no broker answered"]
    assert waiting.asked == 0  # it would not come back before a broker answers


def test_a_broker_that_answers_is_asked_for_an_id():
    waiting = Waiting(TransactionManager(), ready=True)
    assert waiting.once()
    assert waiting.asked == 1


def test_with_an_id_nothing_is_different():
    waiting = Waiting(ready_manager(), ready=False)
    assert waiting.once()
    assert (waiting.failed, waiting.asked) == ([], 1)
