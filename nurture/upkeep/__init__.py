"""What is done by the clock and not for one lead: proving that nothing got lost, ageing, re-scoring."""
