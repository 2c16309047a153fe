"""Long proofs: campaigns of faults whose last line says what held."""
