"""Layer 1: SQL and drivers. Statements, the tables' versions, and sessions that drive operations."""
