"""What people would take instead, doing the work of WORKLOADS.md: each in its documentation's form and in a tuned one."""
