/** Questions in front of everything: a confirmation, and the forms (modals) that a bot asks for. */

import { el } from "../dom.js";
import { choicesOf } from "./controls.js";

const TEXT_INPUT = 4;
const TEXT_DISPLAY = 10;
const LABEL = 18;
const PARAGRAPH = 2;

function show(title, content, buttons) {
  const form = el("form", { method: "dialog" }, el("h2", { text: title }), ...content, el("div", { class: "dialog-buttons" }, ...buttons));
  const dialog = el("dialog", { class: "dialog", "aria-label": title }, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, form };
}

const cancelButton = () => el("button", { class: "button secondary", value: "", formnovalidate: true, text: "Cancel" });

/** @returns {Promise<boolean>} */
export function confirm(title, text, action) {
  const { dialog } = show(title, [el("p", { text })], [cancelButton(), el("button", { class: "button danger", value: "yes", text: action, autofocus: true })]);
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes")));
}

/** A form of the page's own. @returns {Promise<boolean>} whether it was filled in */
export function ask(title, content, action) {
  const { dialog } = show(title, content, [cancelButton(), el("button", { class: "button primary", value: "yes", text: action })]);
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes")));
}

function textInput(component) {
  const shared = { name: component.custom_id, placeholder: component.placeholder, required: component.required !== false, minlength: component.min_length, maxlength: component.max_length ?? 4000 };
  const input = component.style === PARAGRAPH ? el("textarea", { ...shared, rows: 4 }) : el("input", { type: "text", ...shared });
  input.value = component.value ?? "";
  return input;
}

function selectInput(component, store) {
  const options = choicesOf(component, store).map(({ label, value, default: chosen }) => el("option", { value, selected: chosen, text: label }));
  const many = (component.max_values ?? 1) > 1;
  const needed = component.required !== false;
  const none = many ? [] : [el("option", { value: "", text: component.placeholder ?? "Make a selection" })];
  return el("select", { name: component.custom_id, required: needed, multiple: many, size: many ? Math.min(5, options.length) : null }, ...none, ...options);
}

const INPUTS = { [TEXT_INPUT]: textInput, 3: selectInput, 5: selectInput, 6: selectInput, 7: selectInput, 8: selectInput };

function field(store, component, label, description) {
  const build = INPUTS[component?.type];
  if (!build) return null;
  return el("label", { class: "field" }, el("span", { text: label ?? component.label ?? "" }), description && el("small", { class: "muted", text: description }), build(component, store));
}

/** A form's part in either shape: an action row of inputs, or a label around one input. */
function fields(store, component) {
  if (component.type === LABEL) return [field(store, component.component, component.label, component.description)];
  if (component.type === TEXT_DISPLAY) return [el("p", { text: component.content })];
  return (component.components ?? []).map((inner) => field(store, inner));
}

function answerOf(component, form) {
  const input = form.elements.namedItem(component.custom_id);
  const base = { type: component.type, custom_id: component.custom_id };
  if (component.type === TEXT_INPUT) return { ...base, value: input?.value ?? "" };
  return { ...base, values: [...(input?.selectedOptions ?? [])].map(({ value }) => value).filter(Boolean) };
}

function answers(components, form) {
  const shaped = components.filter(({ type }) => type !== TEXT_DISPLAY);
  return shaped.map((outer) => {
    if (outer.type === LABEL) return { type: LABEL, component: answerOf(outer.component, form) };
    return { type: outer.type, components: (outer.components ?? []).map((inner) => answerOf(inner, form)) };
  });
}

/** Show a bot's form; it stays open, with the reason, until it was accepted or cancelled. */
export function showModal(modal, store, submit) {
  const problem = el("p", { class: "press-error", role: "alert" });
  const components = modal.components ?? [];
  const content = [...components.flatMap((component) => fields(store, component)).filter(Boolean), problem];
  const send = el("button", { class: "button primary", value: "yes", text: "Submit" });
  const { dialog, form } = show(modal.title ?? "Form", content, [cancelButton(), send]);
  form.addEventListener("submit", async (event) => {
    if (event.submitter !== send) return;
    event.preventDefault();
    send.disabled = true;
    problem.textContent = (await submit(answers(components, form))) ?? "";
    send.disabled = false;
    if (!problem.textContent) dialog.close("yes");
  });
}
