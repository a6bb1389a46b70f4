"""How embedded/sentiment is made: sentences that the project wrote → a low-rank adapter and a head over MiniLM."""
