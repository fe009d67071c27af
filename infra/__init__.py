"""Where the pipeline runs: its jars, and the servers around it."""
