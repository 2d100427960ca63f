"""Mail: from a marketer's template to a message on the wire."""
