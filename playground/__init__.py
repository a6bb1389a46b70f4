"""A Discord on your own machine: gateway, REST and a page, so that everything runs without an account or a token."""
