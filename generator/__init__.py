"""A simulated shop that sends raw events, and known faults among them, to the console, a file or Kafka."""
