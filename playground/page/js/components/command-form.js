/** A chosen slash command with its options as small fields; optional ones are added on demand. */

import { OPTION } from "../commands.js";
import { el } from "../dom.js";

const NUMERIC = new Set([OPTION.integer, OPTION.number]);

function choices(option, store) {
  const people = () => [...store.members.keys()].map((id) => ({ name: store.nameOf(id) ?? id, value: id }));
  const roles = () => [...store.roles.values()].map(({ id, name }) => ({ name: `@${name}`, value: id }));
  if (option.choices?.length) return option.choices;
  if (option.type === OPTION.boolean) return [{ name: "True", value: "true" }, { name: "False", value: "false" }];
  if (option.type === OPTION.user) return people();
  if (option.type === OPTION.role) return roles();
  if (option.type === OPTION.mentionable) return [...people(), ...roles()];
  if (option.type === OPTION.channel) return store.textChannels().map(({ id, name }) => ({ name: `#${name}`, value: id }));
  return null;
}

function inputFor(option, store) {
  const shared = { name: option.name, required: option.required === true, "aria-label": option.name, placeholder: option.description, autocomplete: "off" };
  const list = choices(option, store);
  if (list) return el("select", shared, el("option", { value: "", text: "choose…" }), ...list.map(({ name, value }) => el("option", { value, text: name })));
  if (NUMERIC.has(option.type)) {
    return el("input", { ...shared, type: "number", step: option.type === OPTION.integer ? 1 : "any", min: option.min_value, max: option.max_value });
  }
  return el("input", { ...shared, type: "text", minlength: option.min_length, maxlength: option.max_length ?? 6000 });
}

/** The typed value in the shape that the option has on the wire. */
function valueOf(option, text) {
  if (NUMERIC.has(option.type)) return Number(text);
  if (option.type === OPTION.boolean) return text === "true";
  return text;
}

export class CommandForm {
  /** @param {import("../commands.js").Entry} entry @param {() => void} onLeave */
  constructor(entry, store, onLeave) {
    this.entry = entry;
    this.store = store;
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
    const input = inputFor(option, this.store);
    input.addEventListener("focus", () => (this.hint.textContent = `${option.name}: ${option.description}`));
    this.fields.append(el("label", { class: "option" }, el("span", { text: option.name }), input));
    return input;
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
      return el("button", { type: "button", class: "chip", title: option.description, on: { click: add }, text: `+ ${option.name}` });
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

  /** @returns {{type: number, name: string, value: any}[]} options that were filled */
  values() {
    const filled = this.inputs.filter(({ value }) => value !== "");
    return filled.map(({ name, value }) => {
      const option = this.entry.options.find((candidate) => candidate.name === name);
      return { type: option.type, name, value: valueOf(option, value) };
    });
  }
}
