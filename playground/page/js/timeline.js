/** The messages of one channel, in order. Knows neither the network nor the page. */

import { compareIds } from "./snowflake.js";

const EPHEMERAL = 1 << 6;

/** Whether only the person who asked sees a message. */
export const isEphemeral = (message) => Boolean((message.flags ?? 0) & EPHEMERAL);

const isFailedCommand = ({ local }) => local.kind === "command" && local.state === "failed";

export class Timeline {
  constructor() {
    /** @type {object[]} what the server knows, oldest first */
    this.items = [];
    /** @type {object[]} what is on its way, in the order of sending; always shown last */
    this.local = [];
    this.loaded = false;
    /** Whether the first message of the channel is here. */
    this.complete = false;
  }

  /** Everything in order: what is on its way comes last, a command that failed stays where it was given. */
  all() {
    const failed = this.local.filter(isFailedCommand);
    const waiting = this.local.filter((item) => !isFailedCommand(item));
    const settled = failed.length ? [...this.items, ...failed].sort((a, b) => compareIds(a.id, b.id)) : this.items;
    return [...settled, ...waiting];
  }

  get(id) {
    return this.items.find((item) => item.id === id) ?? null;
  }

  /** Add or change one message; a partial one changes only what it names. */
  upsert(message) {
    if (message.nonce) this.dropLocal(String(message.nonce));
    const index = this.items.findIndex((item) => item.id === message.id);
    if (index >= 0) {
      this.items[index] = { ...this.items[index], ...message };
      return;
    }
    if (!message.author) return;
    const place = this.items.findLastIndex((item) => compareIds(item.id, message.id) < 0);
    this.items.splice(place + 1, 0, message);
  }

  update(id, change) {
    const index = this.items.findIndex((item) => item.id === id);
    if (index >= 0) this.items[index] = { ...this.items[index], ...change(this.items[index]) };
  }

  remove(ids) {
    const gone = new Set(ids);
    this.items = this.items.filter((item) => !gone.has(item.id));
  }

  /**
   * The newest page from the server replaces what was here. Private answers exist only here and stay, and so does
   * what arrived while the page was on its way.
   */
  replace(messages, complete) {
    const newest = messages.map(({ id }) => id).sort(compareIds).at(-1) ?? "0";
    const kept = this.items.filter((item) => isEphemeral(item) || compareIds(item.id, newest) > 0);
    this.items = [];
    [...messages, ...kept].forEach((message) => this.upsert({ ...message, nonce: undefined }));
    this.loaded = true;
    this.complete = complete;
  }

  prepend(messages, complete) {
    messages.forEach((message) => this.upsert({ ...message, nonce: undefined }));
    this.complete = complete;
  }

  putLocal(message) {
    const index = this.local.findIndex(({ id }) => id === message.id);
    if (index >= 0) this.local[index] = { ...this.local[index], ...message };
    else this.local.push(message);
  }

  dropLocal(nonce) {
    this.local = this.local.filter(({ id }) => id !== nonce);
  }

  /** The server's oldest message here, private answers apart. */
  oldest() {
    return this.items.find((item) => !isEphemeral(item)) ?? null;
  }
}
