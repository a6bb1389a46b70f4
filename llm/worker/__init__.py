"""The worker: one process that holds a model and serves it over the OpenAI HTTP API.

app (routes) → chat (the life of one request) → gate + admission (who is next) → engine (the interface) → batching.
Only `loader` and `batching` import torch and transformers, and only when a model is loaded.
"""
