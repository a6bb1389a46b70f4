"""What the recipes of the built-in encoder models share: data, the adapted MiniLM, the loop, the export."""
