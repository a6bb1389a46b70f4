"""Attached text, code and PDF → its text, and pictures; fetched from Discord's CDN and from nowhere else.

What a message shows of a file is `said`'s; which bytes are text is `decoding`'s; what could be dangerous to open is
`unpacking`'s. It does not know storage.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping

import aiohttp
import discord
import structlog
from yarl import URL

from bot.conversation.decoding import decoded
from bot.conversation.rendering import neutralize
from bot.conversation.said import File
from bot.conversation.unpacking import LARGEST, Picture, Unpacking, Unreadable

log = structlog.get_logger()

TEXT_LIMIT = 256 * 1024
"""Bytes of the largest text file that is read: no model's context holds more."""
LONGEST_TEXT = 40_000
"""Characters of one file that are kept, about 10,000 tokens; what is left out is said."""
MOST_READ = 5
"""Files of one message that are read."""
FETCH_S = 10.0
REMEMBERED = 64
"""Files that are kept in memory, so that an edit of their message does not fetch them again."""
CDN = frozenset({"https://cdn.discordapp.com", "https://media.discordapp.net"})
TEXT_KINDS = ("text/", "application/json", "application/xml", "application/javascript", "application/toml")
_ENDINGS = (
    "adoc asm bat bash c cc cfg clj conf cpp cs css csv cxx diff dockerfile env erl ex fish go gradle graphql h hpp hs "
    "htm html ini ipynb java jl js json jsonl jsx kt kts less lisp log lua m makefile md ml mjs nim nix patch php pl "
    "po properties proto ps1 py r rb rs rst sass scala scss sh sql srt svelte svg swift tex tf toml ts tsv tsx txt vb "
    "vue xml yaml yml zig zsh"
)
TEXT_ENDINGS = frozenset(_ENDINGS.split())
PICTURE_ENDINGS = frozenset({"png", "jpg", "jpeg", "webp", "gif", "bmp"})
PICTURE_KINDS = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"})
_FAILURES = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)


