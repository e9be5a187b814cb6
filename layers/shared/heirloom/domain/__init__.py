"""The rules: values in, values out. No store, no HTTP, no clock, no logger."""
