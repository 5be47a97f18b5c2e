"""Supabase on loopback over a PostgreSQL: the REST API and Realtime as far as a backend can tell."""
