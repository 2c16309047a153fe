"""Speed, measured as a ratio against a named reference in the same run. Not shipped."""
