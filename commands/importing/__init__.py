"""`nurture import`: lists of leads."""
