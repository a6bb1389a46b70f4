"""/help: what Steward can do, how to talk with it, and where the words go. Works everywhere, and needs no model."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.commands.answering import explained, in_messages, tell
from bot.commands.holding import KEPT
from bot.language import N_, _
from bot.settings.rulebook import Rulebook, where

TEXT = (
    N_("**I am Steward, this community's own assistant.**"),
    N_(
        "**Talk with me:** mention me{mention} in a channel, or reply to one of my messages. The replies are "
        "our conversation: answer any message of mine and I know what was said before. Several people can "
        "join in."
    ),
    N_(
        "**Under my answers:** *Stop* while I write; then *Regenerate*, *Continue* and, after a failure, "
        "*Retry*, for you and for moderators. Edit your question within two minutes and I answer it anew; "
        "delete it and I stop."
    ),
    N_("**Private messages:** {private}"),
    N_("**Your words:** {privacy} {kept}; what is edited or deleted on Discord is edited or deleted here too."),
    N_("I can be wrong. Check what matters."),
    N_("**Commands**"),
    N_("- `/ask` asks me something; only you see the answer, until you press *Post here*."),
    N_("- `/summarize` tells you what was said, with links. Only you see it; `/catchup` does it for what you missed."),
    N_("- `/entities` finds the names in what was said, with links; *Find names* in a message's menu marks them."),
    N_(
        "- `/translate` puts a text or the last messages into your language; in a message's menu *Apps*, "
        "*Translate* does it."
    ),
    N_("- `/sentiment` tells how messages sound, `/classify` sorts a text, where managers switched them on."),
    N_("- `/find` looks up what was said here, or what the server's documents say. Only you see it."),
    N_("- `/knowledge` lets whoever manages the server give me documents for that."),
    N_("- `/mirror` lets whoever manages the server have two channels in two languages mirrored into each other."),
    N_("- `/memory` lets me remember what you ask me to; “remember that …” does the same. Off until you say yes."),
    N_("- `/privacy` shows what I keep of you, hands it to you, deletes it, or leaves you out."),
    N_("- `/usage` tells what you used and what you may; moderators see the server's."),
    N_("- `/typing` lets you have my answers in one piece instead of while I write."),
    N_("- `/pause` lets a moderator silence me, here or in the whole server."),
    N_("- `/settings` lets whoever manages the server choose when and how I answer, for whom, and what I keep."),
    N_("- `/help` shows this."),
)
"""Line by line, as far as they are the same everywhere."""


def add_help(tree: app_commands.CommandTree[discord.Client], *, privacy: str, private: str, rulebook: Rulebook) -> None:
    """Hang /help on the tree: where words go (`privacy`), what is kept there, who may write in `private`."""

    @tree.command(name="help", description="What I can do, and how to talk with me")
    async def help_command(interaction: discord.Interaction) -> None:
        user = interaction.client.user
        mention = f" ({user.mention})" if user else ""
        async with explained(interaction):
            kept = KEPT[rulebook.at_once(where(interaction.guild, interaction.channel)).store]
            values = {"mention": mention, "private": _(private), "privacy": _(privacy), "kept": _(kept)}
            for part in in_messages(_(line, **values) for line in TEXT):
                await tell(interaction, part.shown)
