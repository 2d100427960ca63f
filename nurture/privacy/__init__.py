"""What a person may ask of us, and what is remembered of somebody who is forgotten."""
