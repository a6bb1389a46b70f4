"""What holds where no manager chose anything: the owner's file, as rules. Pure."""

from __future__ import annotations

from bot.config import Settings
from bot.settings.rules import Rules, Store


def defaults(settings: Settings, *, in_playground: bool) -> Rules:
    """The rules of `steward.toml`."""
    bot, llm = settings.bot, settings.llm
    auto: Store = "everything" if in_playground else "addressed"
    return Rules(
        answer_when=bot.answer_when,
        answer_in=bot.answer_in,
        persona=bot.persona,
        language=bot.language,
        max_tokens=llm.max_tokens,
        context_messages=bot.history_messages,
        requests_per_day=bot.requests_per_day,
        tokens_per_day=bot.tokens_per_day,
        store=auto if bot.store == "auto" else bot.store,
        retention_days=settings.storage.retention_days,
        filter_own_text=bot.filter_own_text,
    )
