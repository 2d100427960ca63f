"""`nurture demo`: real leads through the whole product, and what came of them."""
