"""The destinations: one module each, behind one protocol."""
