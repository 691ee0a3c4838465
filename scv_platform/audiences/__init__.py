"""Segments and audiences: YAML rules, compiled to SQL over the customers, kept as membership with history."""
