"""Telling sales: one module per way, each with the verb `deliver`."""
