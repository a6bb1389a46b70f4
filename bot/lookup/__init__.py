"""Finding things in what is stored: who may read what, keeping the index, and looking again at what is cited."""
