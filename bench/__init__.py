"""Figures: speed and cost as ratios to a bare floor measured in the same run. `make bench` prints them."""
