/** The list that opens above the composer: people for "@", channels for "#", commands for "/". */

import { el } from "../dom.js";

export class Suggestions {
  /** @param {(item: object) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.items = [];
    this.index = 0;
    this.element = el("div", { class: "suggestions", id: "suggestions", role: "listbox", "aria-label": "Suggestions", hidden: true });
  }

  get open() {
    return this.items.length > 0;
  }

  /** @param {{title: string, note?: string, picture?: Element, value: any}[]} items */
  show(heading, items) {
    this.items = items;
    this.index = 0;
    this.element.hidden = !items.length;
    const rows = items.map((item, index) => this.#row(item, index));
    this.element.replaceChildren(el("div", { class: "suggestions-head", "aria-hidden": "true", text: heading }), ...rows);
    this.#mark();
  }

  close() {
    this.show("", []);
  }

  #row({ title, note, picture, extra }, index) {
    const choose = (event) => {
      event.preventDefault();
      this.choose(index);
    };
    const row = el("div", { class: "suggestion", role: "option", id: `suggestion-${index}` }, picture, el("span", { class: "suggestion-title", text: title }), extra && el("span", { class: "suggestion-extra muted", text: extra }), note && el("span", { class: "suggestion-note muted", text: note }));
    row.addEventListener("pointerdown", (event) => event.preventDefault());
    row.addEventListener("click", choose);
    row.addEventListener("pointermove", () => this.#select(index));
    return row;
  }

  #select(index) {
    if (index === this.index) return;
    this.index = index;
    this.#mark();
  }

  #mark() {
    const rows = [...this.element.querySelectorAll(".suggestion")];
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === this.index)));
    rows[this.index]?.scrollIntoView({ block: "nearest" });
  }

  choose(index = this.index) {
    const item = this.items[index];
    this.close();
    if (item) this.onChoose(item.value);
  }

  /** The row that assistive technology shall read as current. */
  get activeId() {
    return this.open ? `suggestion-${this.index}` : null;
  }

  /** @returns {boolean} whether the key was meant for this list */
  key(event) {
    if (!this.open || event.isComposing) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#select((this.index + step + this.items.length) % this.items.length);
    else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) this.choose();
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    return true;
  }
}
