"""Heirloom: an OAuth 2.0 and OpenID Connect token service with rotating refresh tokens."""
