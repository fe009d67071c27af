"""The parts of ``python -m pipelines.tail``: where to begin, the topic, repeats, filters, how records look."""
