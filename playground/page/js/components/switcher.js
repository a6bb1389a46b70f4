/** Who is at the keyboard: a row of people; choosing one makes the page theirs. */

import { el } from "../dom.js";
import { keepLocale, LANGUAGES, readLocale } from "../language.js";
import { avatar } from "./avatar.js";
import { Part } from "./part.js";

class Switcher extends Part {
  mount() {
    const { people, person } = this.context;
    this.className = "switcher";
    const buttons = people.map((other) => this.#button(other, other.id === person.id));
    const group = el("div", { class: "people", role: "radiogroup", "aria-label": "Write as" }, ...buttons);
    this.append(el("div", { class: "you" }, el("span", { class: "muted", text: "You are" }), el("strong", { text: person.name }), this.#languages()), group);
    this.listen(group, "keydown", (event) => this.#keys(event, buttons));
  }

  #button(person, chosen) {
    const choose = () => this.context.switchTo(person.id);
    return el("button", { type: "button", role: "radio", class: "person", "aria-checked": String(chosen), "aria-label": person.name, title: chosen ? `You are ${person.name}` : `Become ${person.name}`, tabindex: chosen ? "0" : "-1", on: { click: choose } }, avatar(null, person.name, 30));
  }

  #languages() {
    const now = readLocale();
    const options = Object.entries(LANGUAGES).map(([value, text]) => el("option", { value, text, selected: value === now }));
    const list = el("select", { class: "language", "aria-label": "Your language", title: "The language in which Steward talks to you" }, ...options);
    list.addEventListener("change", () => {
      keepLocale(list.value);
      location.reload();
    });
    return list;
  }

  #keys(event, buttons) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const from = buttons.indexOf(document.activeElement);
    buttons[(from + step + buttons.length) % buttons.length].focus();
  }
}

customElements.define("steward-switcher", Switcher);
