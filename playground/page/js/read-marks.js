/** How far a person has read each channel, remembered by this browser. */

import { compareIds } from "./snowflake.js";

export class ReadMarks {
  #key;
  #marks;

  /** @param {string} personId @param {Storage} storage */
  constructor(personId, storage) {
    this.storage = storage;
    this.#key = `steward.read.${personId}`;
    this.#marks = JSON.parse(storage.getItem(this.#key) ?? "{}");
  }

  /** Whether a channel's last message came after what was read there. */
  isNew(channelId, lastMessageId) {
    return Boolean(lastMessageId) && compareIds(lastMessageId, this.#marks[channelId] ?? "0") > 0;
  }

  read(channelId, messageId) {
    if (!messageId || !this.isNew(channelId, messageId)) return;
    this.#marks[channelId] = messageId;
    this.storage.setItem(this.#key, JSON.stringify(this.#marks));
  }
}
