"""The systems that the pipeline is compared with. Each is a program: WORKLOADS.md tells what it is given."""
