"""Everything the product needs from outside, on this machine: for trying it and for developing."""
