"""The world: Lambda events, DynamoDB, Secrets Manager, JWTs, logs."""
