"""`nurture test --temporal`: scenarios on the real workflows."""
