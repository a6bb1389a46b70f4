/** One message, in whatever state it is: sent, on its way, streamed, private, refused. */

import { el, icon } from "../dom.js";
import { patchMarkdown, plainText } from "../markdown/render.js";
import { dateOf } from "../snowflake.js";
import { clock, friendly, full } from "../time.js";
import { isEphemeral } from "../timeline.js";
import { attachment, embed, sticker } from "./embed.js";
import { avatar } from "./avatar.js";
import { controls } from "./controls.js";
import { forwarded } from "./forwarded.js";
import { poll, pollResult } from "./poll.js";

const LOADING = 1 << 7;
const REPLY = 19;
const CONTEXT_MENU_COMMAND = 23;
const POLL_RESULT = 46;
const THREAD_STARTER = 21;
const SYSTEM = { 1: "added somebody", 6: "pinned a message to this channel.", 7: "joined the server. Welcome!", 18: "started a thread:" };

export class MessageElement extends HTMLElement {
  #parts = {};
  #keys = {};

  /** @param {{session: object, view: object}} context */
  with(context) {
    this.context = context;
    this.className = "message";
    this.setAttribute("role", "article");
    this.tabIndex = -1;
    for (const name of ["quote", "side", "head", "body", "extras", "reactions", "note"]) this.#parts[name] = el("div", { class: `message-${name}` });
    this.#parts.body.classList.add("markdown");
    this.append(...Object.values(this.#parts));
    return this;
  }

  /** Show the newest state; parts that did not change keep their elements. */
  show(stored, grouped) {
    const { session } = this.context;
    const message = starter(stored);
    this.message = message;
    this.id = `message-${message.id}`;
    this.classList.toggle("grouped", grouped);
    this.classList.toggle("mentioned", session.store.mentionsMe(message) && message.author?.id !== session.person.id);
    this.classList.toggle("ephemeral", isEphemeral(message));
    this.classList.toggle("sending", message.local?.state === "sending" && message.local.kind === "message");
    this.classList.toggle("failed", message.local?.state === "failed");
    this.#patch("quote", [message.referenced_message, message.interaction_metadata, message.interaction, message.local?.command], () => this.#quote());
    this.#patch("side", [grouped, message.author, this.#name()], () => this.#side(grouped));
    this.#patch("head", [grouped, message.author, this.#name(), isEphemeral(message)], () => (grouped ? [] : this.#head()));
    this.#body();
    this.#patch("extras", [message.embeds, message.attachments, message.components, message.thread, message.poll, message.sticker_items, message.message_snapshots, session.interactions.presses.get(message.id)], () => this.#extras());
    this.#patch("reactions", [message.reactions], () => this.#reactions());
    this.#patch("note", [isEphemeral(message), message.local], () => this.#note());
  }

  #patch(name, facts, build) {
    const key = JSON.stringify(facts);
    if (this.#keys[name] === key) return;
    this.#keys[name] = key;
    this.#parts[name].replaceChildren(...build().filter(Boolean));
  }

  #name() {
    const { author, webhook_id: webhookId } = this.message;
    if (webhookId && webhookId === author?.id) return author.username;
    return this.context.session.store.nameOf(author?.id) ?? author?.username ?? "Somebody";
  }

  #quote() {
    const { message } = this;
    if (message.type === REPLY) return [this.#replyLine(message.referenced_message)];
    const name = message.local?.command ?? message.interaction?.name ?? message.interaction_metadata?.name;
    const sigil = message.type === CONTEXT_MENU_COMMAND || message.local?.menu ? "" : "/";
    const user = message.local?.command ? this.context.session.person : (message.interaction_metadata?.user ?? message.interaction?.user);
    return name && user ? [this.#commandLine(user, sigil + name)] : [];
  }

  #replyLine(target) {
    const { session, view } = this.context;
    if (!target) return el("span", { class: "quoted muted", text: "The original message was deleted or is private" });
    const name = session.store.nameOf(target.author.id) ?? target.author.username;
    const pinged = (this.message.mentions ?? []).some(({ id }) => id === target.author.id);
    const text = plainText(target.content ?? "", view.names).slice(0, 200) || "Click to see the message";
    const jump = () => view.open(this.message.channel_id, target.id);
    return el("button", { type: "button", class: "quoted", on: { click: jump } }, el("span", { class: "visually-hidden", text: "Reply to " }), avatar(target.author, name, 16), el("strong", { text: pinged ? `@${name}` : name }), el("span", { text }));
  }

  #commandLine(user, command) {
    const name = this.context.session.store.nameOf(user.id) ?? user.username ?? user.name;
    return el("span", { class: "quoted" }, avatar(user, name, 16), el("strong", { text: name }), el("span", {}, "used ", el("span", { class: "mention", text: command })));
  }

