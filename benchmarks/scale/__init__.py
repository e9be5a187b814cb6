"""How far it goes: what throttles first, and what happens when everybody comes at once (docs/scale.md)."""
