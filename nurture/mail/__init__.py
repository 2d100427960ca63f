"""Mails of ours: by whom they go out, what became of them, and what readers want."""