  #side(grouped) {
    const date = dateOf(this.message.id);
    if (grouped) return [el("time", { class: "side-time", datetime: date.toISOString(), title: full(date), text: clock(date) })];
    const { author, webhook_id: webhookId, interaction_metadata: answers } = this.message;
    return [avatar(webhookId && !answers ? { ...author, bot: false } : author, this.#name())];
  }

  #head() {
    const date = dateOf(this.message.id);
    const tag = this.message.author?.bot ? el("span", { class: "tag", title: "An application, not a person", text: "APP" }) : null;
    return [el("strong", { class: "author", text: this.#name() }), tag, el("time", { datetime: date.toISOString(), title: full(date), text: friendly(date) })];
  }

  #body() {
    const { message } = this;
    const { body } = this.#parts;
    const state = this.#stateText();
    body.classList.toggle("state", state !== null);
    if (state !== null) {
      body.replaceChildren(...state);
      return;
    }
    if (body.querySelector(":scope > .thinking, :scope > .system")) body.replaceChildren();
    const text = message.content ?? "";
    const edited = message.edited_timestamp && text ? message.edited_timestamp : null;
    body.querySelector(":scope > .edited, :scope > * > .edited")?.remove();
    if (text) patchMarkdown(body, text, this.context.view.names);
    else body.replaceChildren();
    if (edited) this.#markEdited(body, edited);
  }

  /** "(edited)" follows the last word when the text ends with a line of words. */
  #markEdited(body, when) {
    const mark = el("span", { class: "edited", title: full(new Date(when)), text: "(edited)" });
    const last = body.lastElementChild;
    (last?.matches("p, small") ? last : body).append(mark);
  }

  /** What stands in place of a text: thinking, sending a command, a system message. */
  #stateText() {
    const { message } = this;
    if (message.local?.kind === "command") {
      return message.local.state === "sending" ? [dots("Sending command…")] : [el("span", { class: "thinking failed-text", text: message.local.error })];
    }
    if ((message.flags ?? 0) & LOADING) return [dots(`${this.#name()} is thinking…`)];
    if (message.type === POLL_RESULT) return [el("span", { class: "system muted", text: `${this.#name()}${pollResult(message)}` })];
    if (SYSTEM[message.type]) return [el("span", { class: "system muted", text: `${this.#name()} ${SYSTEM[message.type]} ${message.content ?? ""}` })];
    return null;
  }

  #extras() {
    const { message } = this;
    const { session, view } = this.context;
    const pressed = session.interactions.presses.get(message.id) ?? null;
    const press = (component, values) => session.interactions.press(message, component, values);
    const context = { press, pressed, busy: Boolean(pressed && !pressed.error), store: session.store, names: view.names };
    const embeds = message.type === POLL_RESULT ? [] : (message.embeds ?? []);
    return [
      ...forwarded(message, view),
      message.poll && poll(message.poll, (answers) => view.attempt(session.vote(message, answers))),
      ...(message.sticker_items ?? []).map(sticker),
      ...embeds.map((data) => embed(data, view.names)),
      ...(message.attachments ?? []).map(attachment),
      ...controls(message.components ?? [], context),
      pressed?.error && el("div", { class: "press-error", role: "alert", text: pressed.error }),
      message.thread && this.#threadLink(message.thread),
    ];
  }

  #threadLink(thread) {
    const open = () => this.context.view.open(thread.id);
    return el("button", { type: "button", class: "thread-link", on: { click: open } }, icon("thread"), el("strong", { text: thread.name }), el("span", { text: "Open thread ›" }));
  }

  #reactions() {
    const { session, view } = this.context;
    return (this.message.reactions ?? []).map(({ emoji, count, me }) => {
      const toggle = () => view.attempt(session.toggleReaction(this.message, emoji));
      const text = emoji.id ? `:${emoji.name}:` : emoji.name;
      const label = `${text}, ${count} ${count === 1 ? "reaction" : "reactions"}${me ? ", yours too" : ""}`;
      return el("button", { type: "button", class: "reaction", "aria-pressed": me ? "true" : "false", "aria-label": label, on: { click: toggle } }, el("span", { text }), el("span", { text: count }));
    });
  }

  #note() {
    const { message } = this;
    const { session } = this.context;
    const dismiss = (label) => el("button", { type: "button", class: "text-button", text: label, on: { click: () => session.dismiss(this.message) } });
    if (isEphemeral(message)) return [el("span", {}, "Only you can see this · "), dismiss("Dismiss message")];
    if (message.local?.state !== "failed") return [];
    if (message.local.kind === "command") return [el("span", {}, "Only you can see this · "), dismiss("Dismiss message")];
    const retry = el("button", { type: "button", class: "text-button", text: "Try again", on: { click: () => this.message.local.retry() } });
    return [el("span", { role: "alert", text: `Not sent: ${message.local.error} ` }), retry, " · ", dismiss("Discard")];
  }
}

/** The first line of a thread stands for the message that the thread began with. */
function starter(message) {
  if (message.type !== THREAD_STARTER || !message.referenced_message) return message;
  const { author, content, embeds, attachments } = message.referenced_message;
  return { ...message, author, content, embeds, attachments, type: 0, referenced_message: null, borrowed: true };
}

function dots(text) {
  return el("span", { class: "thinking" }, el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")), text);
}

customElements.define("steward-message", MessageElement);
