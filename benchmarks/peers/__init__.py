"""What people would take instead, doing the work of WORKLOADS.md: as its documentation teaches, and tuned."""
