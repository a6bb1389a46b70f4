/** One person at the playground: their gateway, their requests, what they know, what they can do. */

import { applyEvent } from "./dispatch.js";
import { entriesOf, menusOf } from "./commands.js";
import { Gateway } from "./gateway.js";
import { Interactions } from "./interactions.js";
import { readLocale } from "./language.js";
import { makeNonce } from "./snowflake.js";
import { ReadMarks } from "./read-marks.js";
import { Rest } from "./rest.js";
import { CHANNEL, Store } from "./store.js";
import { encodeMentions } from "./mentions.js";

const PAGE_SIZE = 50;
const TYPING_EVERY_MS = 8_000;
const REPLY = 19;
const FORWARD = 1;

export class Session {
  #typedAt = new Map();
  #loading = new Map();

  /** @param {{person: {id: string, name: string, token: string}, bot: {id: string, name: string}, guild: {id: string}, gatewayUrl: string}} parts */
  constructor({ person, bot, guild, gatewayUrl }) {
    this.person = person;
    this.bot = bot;
    this.guildId = guild.id;
    this.store = new Store({ id: person.id, username: person.name }, new ReadMarks(person.id, localStorage));
    this.store.rememberUsers([{ id: bot.id, username: bot.name, bot: true }]);
    this.locale = readLocale();
    this.rest = new Rest(person.token, this.locale);
    this.interactions = new Interactions(this.rest, this.store);
    this.gateway = new Gateway(gatewayUrl, person.token);
    this.gateway.addEventListener("dispatch", ({ detail }) => this.#receive(detail));
  }

  #receive({ type, data }) {
    applyEvent(this.store, type, data);
    this.interactions.receive(type, data);
  }

