/**
 * Commands, buttons and forms on their way to the bot. It remembers what was sent until the bot answered, and
 * says so when it did not. Announces "modal" {modal} and "presses" (which buttons wait or failed has changed).
 */

import { makeNonce } from "./snowflake.js";
import { optionTree } from "./commands.js";

const TYPE = { command: 2, component: 3, complete: 4, modal: 5 };
const NO_ANSWER = "The application did not respond";
/** Discord gives a bot 3 s; the server says so. This is for a server that is silent itself. */
const LONGEST_WAIT_MS = 15_000;

export class Interactions extends EventTarget {
  #rest;
  #store;
  #waiting = new Map();

  constructor(rest, store) {
    super();
    this.#rest = rest;
    this.#store = store;
    /** message id → {customId, error} of the newest press */
    this.presses = new Map();
  }

  /** Run a slash command; what goes wrong is shown in the channel. Options of files name them by their place. */
  async runCommand(channelId, entry, values, files = []) {
    const attachments = files.map(({ name, size }, index) => ({ id: String(index), filename: name, file_size: size }));
    await this.#run(channelId, entry, { ...this.#chosen(entry, values), attachments }, files);
  }

  /** Use one of the bot's commands for messages on this one. */
  async runMenu(message, entry) {
    const { command } = entry;
    await this.#run(message.channel_id, entry, { id: command.id, name: command.name, type: command.type, version: command.version, target_id: message.id });
  }

  /** @returns {Promise<{name: string, value: any}[]>} what the bot offers for the option that is being typed */
  complete(channelId, entry, values, focused) {
    const marked = values.map((value) => (value.name === focused ? { ...value, focused: true } : value));
    const body = { type: TYPE.complete, channel_id: channelId, application_id: entry.command.application_id, data: this.#chosen(entry, marked) };
    return new Promise((resolve) => this.#send(makeNonce(), body, () => resolve([]), (offer) => resolve(offer ?? [])));
  }

  #chosen({ command, path }, values) {
    return { id: command.id, name: command.name, type: 1, version: command.version, options: optionTree(path, values) };
  }

  async #run(channelId, entry, data, files = []) {
    const { command } = entry;
    const nonce = makeNonce();
    const local = { kind: "command", state: "sending", command: entry.name, menu: data.target_id !== undefined };
    this.#store.change(channelId, (timeline) => timeline.putLocal({ id: nonce, channel_id: channelId, author: this.#store.users.get(command.application_id), local }));
    const fail = (reason) => this.#failLocal(channelId, nonce, reason);
    await this.#send(nonce, { type: TYPE.command, channel_id: channelId, application_id: command.application_id, data }, fail, undefined, files);
  }

  async press(message, component, values) {
    const data = { component_type: component.type, custom_id: component.custom_id, ...(values && { values }) };
    const body = { type: TYPE.component, channel_id: message.channel_id, application_id: message.application_id ?? message.author.id, message_id: message.id, message_flags: message.flags ?? 0, data };
    this.#setPress(message.id, { customId: component.custom_id, error: null });
    await this.#send(makeNonce(), body, (reason) => this.#setPress(message.id, { customId: null, error: reason }), () => this.#setPress(message.id, null));
  }

  /** @returns {Promise<string|null>} why it failed, or null */
  submitModal(modal, components) {
    const application = modal.application_id ?? modal.application?.id;
    const data = { id: modal.id, custom_id: modal.custom_id, components };
    const body = { type: TYPE.modal, channel_id: modal.channel_id ?? this.#store.viewing, application_id: application, data };
    return new Promise((resolve) => this.#send(makeNonce(), body, resolve, () => resolve(null)));
  }

  async #send(nonce, body, fail, succeed = () => {}, files = []) {
    const channel = this.#store.channels.get(body.channel_id);
    const guild = channel?.guild_id ?? (channel?.type === 1 ? undefined : this.#store.guild?.id);
    const timer = setTimeout(() => this.#settle(nonce, NO_ANSWER), LONGEST_WAIT_MS);
    this.#waiting.set(nonce, { fail, succeed, timer, channelId: body.channel_id, id: null });
    try {
      await this.#rest.post("/interactions", { ...body, guild_id: guild, session_id: this.#store.sessionId, nonce }, files);
    } catch (error) {
      this.#settle(nonce, error.message);
    }
  }

  /** The end of one interaction: with a reason when it failed, with what the bot offers when it was asked that. */
  #settle(nonce, reason = null, offer = undefined) {
    const waiting = this.#waiting.get(nonce);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(nonce);
    if (reason) waiting.fail(reason);
    else waiting.succeed(offer);
    if (!reason) this.#store.change(waiting.channelId, (timeline) => timeline.dropLocal(nonce));
  }

  #failLocal(channelId, nonce, reason) {
    const local = (timeline) => timeline.local.find(({ id }) => id === nonce)?.local;
    this.#store.change(channelId, (timeline) => timeline.putLocal({ id: nonce, local: { ...local(timeline), state: "failed", error: reason } }));
  }

  #setPress(messageId, press) {
    if (press) this.presses.set(messageId, press);
    else this.presses.delete(messageId);
    this.dispatchEvent(new CustomEvent("presses"));
  }

  #nonceOf({ id, nonce }) {
    if (nonce !== undefined && nonce !== null) return String(nonce);
    return [...this.#waiting].find(([, waiting]) => waiting.id === id)?.[0];
  }

  /** Gateway events that belong to interactions. */
  receive(type, data) {
    if (type === "INTERACTION_CREATE" && this.#waiting.has(String(data.nonce))) this.#waiting.get(String(data.nonce)).id = data.id;
    else if (type === "INTERACTION_SUCCESS") this.#settle(this.#nonceOf(data));
    else if (type === "INTERACTION_FAILURE") this.#settle(this.#nonceOf(data), NO_ANSWER);
    else if (type === "INTERACTION_MODAL_CREATE") this.#modal(data);
    else if (type === "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE") this.#settle(this.#nonceOf(data), null, data.choices);
    else if (type === "MESSAGE_CREATE") this.#answered(data);
  }

  #modal(data) {
    this.#settle(this.#nonceOf(data));
    this.dispatchEvent(new CustomEvent("modal", { detail: { modal: data } }));
  }

  #answered(message) {
    const id = message.interaction_metadata?.id ?? message.interaction?.id;
    if (id) this.#settle(this.#nonceOf({ id }));
  }
}
