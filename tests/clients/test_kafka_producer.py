"""An idempotent producer whose batch expired asks for a new id; kafka-python 3.0.12 by itself never does."""

from __future__ import annotations

from types import SimpleNamespace

from kafka.producer.transaction_manager import ProducerIdAndEpoch, TransactionManager, TransactionState

from pipelines.kafka_connections import asking_for_a_new_id


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
    asking_for_a_new_id(SimpleNamespace(_transaction_manager=None))
