"""Messages in another language, where others read them: mirrored channels, and flags under a message."""
