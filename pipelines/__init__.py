"""The streaming job and its tools: one top-level module with a `main` is one program."""

__version__ = "0.1.0"
