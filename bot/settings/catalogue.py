"""Everything that a server's managers can choose, in the order in which the panel shows it. Pure.

Names are stored: a name that is changed here loses what was chosen under it.
"""

from __future__ import annotations

from bot.settings.values import Kind, Option, Spec
from storage.settings import Scope

SERVER, CHANNEL, ROLE = Scope.GUILD, Scope.CHANNEL, Scope.ROLE
LONGEST_PERSONA = 1000

ANSWER_WHEN = Spec(
    "answer_when",
    "When I answer",
    "Which messages are for me. Commands such as /ask always work.",
    (SERVER, CHANNEL),
    Kind.CHOICE,
    (
        Option("addressed", "When mentioned or replied to", "Somebody writes my name, or replies to me"),
        Option("mentioned", "When mentioned", "Somebody writes my name; a reply alone is not enough"),
        Option("everything", "Every message", "Good for a channel that is only for talking with me"),
        Option("nothing", "Never", "I stay silent, but for commands"),
    ),
)
ANSWER_IN = Spec(
    "answer_in",
    "Where I answer",
    "Threads keep long talks out of a busy channel. I need *Create Public Threads* for it, else I answer right there.",
    (SERVER, CHANNEL),
    Kind.CHOICE,
    (
        Option("channel", "Right there", "As a reply in the same channel"),
        Option("thread", "In a new thread", "Each new question opens a thread; there I need no mention"),
    ),
)
WHO = Spec(
    "allowed_roles",
    "Who may ask me",
    "Only people with one of these roles are answered; without any role chosen, everybody is. "
    "Whoever has Manage Server always is.",
    (SERVER, CHANNEL),
    Kind.ROLES,
)
PERSONA = Spec(
    "persona",
    "How I behave",
    "My manner, in your own words. It is added to my standing instructions.",
    (SERVER, CHANNEL, ROLE),
    Kind.TEXT,
    (
        Option("", "As I am", "Brief, kind and honest"),
        Option("Explain things step by step, as a patient teacher does.", "A patient teacher"),
        Option("Answer in one or two plain sentences, and only with facts.", "Short and dry"),
        Option("Be playful and cheerful, with a light joke now and then.", "Playful"),
    ),
    longest=LONGEST_PERSONA,
)
LANGUAGE = Spec(
    "language",
    "Language",
    "In which language I answer, whatever people write in.",
    (SERVER, CHANNEL, ROLE),
    Kind.TEXT,
    (
        Option("", "The one I am asked in"),
        *(
            Option(name, own)
            for name, own in (
                ("English", "English"), ("German", "Deutsch"), ("French", "Français"), ("Spanish", "Español"),
                ("Portuguese", "Português"), ("Italian", "Italiano"), ("Dutch", "Nederlands"), ("Polish", "Polski"),
                ("Swedish", "Svenska"), ("Turkish", "Türkçe"), ("Russian", "Русский"), ("Ukrainian", "Українська"),
                ("Arabic", "العربية"), ("Hindi", "हिन्दी"), ("Chinese", "中文"), ("Japanese", "日本語"),
                ("Korean", "한국어"),
            )
        ),
    ),
    longest=40,
)  # fmt: skip
MODEL = Spec(
    "model",
    "Language model",
    "Which of the models that my engine serves answers.",
    (SERVER, CHANNEL, ROLE),
    Kind.MODEL,
    (Option("", "The usual one", "What the owner of this machine chose"),),
    longest=200,
)
MAX_TOKENS = Spec(
    "max_tokens",
    "Longest answer",
    "In tokens: a token is about three quarters of an English word.",
    (SERVER, CHANNEL, ROLE),
    Kind.NUMBER,
    tuple(
        Option(count, label, f"{count:,} tokens")
        for count, label in ((128, "A few sentences"), (384, "A few paragraphs"), (1024, "A page"), (3072, "Pages"))
    ),
    16,
    32_768,
    "tokens",
)
CONTEXT_MESSAGES = Spec(
    "context_messages",
    "How far back I read",
    "The most messages of a conversation that I read before I answer.",
    (SERVER, CHANNEL, ROLE),
    Kind.NUMBER,
    tuple(Option(count, f"{count} messages") for count in (10, 50, 200, 1000)),
    1,
    5_000,
    "messages",
)
CONTEXT_TOKENS = Spec(
    "context_tokens",
    "How much I read at once",
    "In tokens, my instructions and the answer included. Less is faster and leaves more for others.",
    (SERVER, CHANNEL, ROLE),
    Kind.NUMBER,
    (
        Option(0, "All that the model can hold"),
        *(Option(count, f"{count:,} tokens") for count in (1_024, 2_048, 4_096, 8_192, 16_384)),
    ),
    256,
    1_000_000,
    "tokens",
)
REQUESTS_PER_DAY = Spec(
    "requests_per_day",
    "Requests a day",
    "How often each person may ask me in this server, from midnight to midnight (UTC).",
    (SERVER, ROLE),
    Kind.NUMBER,
    (Option(0, "No limit"), *(Option(count, f"{count} requests") for count in (10, 30, 100, 300))),
    1,
    100_000,
    "requests",
)
TOKENS_PER_DAY = Spec(
    "tokens_per_day",
    "Tokens a day",
    "How many tokens each person may use in this server, read and written together, from midnight to midnight (UTC).",
    (SERVER, ROLE),
    Kind.NUMBER,
    (Option(0, "No limit"), *(Option(count, f"{count:,} tokens") for count in (20_000, 100_000, 500_000))),
    100,
    1_000_000_000,
    "tokens",
)
ROLE_REQUESTS_PER_DAY = Spec(
    "role_requests_per_day",
    "Requests a day, all together",
    "How often all people with this role together may ask me, midnight to midnight (UTC), counted from now on. "
    "Of somebody's roles the highest one with such a limit counts.",
    (ROLE,),
    Kind.NUMBER,
    (Option(0, "No limit"), *(Option(count, f"{count:,} requests") for count in (100, 300, 1_000, 3_000))),
    1,
    1_000_000,
    "requests",
)
ROLE_TOKENS_PER_DAY = Spec(
    "role_tokens_per_day",
    "Tokens a day, all together",
    "How many tokens all people with this role together may use, midnight to midnight (UTC), counted from now on. "
    "Of somebody's roles the highest one with such a limit counts.",
    (ROLE,),
    Kind.NUMBER,
    (Option(0, "No limit"), *(Option(count, f"{count:,} tokens") for count in (100_000, 500_000, 2_000_000))),
    100,
    1_000_000_000,
    "tokens",
)
STORE = Spec(
    "store",
    "What I keep",
    "Which messages I store, so that I can remember. Everything said can be chosen channel by channel.",
    (SERVER, CHANNEL),
    Kind.CHOICE,
    (
        Option("addressed", "What is for me", "Messages to me, the replies they belong to, and my answers"),
        Option("everything", "Everything said", "For summaries and search; members are told", (CHANNEL,)),
        Option("nothing", "Nothing", "I still answer, and look up on Discord what was said before"),
    ),
)
RETENTION_DAYS = Spec(
    "retention_days",
    "How long I keep it",
    "What is older is deleted for good, within the hour. How much people used is kept as long as the server says.",
    (SERVER, CHANNEL),
    Kind.NUMBER,
    tuple(Option(count, f"{count} days") for count in (1, 7, 30, 90, 365)),
    1,
    3_650,
    "days",
)
FILTER_OWN_TEXT = Spec(
    "filter_own_text",
    "My own word filter",
    "Whether an answer of mine with slurs in it is taken back before anybody sees it.",
    (SERVER, CHANNEL),
    Kind.CHOICE,
    (Option(True, "On"), Option(False, "Off")),
)
FLAGS = Spec(
    "flags",
    "Flags under messages",
    "Somebody reacts with a flag such as 🇫🇷 and gets the message in that language. Once per message and language.",
    (SERVER, CHANNEL),
    Kind.CHOICE,
    (
        Option("off", "Nothing happens", "A flag is just a flag"),
        Option("reply", "I translate in a reply", "Everybody there reads it, and no other reaction repeats it"),
        Option("dm", "I translate in private", "Whoever reacts gets it as a private message"),
    ),
)
SENTIMENT = Spec(
    "sentiment",
    "How it sounds (/sentiment)",
    "Whether people may ask how a message sounds, or many people together, never one person over time. I only guess.",
    (SERVER, CHANNEL),
    Kind.CHOICE,
    (Option(False, "Off"), Option(True, "On")),
)
CLASSIFY = Spec(
    "classify",
    "Sorting texts (/classify)",
    "Whether people may have a text sorted into labels that they name. I only guess.",
    (SERVER, CHANNEL),
    Kind.CHOICE,
    (Option(False, "Off"), Option(True, "On")),
)

EVERYTHING: tuple[Spec, ...] = (
    ANSWER_WHEN, ANSWER_IN, WHO, PERSONA, LANGUAGE, MODEL, MAX_TOKENS, CONTEXT_MESSAGES, CONTEXT_TOKENS,
    REQUESTS_PER_DAY, TOKENS_PER_DAY, ROLE_REQUESTS_PER_DAY, ROLE_TOKENS_PER_DAY, STORE, RETENTION_DAYS,
    FILTER_OWN_TEXT, FLAGS, SENTIMENT, CLASSIFY,
)  # fmt: skip
BY_NAME = {spec.name: spec for spec in EVERYTHING}


def for_scope(scope: Scope) -> list[Spec]:
    """What can be chosen for a server, a channel or a role."""
    return [spec for spec in EVERYTHING if scope in spec.scopes]
