"""The use cases: one module per endpoint. Untrusted text becomes values here."""