class Attachments:
    """Reads attached files. Never raises for what Discord does not give: then the file has no text, and says why."""

    def __init__(
        self, unpacking: Unpacking | None = None, base: Callable[[], str] = lambda: discord.Asset.BASE
    ) -> None:
        self._unpacking = unpacking or Unpacking()
        self._base = base
        self._read: OrderedDict[int, File] = OrderedDict()
        self._of_whom: dict[int, tuple[int, int, int | None]] = {}

    async def of(self, message: discord.Message) -> Mapping[int, File]:
        """Those files of the message (and of what it forwards) that have text, by the ids of the attachments."""
        chosen = _chosen(message)
        guild_id = message.guild.id if message.guild else None
        self._of_whom |= {one.id: (message.id, message.author.id, guild_id) for one in chosen}
        files = await asyncio.gather(*map(self._file, chosen))
        return {one.id: file for one, file in zip(chosen, files, strict=True)}

    def forget(self, message_ids: Collection[int]) -> None:
        """These messages were deleted."""
        self._drop([key for key, (message_id, _, _) in self._of_whom.items() if message_id in message_ids])

    def forget_person(self, person_id: int, guild_id: int | None) -> None:
        """Nothing that this person attached is kept, in one server or (None) everywhere."""
        theirs = (
            key
            for key, (_, author, place) in self._of_whom.items()
            if author == person_id and guild_id in (None, place)
        )
        self._drop(list(theirs))

    def unread(self, message: discord.Message) -> list[str]:
        """What to tell the person about those files that `of` could not read, but for pictures."""
        told = []
        for one in message.attachments:
            known = self._read.get(one.id)
            if known is not None and known.trouble:
                told.append(f"I could not read {neutralize(one.filename)}: {known.trouble}")
            elif known is None and not is_picture(one):
                told.append(f"I cannot read {neutralize(one.filename)}")
        return told

    async def picture(self, one: discord.Attachment) -> Picture:
        """What a picture shows. Raises Unreadable."""
        return await self._unpacking.image(await self._bytes(one, LARGEST))

    async def document(self, one: discord.Attachment) -> str:
        """All text of a long file, which is not kept in memory. Raises Unreadable."""
        if is_pdf(one):
            return await self._unpacking.document(await self._bytes(one, LARGEST))
        text = decoded(await self._bytes(one, TEXT_LIMIT))
        if text is None:
            raise Unreadable("it is no text")
        return text

    async def _file(self, one: discord.Attachment) -> File:
        known = self._read.get(one.id)
        if known is None or known.trouble:
            text, trouble = "", ""
            try:
                text = await self._text(one)
            except Unreadable as error:
                trouble = str(error)
            known = File(one.filename, one.size, one.description or "", text, trouble)
            self._remember(one.id, known)
        return known

    async def _text(self, one: discord.Attachment) -> str:
        """The text. Raises Unreadable."""
        if is_pdf(one):
            return await self._unpacking.pdf(await self._bytes(one, LARGEST))
        text = decoded(await self._bytes(one, TEXT_LIMIT))
        if text is None:
            raise Unreadable("it is no text")
        return shortened(text)

    async def _bytes(self, one: discord.Attachment, most: int) -> bytes:
        """At most `most` bytes of the file, from Discord. Raises Unreadable."""
        if one.size > most:
            raise Unreadable("it is larger than {size}", size=_in_words(most))
        if not self._is_on_cdn(one.url):
            raise Unreadable("it does not lie on Discord's servers")
        try:
            async with asyncio.timeout(FETCH_S):
                return (await one.read())[:most]
        except _FAILURES as error:
            log.warning("attachment not read", attachment=one.id, error=repr(error))
            raise Unreadable("Discord did not give it") from None

    def _is_on_cdn(self, url: str) -> bool:
        """Whether it lies where Discord keeps files; the playground is the Discord of its own files."""
        try:
            return str(URL(url).origin()) in CDN | {str(URL(self._base()).origin())}
        except ValueError:
            return False

    def _remember(self, identity: int, file: File) -> None:
        self._read[identity] = file
        if len(self._read) > REMEMBERED:
            self._drop([next(iter(self._read))])

    def _drop(self, attachments: Collection[int]) -> None:
        for one in attachments:
            self._read.pop(one, None)
            self._of_whom.pop(one, None)


def is_text(one: discord.Attachment) -> bool:
    """Whether name or kind promise text; whether the bytes are is seen later."""
    kind = (one.content_type or "").lower()
    name = one.filename.lower()
    return kind.startswith(TEXT_KINDS) or name.rpartition(".")[2] in TEXT_ENDINGS


def is_pdf(one: discord.Attachment) -> bool:
    """Whether name or kind promise a PDF."""
    return (one.content_type or "").lower().startswith("application/pdf") or one.filename.lower().endswith(".pdf")


def is_picture(one: discord.Attachment) -> bool:
    """Whether name or kind promise a picture of a kind that can be opened."""
    kind = (one.content_type or "").lower().partition(";")[0]
    return kind in PICTURE_KINDS or (not kind and one.filename.lower().rpartition(".")[2] in PICTURE_ENDINGS)


def has_text(message: discord.Message) -> bool:
    """Whether the message has a file of which the text may be read."""
    return bool(_chosen(message))


def _chosen(message: discord.Message) -> list[discord.Attachment]:
    return [one for one in _all_of(message) if is_pdf(one) or is_text(one)][:MOST_READ]


def _in_words(size: int) -> str:
    return f"{size // 1024} KiB" if size < 2**20 else f"{size // 2**20} MiB"


def shortened(text: str) -> str:
    """What is kept of a file's text."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}\n… (the first {LONGEST_TEXT:,} of {len(text):,} characters)"


def _all_of(message: discord.Message) -> Iterable[discord.Attachment]:
    return [*message.attachments, *(one for snapshot in message.message_snapshots for one in snapshot.attachments)]
