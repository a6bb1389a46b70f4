"""How the built-in chat model is made: words and grammar → conversations → tokenizer → training → llm/embedded/chat."""
