"""How embedded/entities is made: marked tweets and comments → a low-rank adapter and a head over MiniLM."""
