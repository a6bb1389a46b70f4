/** Where people write: text, replies, edits, mentions, slash commands. */

import { matchEntries, typedEntry } from "../commands.js";
import { el, icon, iconButton } from "../dom.js";
import { keepDraft, readDraft } from "../drafts.js";
import { named } from "../language.js";
import { decodeMentions, mentionQuery } from "../mentions.js";
import { isThread } from "../store.js";
import { isEphemeral } from "../timeline.js";
import { avatar } from "./avatar.js";
import { CommandForm } from "./command-form.js";
import { pickEmoji } from "./emoji-picker.js";
import { Outbox } from "./outbox.js";
import { Part } from "./part.js";
import { plusMenu } from "./plus-menu.js";
import { Suggestions } from "./suggestions.js";

const LONGEST = 2000;
const WARN_AT = 1800;
const MOST_SUGGESTIONS = 10;

class Composer extends Part {
  #command = null;
  #entries = [];

  mount() {
    this.className = "composer";
    this.suggestions = new Suggestions((value) => this.#chosen(value));
    this.bar = el("div", { class: "compose-bar", hidden: true });
    this.text = el("textarea", { rows: 1, "aria-label": "Message", "aria-autocomplete": "list", "aria-controls": "suggestions", autocomplete: "off", enterkeyhint: "send" });
    this.field = el("div", { class: "compose-slot" }, this.text);
    this.count = el("span", { class: "compose-count", "aria-live": "polite" });
    this.leave = iconButton("close", "Leave the command", () => this.#leaveCommand(true));
    this.leave.hidden = true;
    this.outbox = new Outbox((reason) => this.view.toast(reason));
    this.plus = iconButton("plus", "Add files, a sticker or a poll", ({ currentTarget }) => plusMenu(currentTarget, { outbox: this.outbox, session: this.session, view: this.view, send: (fields) => this.#post(fields) }));
    this.emoji = iconButton("smile", "Emoji", ({ currentTarget }) => pickEmoji(currentTarget, (one) => this.#insert(one)));
    const send = el("button", { type: "submit", class: "icon-button send", "aria-label": "Send", title: "Send" }, icon("send"));
    this.form = el("form", { class: "compose-box", novalidate: false }, this.plus, this.field, this.count, this.leave, this.emoji, send);
    this.append(this.suggestions.element, this.bar, this.outbox.element, this.form, this.outbox.input);
    this.#listen();
    this.#channel();
  }

  #listen() {
    this.listen(this.form, "submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.listen(this.text, "keydown", (event) => this.#keys(event));
    this.listen(this.text, "input", () => this.#typed());
    this.listen(this.text, "paste", (event) => this.#takeFiles(event, event.clipboardData));
    this.listen(document, "dragover", (event) => event.preventDefault());
    this.listen(document, "drop", (event) => this.#takeFiles(event, event.dataTransfer));
    this.listen(this.text, "click", () => this.#suggest());
    this.listen(this.text, "blur", () => this.suggestions.close());
    this.listen(this.view, "channel", () => this.#channel());
    this.listen(this.view, "compose", () => this.#mode());
    this.listen(this.view, "fill", ({ detail }) => this.#fill(detail.text));
    this.listen(this.store, "guild", () => this.#placeholder());
  }

  #channel() {
    this.#leaveCommand();
    this.#mode();
    this.#set(readDraft(this.session.person.id, this.view.channelId));
    this.#placeholder();
    if (matchMedia("(hover: hover)").matches) this.text.focus({ preventScroll: true });
  }

  #takeFiles(event, { files }) {
    if (!files.length || this.view.editing || this.#command) return;
    event.preventDefault();
    this.outbox.add(files);
  }

  async #post(fields) {
    this.view.sent();
    await this.view.attempt(this.session.post(this.view.channelId, fields));
  }

  #placeholder() {
    const { channel } = this.view;
    const name = channel ? this.store.channelName(channel) : "";
    this.text.placeholder = `Message ${channel && (this.view.isDm || isThread(channel)) ? name : `#${name}`}`;
  }

  #set(text) {
    this.text.value = text;
    this.#fit();
  }

  /** Grow with the text; the styles cap it. */
  #fit() {
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
    const left = LONGEST - this.text.value.length;
    this.count.textContent = this.text.value.length > WARN_AT ? String(left) : "";
    this.count.classList.toggle("over", left < 0);
  }

  #insert(text) {
    this.text.setRangeText(text, this.text.selectionStart, this.text.selectionEnd, "end");
    this.text.focus();
    this.#typed();
  }

  async #fill(text) {
    this.#leaveCommand();
    this.#set(text);
    this.text.focus();
    await this.#suggest();
    if (text.startsWith("/") && this.suggestions.open) this.suggestions.choose(0);
    else this.suggestions.close();
  }

  #typed() {
    this.#fit();
    if (!this.view.editing) keepDraft(this.session.person.id, this.view.channelId, this.text.value);
    if (this.text.value && !this.text.value.startsWith("/")) this.session.type(this.view.channelId);
    this.#suggest();
  }

  #keys(event) {
    if (this.suggestions.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape" && (this.view.editing || this.view.replyTo)) {
      this.view.settle();
    } else if (event.key === "ArrowUp" && this.text.value === "" && !this.view.replyTo) {
      this.#editLast(event);
    }
  }

  #editLast(event) {
    const mine = this.store.timeline(this.view.channelId).items.filter((item) => item.author.id === this.session.person.id && !isEphemeral(item));
    if (!mine.length) return;
    event.preventDefault();
    this.view.edit(mine.at(-1));
  }

  /** What the caret stands behind decides which list is open. */
  async #suggest() {
    const { value, selectionStart: caret } = this.text;
    if (value.startsWith("/") && !this.view.editing) await this.#suggestCommands(value);
    else this.#suggestMentions(mentionQuery(value, caret));
    const active = this.suggestions.activeId;
    if (active) this.text.setAttribute("aria-activedescendant", active);
    else this.text.removeAttribute("aria-activedescendant");
  }

  async #suggestCommands(value) {
    if (!(await this.view.attempt(this.#loadCommands()))) return;
    if (this.text.value !== value) return;
    const typed = typedEntry(this.#entries, value);
    if (typed?.rest) {
      this.#enterCommand(typed.entry, typed.rest);
      return;
    }
    const rows = matchEntries(this.#entries, value.slice(1)).slice(0, 25).map((entry) => ({
      title: `/${entry.name}`,
      extra: entry.options.map((option) => (option.required ? named(option, this.session.locale) : `[${named(option, this.session.locale)}]`)).join(" "),
      note: entry.description,
      picture: avatar({ bot: true }, this.session.bot.name, 24),
      value: { entry },
    }));
    this.suggestions.show(`Commands of ${this.session.bot.name}`, rows);
  }

  async #loadCommands() {
    this.#entries = await this.session.commands(this.view.channelId);
  }

  #suggestMentions(query) {
    const typed = query?.query.toLowerCase();
    const fits = query ? this.session.mentionables().filter(({ sigil, name }) => sigil === query.sigil && name.toLowerCase().startsWith(typed)) : [];
    const rows = fits.slice(0, MOST_SUGGESTIONS).map(({ sigil, name, id }) => ({
      title: sigil === "@" ? name : `#${name}`,
      extra: this.store.users.get(id)?.bot ? "APP" : "",
      picture: sigil === "@" ? avatar(this.store.users.get(id), name, 24) : icon("hash"),
      value: { mention: `${sigil}${name} `, start: query.start },
    }));
    this.suggestions.show(query?.sigil === "#" ? "Channels" : "People", rows);
  }

  #chosen({ entry, mention, start }) {
    if (entry) {
      this.#enterCommand(entry, "");
      return;
    }
    this.text.setRangeText(mention, start, this.text.selectionStart, "end");
    this.text.focus();
    this.#typed();
  }

  #enterCommand(entry, rest) {
    this.suggestions.close();
    this.#set("");
    keepDraft(this.session.person.id, this.view.channelId, "");
    this.#command = new CommandForm(entry, this.session, this.view.channelId, () => this.#leaveCommand(true));
    this.field.replaceChildren(this.#command.element);
    this.#showCommandButtons(true);
    this.#command.begin(rest);
  }

  #showCommandButtons(inCommand) {
    this.leave.hidden = !inCommand;
    this.emoji.hidden = this.plus.hidden = inCommand;
  }

  #leaveCommand(focus = false) {
    if (!this.#command) return;
    this.#command = null;
    this.field.replaceChildren(this.text);
    this.#showCommandButtons(false);
    if (focus) this.text.focus();
  }

  /** The line that says what is answered or edited. */
  #mode() {
    const { editing, replyTo, ping } = this.view;
    if (editing && this.text.dataset.editing !== editing.id) this.#beginEdit(editing);
    if (!editing && this.text.dataset.editing) this.#endEdit();
    const cancel = iconButton("close", editing ? "Stop editing" : "Do not reply", () => this.view.settle());
    const label = editing ? ["Editing a message"] : ["Replying to ", el("strong", { text: replyTo ? this.store.nameOf(replyTo.author.id) : "" })];
    const toggle = replyTo && replyTo.author.id !== this.session.person.id && el("button", { type: "button", class: "ping", "aria-pressed": String(ping), title: "Whether the reply notifies its author", on: { click: () => this.view.setPing(!ping) }, text: ping ? "@ on" : "@ off" });
    this.bar.hidden = !editing && !replyTo;
    this.bar.replaceChildren(el("span", {}, ...label), ...[toggle, cancel].filter(Boolean));
    if (!this.bar.hidden) this.text.focus();
  }

