/** The open channel's messages: order, grouping, days, scrolling, and what is read out. */

import { el, icon } from "../dom.js";
import { plainText } from "../markdown/render.js";
import { dateOf } from "../snowflake.js";
import { day, sameDay } from "../time.js";
import { MessageElement } from "./message.js";
import { Part } from "./part.js";
import { Toolbar } from "./toolbar.js";
import { channelStart } from "./channel-start.js";

const GROUP_MS = 7 * 60_000;
const NEAR_BOTTOM_PX = 60;
const LOAD_OLDER_PX = 300;
/** A streamed reply is read out once it was still for this long. */
const READ_OUT_MS = 1_500;

class MessageList extends Part {
  #shown = new Map();
  #stuck = true;
  #scheduled = false;
  #readTimers = new Map();

  mount() {
    this.className = "message-list";
    this.log = el("div", { class: "log", role: "log", "aria-live": "off", "aria-label": "Messages" });
    this.scroller = el("div", { class: "scroller", tabindex: "-1" }, this.log);
    this.newest = el("button", { type: "button", class: "to-newest", hidden: true, on: { click: () => this.#toBottom(true) } }, "Newest messages", icon("down"));
    this.reader = el("div", { class: "visually-hidden", "aria-live": "polite" });
    this.append(this.scroller, this.newest, this.reader);
    this.toolbar = new Toolbar(this.context);
    this.#listenToData();
    this.#listenToPeople();
    new ResizeObserver(() => this.#stuck && this.#toBottom()).observe(this.log);
    new ResizeObserver(() => this.#stuck && this.#toBottom()).observe(this.scroller);
    this.#channel();
  }

  #listenToData() {
    this.listen(this.store, "messages", ({ detail }) => detail.channelId === this.view.channelId && this.#schedule());
    this.listen(this.store, "guild", () => this.#schedule());
    this.listen(this.view, "sent", () => this.#follow());
    this.listen(this.session.interactions, "presses", () => this.#schedule());
    this.listen(this.view, "channel", () => this.#channel());
    this.listen(this.view, "jump", ({ detail }) => this.#jump(detail.messageId));
    this.listen(this.store, "messages", ({ detail }) => this.#readLater(detail.channelId));
  }

  #listenToPeople() {
    const messageOf = ({ target }) => target.closest?.("steward-message");
    this.listen(this.scroller, "scroll", () => this.#scrolled());
    this.listen(this.log, "pointerover focusin", (event) => messageOf(event) && event.pointerType !== "touch" && this.toolbar.show(messageOf(event)));
    this.listen(this.log, "pointerleave", ({ pointerType }) => pointerType !== "touch" && !this.log.contains(document.activeElement) && this.toolbar.show(null));
    this.listen(document, "focusin pointerdown", ({ target }) => target.closest("steward-messages, .board") || this.toolbar.show(null));
    this.listen(this.log, "click", (event) => messageOf(event) && this.toolbar.show(messageOf(event)));
    this.listen(this.log, "keydown", (event) => this.#keys(event));
  }

  #channel() {
    this.#shown.clear();
    this.log.replaceChildren();
    this.toolbar.show(null);
    this.#stuck = true;
    this.#render();
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      if (this.isConnected) this.#render();
    });
  }

  #render() {
    const timeline = this.store.timeline(this.view.channelId);
    const fromBottom = this.scroller.scrollHeight - this.scroller.scrollTop;
    const first = this.log.querySelector("steward-message")?.id;
    const elements = this.#elements(timeline);
    this.#place(elements);
    const grewAbove = first && first !== this.log.querySelector("steward-message")?.id;
    if (this.#stuck) this.#toBottom();
    else if (grewAbove) this.scroller.scrollTop = this.scroller.scrollHeight - fromBottom;
    this.log.setAttribute("aria-busy", String(!timeline.loaded));
    this.#rove();
  }

  /** The elements that the channel shows now, in order; known messages keep theirs. */
  #elements(timeline) {
    const elements = timeline.loaded && timeline.complete ? [this.#keep("start", () => channelStart(this.context))] : [];
    let previous = null;
    for (const message of timeline.all()) {
      const date = dateOf(message.id);
      const newDay = !previous || !sameDay(dateOf(previous.id), date);
      if (newDay) elements.push(this.#keep(`day ${date.toDateString()}`, () => el("div", { class: "day", role: "separator", "aria-label": day(date) }, el("span", { text: day(date) }))));
      const element = this.#keep(message.id, () => new MessageElement().with(this.context));
      element.show(message, !newDay && follows(previous, message));
      elements.push(element);
      previous = message;
    }
    const wanted = new Set(elements);
    this.#shown.forEach((element, key) => wanted.has(element) || this.#shown.delete(key));
    return elements;
  }

  #keep(key, build) {
    if (!this.#shown.has(key)) this.#shown.set(key, build());
    return this.#shown.get(key);
  }

  /** Move as little as possible: focus and selection live in these elements. */
  #place(elements) {
    const wanted = new Set(elements);
    [...this.log.children].forEach((child) => wanted.has(child) || child.remove());
    elements.forEach((element, index) => {
      if (this.log.children[index] !== element) this.log.insertBefore(element, this.log.children[index] ?? null);
    });
  }

  /** Who writes wants to see what comes of it. */
  #follow() {
    this.#stuck = true;
    this.#toBottom();
  }

  #toBottom(smooth = false) {
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.#stuck = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM_PX;
    this.newest.hidden = this.#stuck;
    if (scrollTop < LOAD_OLDER_PX && scrollHeight > clientHeight) this.view.attempt(this.session.loadOlder(this.view.channelId));
  }

  /** Show one message; older pages are fetched until it is there. */
  async #jump(messageId) {
    const { channelId } = this.view;
    const timeline = this.store.timeline(channelId);
    while (!timeline.get(messageId) && !timeline.complete) {
      if (!(await this.view.attempt(this.session.loadOlder(channelId)))) return;
    }
    if (channelId !== this.view.channelId) return;
    this.#render();
    const element = this.#shown.get(messageId);
    if (!element) {
      this.view.toast("That message is not here any more.");
      return;
    }
    this.#stuck = false;
    element.scrollIntoView({ block: "center" });
    element.classList.remove("flash");
    requestAnimationFrame(() => element.classList.add("flash"));
    element.focus({ preventScroll: true });
  }

  /** One message takes part in the Tab order; arrows move between them. */
  #rove() {
    const messages = [...this.log.querySelectorAll("steward-message")];
    const current = messages.find((element) => element === document.activeElement) ?? messages.at(-1);
    messages.forEach((element) => (element.tabIndex = element === current ? 0 : -1));
  }

  #keys(event) {
    const message = event.target.closest("steward-message");
    if (event.key === "Escape") this.toolbar.show(null);
    if (event.target !== message || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const messages = [...this.log.querySelectorAll("steward-message")];
    const next = messages[messages.indexOf(message) + (event.key === "ArrowUp" ? -1 : 1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
    this.#rove();
  }

  /** The newest message of somebody else is read out once it stopped changing. */
  #readLater(channelId) {
    const timeline = this.store.timeline(channelId);
    const message = timeline.items.at(-1);
    if (channelId !== this.view.channelId || !timeline.loaded || !message || message.author.id === this.session.person.id) return;
    if (this.lastRead === undefined) this.lastRead = message.id + (message.content ?? "");
    clearTimeout(this.#readTimers.get(channelId));
    this.#readTimers.set(channelId, setTimeout(() => this.#read(channelId, message.id), READ_OUT_MS));
  }

  #read(channelId, id) {
    const message = this.store.timeline(channelId).get(id);
    if (!message?.content || !this.isConnected || this.lastRead === message.id + message.content) return;
    this.lastRead = message.id + message.content;
    this.reader.replaceChildren(el("p", { text: `${this.store.nameOf(message.author.id)}: ${plainText(message.content, this.view.names)}` }));
  }
}

/** Whether a message continues the one before it, so that name and picture need not be repeated. */
function follows(previous, message) {
  if (previous.author?.id !== message.author?.id || previous.author?.username !== message.author?.username) return false;
  const opens = message.referenced_message || message.type === 19 || message.interaction_metadata || message.interaction || message.local?.command;
  const close = dateOf(message.id) - dateOf(previous.id) < GROUP_MS;
  return !opens && close && Boolean((previous.flags ?? 0) & 64) === Boolean((message.flags ?? 0) & 64);
}

customElements.define("steward-messages", MessageList);
