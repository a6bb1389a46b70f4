/** Files that wait in the composer: chosen, dropped or pasted, shown as chips until they are sent. */

import { el, icon, iconButton } from "../dom.js";
import { sizeText } from "./embed.js";

export const MOST_FILES = 10;
export const LARGEST_BYTES = 10 * 1024 * 1024;

/** @returns {string|null} why these files cannot be added to so many others */
export function refusal(files, waiting) {
  if (files.length + waiting > MOST_FILES) return `A message takes at most ${MOST_FILES} files.`;
  const large = files.find(({ size }) => size > LARGEST_BYTES);
  return large ? `${large.name} is too large: files may have up to ${sizeText(LARGEST_BYTES)}.` : null;
}

export class Outbox {
  #files = [];
  #complain;

  constructor(complain) {
    this.#complain = complain;
    this.element = el("div", { class: "outbox", hidden: true, "aria-label": "Files to send" });
    this.input = el("input", { type: "file", multiple: true, hidden: true, tabindex: "-1" });
    this.input.addEventListener("change", () => {
      this.add(this.input.files);
      this.input.value = "";
    });
  }

  get size() {
    return this.#files.length;
  }

  choose() {
    this.input.click();
  }

  add(list) {
    const files = [...(list ?? [])];
    const reason = refusal(files, this.#files.length);
    if (reason) this.#complain(reason);
    else this.#set([...this.#files, ...files]);
  }

  /** What waits, which then waits no more. */
  take() {
    const files = this.#files;
    this.#set([]);
    return files;
  }

  #set(files) {
    this.#files = files;
    this.element.hidden = !files.length;
    this.element.replaceChildren(...files.map((file) => this.#chip(file)));
  }

  #chip(file) {
    const drop = () => this.#set(this.#files.filter((one) => one !== file));
    return el("div", { class: "outbox-file" }, icon("file"), el("div", {}, el("div", { class: "outbox-name", text: file.name }), el("div", { class: "muted", text: sizeText(file.size) })), iconButton("close", `Do not send ${file.name}`, drop));
  }
}
