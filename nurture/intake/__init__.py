"""What a lead does or says on its way in: whose it is, and what follows from it."""