  /** Load the newest messages of a channel unless they are here. */
  async load(channelId) {
    const timeline = this.store.timeline(channelId);
    if (timeline.loaded) return;
    await this.#once(`new:${channelId}`, async () => {
      const page = await this.rest.get(`/channels/${channelId}/messages?limit=${PAGE_SIZE}`);
      this.store.rememberUsers(page.flatMap(({ author, mentions }) => [author, ...(mentions ?? [])]));
      this.store.change(channelId, () => timeline.replace(page, page.length < PAGE_SIZE));
    });
  }

  async loadOlder(channelId) {
    const timeline = this.store.timeline(channelId);
    const oldest = timeline.oldest();
    if (!timeline.loaded || timeline.complete || !oldest) return;
    await this.#once(`old:${channelId}`, async () => {
      const page = await this.rest.get(`/channels/${channelId}/messages?limit=${PAGE_SIZE}&before=${oldest.id}`);
      this.store.change(channelId, () => timeline.prepend(page, page.length < PAGE_SIZE));
    });
  }

  /** Share one request among all who want the same. */
  #once(key, work) {
    if (!this.#loading.has(key)) this.#loading.set(key, work().finally(() => this.#loading.delete(key)));
    return this.#loading.get(key);
  }

  /** Everyone and everything that typed text can mention. */
  mentionables() {
    const people = [...this.store.members.keys(), this.bot.id].filter((id, index, all) => all.indexOf(id) === index);
    const names = people.map((id) => ({ sigil: "@", name: this.store.nameOf(id) ?? "", code: `<@${id}>`, id }));
    const roles = [...this.store.roles.values()].filter(({ mentionable, managed }) => mentionable && !managed);
    const roleNames = roles.map(({ id, name }) => ({ sigil: "@", name, code: `<@&${id}>`, id }));
    const channels = [...this.store.channels.values()].filter(({ type }) => type !== CHANNEL.dm);
    const channelNames = channels.map(({ id, name }) => ({ sigil: "#", name, code: `<#${id}>`, id }));
    return [...names, ...roleNames, ...channelNames].filter(({ name }) => name);
  }

  /** Send a message; it is shown at once and marked when it could not be delivered. */
  async send(channelId, typed, { replyTo = null, ping = true, files = [] } = {}) {
    const nonce = makeNonce();
    const content = encodeMentions(typed, this.mentionables());
    const author = this.store.users.get(this.person.id);
    const reply = replyTo && { type: REPLY, message_reference: { message_id: replyTo.id }, referenced_message: replyTo };
    const local = { kind: "message", state: "sending", retry: () => this.#deliver(channelId, nonce, content, replyTo, ping, files) };
    const attachments = files.map(({ name, size }) => ({ filename: name, size }));
    this.store.change(channelId, (timeline) => timeline.putLocal({ id: nonce, channel_id: channelId, author, content, attachments, ...reply, local }));
    this.#typedAt.delete(channelId);
    await this.#deliver(channelId, nonce, content, replyTo, ping, files);
  }

  async #deliver(channelId, nonce, content, replyTo, ping, files) {
    const mark = (change) => this.store.change(channelId, (timeline) => {
      const item = timeline.local.find(({ id }) => id === nonce);
      if (item) timeline.putLocal({ id: nonce, local: { ...item.local, ...change } });
    });
    const reference = replyTo && { message_reference: { message_id: replyTo.id, channel_id: channelId } };
    const allowed = { parse: ["users", "roles", "everyone"], replied_user: ping };
    mark({ state: "sending", error: null });
    try {
      const message = await this.rest.post(`/channels/${channelId}/messages`, { content, nonce, tts: false, allowed_mentions: allowed, ...reference }, files);
      this.store.change(channelId, (timeline) => timeline.upsert({ ...message, nonce }));
    } catch (error) {
      mark({ state: "failed", error: error.message });
    }
  }

  /** Post what has no text: a sticker, a poll, a forwarded message. */
  post(channelId, fields) {
    return this.rest.post(`/channels/${channelId}/messages`, { nonce: makeNonce(), ...fields });
  }

  forward(message, channelId) {
    return this.post(channelId, { message_reference: { type: FORWARD, message_id: message.id, channel_id: message.channel_id } });
  }

  vote(message, answerIds) {
    return this.rest.put(`/channels/${message.channel_id}/polls/${message.id}/answers/@me`, { answer_ids: answerIds });
  }

  endPoll(message) {
    return this.rest.post(`/channels/${message.channel_id}/polls/${message.id}/expire`);
  }

  edit(message, typed) {
    const content = encodeMentions(typed, this.mentionables());
    return this.rest.patch(`/channels/${message.channel_id}/messages/${message.id}`, { content });
  }

  remove(message) {
    return this.rest.delete(`/channels/${message.channel_id}/messages/${message.id}`);
  }

  /** Forget what only this page knows: a private answer or something that was not delivered. */
  dismiss(message) {
    this.store.change(message.channel_id, (timeline) => (message.local ? timeline.dropLocal(message.id) : timeline.remove([message.id])));
  }

  toggleReaction(message, emoji) {
    const name = encodeURIComponent(emoji.id ? `${emoji.name}:${emoji.id}` : emoji.name);
    const path = `/channels/${message.channel_id}/messages/${message.id}/reactions/${name}/@me`;
    const mine = (message.reactions ?? []).some((item) => item.me && item.emoji.name === emoji.name);
    return mine ? this.rest.delete(path) : this.rest.put(path);
  }

  /** Say that this person types, at most every 8 s. */
  type(channelId) {
    const now = Date.now();
    if (now - (this.#typedAt.get(channelId) ?? 0) < TYPING_EVERY_MS) return;
    this.#typedAt.set(channelId, now);
    this.rest.post(`/channels/${channelId}/typing`).catch(() => {});
  }

  #commandIndex() {
    return this.#once("commands", () => this.rest.get(`/guilds/${this.guildId}/application-command-index`));
  }

  #inDm(channelId) {
    return this.store.channels.get(channelId)?.type === CHANNEL.dm;
  }

  async commands(channelId) {
    return entriesOf(await this.#commandIndex(), this.#inDm(channelId), this.locale);
  }

  /** What the bot can do with one message: its message commands. */
  async menus(channelId) {
    return menusOf(await this.#commandIndex(), this.#inDm(channelId), this.locale);
  }

  async openDm() {
    const known = this.store.dmWith(this.bot.id);
    if (known) return known.id;
    const channel = await this.rest.post("/users/@me/channels", { recipient_id: this.bot.id, recipients: [this.bot.id] });
    applyEvent(this.store, "CHANNEL_CREATE", channel);
    return channel.id;
  }
}
