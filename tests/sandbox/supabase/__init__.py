"""Tests of the sandbox's Supabase, all through the unmodified client or a bare socket."""