  #beginEdit(message) {
    this.#leaveCommand();
    this.text.dataset.editing = message.id;
    this.#set(decodeMentions(message.content, this.session.mentionables()));
    this.text.setSelectionRange(this.text.value.length, this.text.value.length);
  }

  #endEdit() {
    delete this.text.dataset.editing;
    this.#set(readDraft(this.session.person.id, this.view.channelId));
  }

  async #submit() {
    if (this.#command) await this.#runCommand();
    else if (this.view.editing) await this.#saveEdit();
    else if (!(await this.#entersTypedCommand())) this.#send();
  }

  /** A command that was typed faster than the list of commands came is not a message. */
  async #entersTypedCommand() {
    const { value } = this.text;
    if (!value.startsWith("/") || !(await this.view.attempt(this.#loadCommands())) || this.text.value !== value) return false;
    const typed = typedEntry(this.#entries, value.trim());
    if (typed) this.#enterCommand(typed.entry, typed.rest);
    return Boolean(typed);
  }

  #send() {
    const text = this.text.value.trim();
    if (!text && !this.outbox.size) return;
    if (text.length > LONGEST) {
      this.view.toast(`A message has at most ${LONGEST} characters; this one has ${text.length}.`);
      return;
    }
    const { channelId, replyTo, ping } = this.view;
    this.#set("");
    keepDraft(this.session.person.id, channelId, "");
    this.view.settle();
    this.view.sent();
    this.session.send(channelId, text, { replyTo, ping, files: this.outbox.take() });
  }

  async #saveEdit() {
    const message = this.view.editing;
    const text = this.text.value.trim();
    if (!text) {
      this.view.toast("A message cannot be empty. To delete it, use the bin in its toolbar.");
      return;
    }
    if (await this.view.attempt(this.session.edit(message, text))) this.view.settle();
  }

  async #runCommand() {
    const { entry } = this.#command;
    const { values, files } = this.#command.filled();
    if (!this.form.reportValidity()) return;
    this.#leaveCommand(true);
    this.view.sent();
    await this.session.interactions.runCommand(this.view.channelId, entry, values, files);
  }
}

customElements.define("steward-composer", Composer);
