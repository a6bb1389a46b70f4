/** A chosen slash command with its options as small fields; optional ones are added on demand. */

import { OPTION } from "../commands.js";
import { el } from "../dom.js";
import { named } from "../language.js";

const NUMERIC = new Set([OPTION.integer, OPTION.number]);
const TYPING_PAUSE_MS = 200;

function choices(option, { store, locale }) {
  const people = () => [...store.members.keys()].map((id) => ({ name: store.nameOf(id) ?? id, value: id }));
  const roles = () => [...store.roles.values()].map(({ id, name }) => ({ name: `@${name}`, value: id }));
  if (option.choices?.length) return option.choices.map((one) => ({ name: named(one, locale), value: one.value }));
  if (option.type === OPTION.boolean) return [{ name: "True", value: "true" }, { name: "False", value: "false" }];
  if (option.type === OPTION.user) return people();
  if (option.type === OPTION.role) return roles();
  if (option.type === OPTION.mentionable) return [...people(), ...roles()];
  if (option.type === OPTION.channel) return store.textChannels().map(({ id, name }) => ({ name: `#${name}`, value: id }));
  return null;
}

function inputFor(option, session) {
  const shared = { name: option.name, required: option.required === true, "aria-label": named(option, session.locale), placeholder: named(option, session.locale, "description"), autocomplete: "off" };
  const list = choices(option, session);
  if (list) return el("select", shared, el("option", { value: "", text: "choose…" }), ...list.map(({ name, value }) => el("option", { value, text: name })));
  if (NUMERIC.has(option.type)) {
    return el("input", { ...shared, type: "number", step: option.type === OPTION.integer ? 1 : "any", min: option.min_value, max: option.max_value });
  }
  if (option.type === OPTION.attachment) return el("input", { ...shared, type: "file" });
  return el("input", { ...shared, type: "text", minlength: option.min_length, maxlength: option.max_length ?? 6000 });
}

/** The typed value in the shape that the option has on the wire. */
function valueOf(option, text) {
  if (NUMERIC.has(option.type)) return Number(text);
  if (option.type === OPTION.boolean) return text === "true";
  return text;
}

export class CommandForm {
  /** What was offered while an option was typed: its name → the shown text → the value that it stands for. */
  #offered = new Map();

  /** @param {import("../commands.js").Entry} entry @param {() => void} onLeave */
  constructor(entry, session, channelId, onLeave) {
    this.entry = entry;
    this.session = session;
    this.channelId = channelId;
    this.fields = el("span", { class: "option-fields" });
    this.more = el("span", { class: "option-more" });
    this.hint = el("div", { class: "command-hint muted", text: entry.description });
    const name = el("span", { class: "command-name", text: `/${entry.name}` });
    this.element = el("div", { class: "command-form" }, el("div", { class: "command-line" }, name, this.fields, this.more), this.hint);
    entry.options.filter(({ required }) => required).forEach((option) => this.#add(option));
    this.#offer();
    this.element.addEventListener("keydown", (event) => {
      const emptyFirst = event.key === "Backspace" && event.target.value === "" && event.target === this.inputs[0];
      if (event.key !== "Escape" && !emptyFirst) return;
      event.preventDefault();
      onLeave();
    });
  }

  get inputs() {
    return [...this.fields.querySelectorAll("input, select")];
  }

  #add(option) {
    const { locale } = this.session;
    const input = inputFor(option, this.session);
    const label = el("label", { class: "option" }, el("span", { text: named(option, locale) }), input);
    input.addEventListener("focus", () => (this.hint.textContent = `${named(option, locale)}: ${named(option, locale, "description")}`));
    if (option.autocomplete) label.append(this.#offerWhileTyping(option, input));
    this.fields.append(label);
    return input;
  }

  /** The bot's own suggestions for an option, asked for while it is being typed. */
  #offerWhileTyping(option, input) {
    const list = el("datalist", { id: `offers-${option.name}` });
    let timer;
    const ask = async () => {
      const typed = input.value;
      const offers = await this.session.interactions.complete(this.channelId, this.entry, this.#values(option.name), option.name);
      if (input.value !== typed) return;
      this.#offered.set(option.name, new Map(offers.map((offer) => [named(offer, this.session.locale), offer.value])));
      list.replaceChildren(...[...this.#offered.get(option.name).keys()].map((value) => el("option", { value })));
    };
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(ask, TYPING_PAUSE_MS);
    };
    input.setAttribute("list", list.id);
    input.addEventListener("input", soon);
    input.addEventListener("focus", soon);
    return list;
  }

  /** Chips for the optional options that are not there yet. */
  #offer() {
    const present = new Set(this.inputs.map(({ name }) => name));
    const absent = this.entry.options.filter(({ name }) => !present.has(name));
    const chips = absent.map((option) => {
      const add = () => {
        const input = this.#add(option);
        this.#offer();
        input.focus();
      };
      return el("button", { type: "button", class: "chip", title: named(option, this.session.locale, "description"), on: { click: add }, text: `+ ${named(option, this.session.locale)}` });
    });
    this.more.replaceChildren(...chips);
  }

  /** Begin with the text that was typed behind the command's name. */
  begin(rest) {
    if (rest && !this.inputs.length && this.entry.options.length) {
      this.#add(this.entry.options[0]);
      this.#offer();
    }
    const [first] = this.inputs;
    if (first && rest) first.value = rest;
    (first ?? this.element.closest("form")?.querySelector("[type=submit]"))?.focus();
  }

  /** @returns {{values: {type: number, name: string, value: any}[], files: File[]}} options that were filled */
  filled() {
    const files = this.inputs.flatMap((input) => [...(input.files ?? [])]);
    return { values: this.#values(), files };
  }

  /** @param {string} [typing] the option that is being typed: it may be empty, and stays as it is */
  #values(typing) {
    const chosen = this.inputs.filter(({ name, value }) => value !== "" || name === typing);
    let files = 0;
    return chosen.map((input) => {
      const option = this.entry.options.find(({ name }) => name === input.name);
      if (option.type === OPTION.attachment) return { type: option.type, name: option.name, value: String(files++) };
      const text = option.name === typing ? input.value : (this.#offered.get(option.name)?.get(input.value) ?? input.value);
      return { type: option.type, name: option.name, value: valueOf(option, text) };
    });
  }
}
