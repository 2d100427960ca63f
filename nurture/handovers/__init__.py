"""Leads in the hands of sales: opened, told, answered, and what their clocks make happen."""
