"""The parts of ``python -m pipelines.maintain``: what a table's files look like, the steps on them, the report."""
