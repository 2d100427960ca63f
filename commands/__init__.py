"""What the operator can ask for: one module per verb of cli.py, and what they share."""
