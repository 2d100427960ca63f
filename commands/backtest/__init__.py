"""`nurture backtest`: points held against the outcomes of past leads."""
