"""What a server's managers can choose: what there is to choose, what holds where, and what people have used."""
