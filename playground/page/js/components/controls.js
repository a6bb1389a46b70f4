/**
 * A message's components: rows of buttons, select menus, and the newer layout parts (text, section, container,
 * separator). A press is handed to `press(component, values)`.
 */

import { el, icon } from "../dom.js";
import { patchMarkdown } from "../markdown/render.js";

const BUTTON_STYLE = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };

const emojiText = (emoji) => (emoji ? el("span", { class: "button-emoji", text: emoji.id ? `:${emoji.name}:` : emoji.name }) : null);

function button(component, context) {
  const { label = "", style, disabled, url, emoji } = component;
  const look = { class: `button ${BUTTON_STYLE[style] ?? "secondary"}` };
  if (style === 5 && /^https?:\/\//.test(url ?? "")) {
    return el("a", { ...look, href: url, target: "_blank", rel: "noreferrer noopener" }, emojiText(emoji), label, icon("external"));
  }
  const waiting = context.pressed?.customId === component.custom_id;
  const onClick = () => context.press(component);
  return el("button", { ...look, type: "button", disabled: disabled || context.busy, "aria-busy": waiting ? "true" : null, on: { click: onClick } }, emojiText(emoji), el("span", { text: label || " " }));
}

/** What a select menu offers; those that the bot chose beforehand are marked. */
export function choicesOf(component, store) {
  const people = () => [...store.members.keys()].map((id) => ({ value: id, label: store.nameOf(id) ?? id }));
  const roles = () => [...store.roles.values()].map(({ id, name }) => ({ value: id, label: `@${name}` }));
  const kinds = component.channel_types ?? [];
  const channels = () => store.textChannels().filter(({ type }) => !kinds.length || kinds.includes(type)).map(({ id, name }) => ({ value: id, label: `#${name}` }));
  const sources = { 3: () => component.options ?? [], 5: people, 6: roles, 7: () => [...people(), ...roles()], 8: channels };
  const chosen = new Set((component.default_values ?? []).map(({ id }) => id));
  return sources[component.type]().map((choice) => (chosen.has(choice.value) ? { ...choice, default: true } : choice));
}

function single(component, choices, context) {
  const label = component.placeholder ?? "Make a selection";
  const chosen = choices.find((choice) => choice.default)?.value ?? "";
  const onChange = ({ target }) => (target.value || component.min_values === 0) && context.press(component, target.value ? [target.value] : []);
  const select = el("select", { class: "select", "aria-label": label, disabled: component.disabled || context.busy, on: { change: onChange } }, el("option", { value: "", text: label }), choices.map(({ value, label: text, description }) => el("option", { value, text: description ? `${text} – ${description}` : text })));
  select.value = chosen;
  return select;
}

function multiple(component, choices, context) {
  const disabled = component.disabled || context.busy;
  const boxes = choices.map(({ value, label, default: chosen }) => el("label", { class: "choice" }, el("input", { type: "checkbox", value, checked: chosen, disabled }), label));
  const apply = (event) => {
    const values = boxes.map((box) => box.firstElementChild).filter((box) => box.checked).map((box) => box.value);
    const least = component.min_values ?? 1;
    const most = component.max_values ?? 1;
    const hint = event.target.parentElement.querySelector(".muted");
    if (values.length >= least && values.length <= most) context.press(component, values);
    else hint.textContent = `Choose ${least === most ? least : `${least} to ${most}`}.`;
  };
  const button = el("button", { type: "button", class: "button primary", text: "Apply", disabled, on: { click: apply } });
  return el("details", { class: "select multiple" }, el("summary", { text: component.placeholder ?? "Make a selection" }), ...boxes, button, el("span", { class: "muted", role: "status" }));
}

function select(component, context) {
  const choices = choicesOf(component, context.store);
  return (component.max_values ?? 1) > 1 ? multiple(component, choices, context) : single(component, choices, context);
}

function text(component, { names }) {
  const element = el("div", { class: "markdown" });
  patchMarkdown(element, component.content ?? "", names);
  return element;
}

const children = (component, context) => controls(component.components ?? [], context);

function container(component, context) {
  const element = el("div", { class: "container" }, ...children(component, context));
  if (component.accent_color) element.style.setProperty("--edge", `#${component.accent_color.toString(16).padStart(6, "0")}`);
  return element;
}

const KINDS = {
  1: (component, context) => el("div", { class: "row" }, ...children(component, context)),
  2: button,
  3: select,
  5: select,
  6: select,
  7: select,
  8: select,
  9: (component, context) => el("div", { class: "section" }, el("div", {}, ...children(component, context)), ...controls(component.accessory ? [component.accessory] : [], context)),
  10: text,
  14: ({ divider }) => el("div", { class: divider === false ? "gap" : "gap line" }),
  17: container,
};

/** @param {{press: Function, pressed: object|null, busy: boolean, store: object, names: object}} context */
export function controls(components, context) {
  return components.map((component) => KINDS[component.type]?.(component, context)).filter(Boolean);
}
