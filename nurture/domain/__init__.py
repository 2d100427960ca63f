"""The pure core: what happens to a lead next. No I/O, no clock; `now` is always a parameter."""
