/** Questions in front of everything: a confirmation, and the forms (modals) that a bot asks for. */

import { el } from "../dom.js";

const TEXT_INPUT = 4;
const STRING_SELECT = 3;
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

function textInput(component) {
  const shared = { name: component.custom_id, placeholder: component.placeholder, required: component.required !== false, minlength: component.min_length, maxlength: component.max_length ?? 4000 };
  const input = component.style === PARAGRAPH ? el("textarea", { ...shared, rows: 4 }) : el("input", { type: "text", ...shared });
  input.value = component.value ?? "";
  return input;
}

function selectInput(component) {
  const options = (component.options ?? []).map(({ label, value, default: chosen }) => el("option", { value, selected: chosen, text: label }));
  return el("select", { name: component.custom_id, required: component.required !== false, multiple: (component.max_values ?? 1) > 1 }, ...options);
}

const INPUTS = { [TEXT_INPUT]: textInput, [STRING_SELECT]: selectInput };

function field(component, label, description) {
  const build = INPUTS[component?.type];
  if (!build) return null;
  return el("label", { class: "field" }, el("span", { text: label ?? component.label ?? "" }), description && el("small", { class: "muted", text: description }), build(component));
}

/** A form's part in either shape: an action row of inputs, or a label around one input. */
function fields(component) {
  if (component.type === LABEL) return [field(component.component, component.label, component.description)];
  if (component.type === TEXT_DISPLAY) return [el("p", { text: component.content })];
  return (component.components ?? []).map((inner) => field(inner));
}

function answerOf(component, form) {
  const input = form.elements.namedItem(component.custom_id);
  const base = { type: component.type, custom_id: component.custom_id };
  if (component.type === TEXT_INPUT) return { ...base, value: input?.value ?? "" };
  return { ...base, values: [...(input?.selectedOptions ?? [])].map(({ value }) => value) };
}

function answers(components, form) {
  const shaped = components.filter(({ type }) => type !== TEXT_DISPLAY);
  return shaped.map((outer) => {
    if (outer.type === LABEL) return { type: LABEL, component: answerOf(outer.component, form) };
    return { type: outer.type, components: (outer.components ?? []).map((inner) => answerOf(inner, form)) };
  });
}

/** Show a bot's form; it stays open, with the reason, until it was accepted or cancelled. */
export function showModal(modal, submit) {
  const problem = el("p", { class: "press-error", role: "alert" });
  const components = modal.components ?? [];
  const content = [...components.flatMap(fields).filter(Boolean), problem];
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
