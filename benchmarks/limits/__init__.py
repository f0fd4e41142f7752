"""How fast Postgres and asyncio could be at the same work, so that dibs' share of it is a figure.

L1 writes the same rows with no queue logic, L2 runs dibs' own SQL from pgbench, L3 runs it from a bare asyncpg loop,
and L4 is the real worker. Whatever lies between two levels is the price of what the upper one adds.
"""
