"""How `pipelines.verify` proves that nothing was lost: gather facts, judge claims by SQL, report."""
