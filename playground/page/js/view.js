/**
 * What is looked at: the open channel, the message being answered or edited, drawers, passing notices.
 * One per shown session. Topics: "channel", "compose", "drawer", "toast" {text}, "jump" {messageId}, "fill" {text}, "sent".
 */

import { CHANNEL } from "./store.js";

export class View extends EventTarget {
  constructor(session) {
    super();
    this.session = session;
    this.channelId = null;
    this.replyTo = null;
    this.ping = true;
    this.editing = null;
    this.drawer = null;
    this.names = this.#makeNames();
  }

  #announce(topic, detail = {}) {
    this.dispatchEvent(new CustomEvent(topic, { detail }));
  }

  /** How ids in Markdown are called. */
  #makeNames() {
    const { store, person } = this.session;
    const channel = (id) => store.channels.get(id);
    return {
      me: person.id,
      user: (id) => (store.nameOf(id) === null ? null : { name: store.nameOf(id) }),
      role: (id) => store.roles.get(id) ?? null,
      channel: (id) => (channel(id) ? { name: store.channelName(channel(id)) } : null),
      jump: (target) => this.open(target.channelId, target.messageId),
    };
  }

  get channel() {
    return this.session.store.channels.get(this.channelId) ?? null;
  }

  get isDm() {
    return this.channel?.type === CHANNEL.dm;
  }

  /** Show a channel, and a message in it when one is named. */
  async open(channelId, messageId = null) {
    const { store } = this.session;
    if (!store.channels.has(channelId)) return;
    if (channelId !== this.channelId) {
      this.channelId = channelId;
      this.replyTo = null;
      this.editing = null;
      store.viewing = channelId;
      this.#announce("channel");
    }
    store.markRead(channelId);
    this.show(null);
    if (await this.attempt(this.session.load(channelId))) store.markRead(channelId);
    if (messageId) this.#announce("jump", { messageId });
  }

  reply(message) {
    this.replyTo = message;
    this.editing = null;
    this.ping = true;
    this.#announce("compose");
  }

  setPing(ping) {
    this.ping = ping;
    this.#announce("compose");
  }

  edit(message) {
    this.editing = message;
    this.replyTo = null;
    this.#announce("compose");
  }

  /** Neither reply nor edit. */
  settle() {
    this.replyTo = null;
    this.editing = null;
    this.#announce("compose");
  }

  /** Put an example into the composer. */
  fill(text) {
    this.#announce("fill", { text });
  }

  /** Somebody wrote, or used a command. */
  sent() {
    this.#announce("sent");
  }

  /** @param {"channels"|"members"|null} drawer */
  show(drawer) {
    this.drawer = drawer;
    this.#announce("drawer");
  }

  toast(text) {
    this.#announce("toast", { text });
  }

  /** Await something; when it fails, say why. @returns {Promise<boolean>} */
  async attempt(promise) {
    try {
      await promise;
      return true;
    } catch (error) {
      this.toast(error.message);
      return false;
    }
  }
}
