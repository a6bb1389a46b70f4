/** Lines that say something about the whole page: what this is, the connection, who types, passing notes. */

import { el, iconButton } from "../dom.js";
import { Part } from "./part.js";
import { exampleChips } from "./channel-start.js";

const BANNER_KEY = "steward.banner.dismissed";
const HINTS_KEY = "steward.hints.dismissed";
const TOAST_MS = 5_000;

/** What the playground is, until it was read. */
export function banner() {
  const text = "Nothing you write leaves this machine. The built-in model is small, a demonstration. To connect a real server: README.md, under “Connect your Discord server”.";
  const element = el("aside", { class: "banner", "aria-label": "About this playground", hidden: localStorage.getItem(BANNER_KEY) === "yes" }, el("span", {}, el("strong", { text: "Local playground. " }), text));
  const close = () => {
    localStorage.setItem(BANNER_KEY, "yes");
    element.hidden = true;
  };
  element.append(iconButton("close", "Dismiss", close));
  return element;
}

const STATES = { connecting: "Connecting…", waiting: "The connection is lost. Trying again…", refused: "The playground does not know this person any more. Reload the page." };

/** Shown while the gateway is not there, but not for the blink of a first connection. */
class Connection extends Part {
  mount() {
    this.className = "connection";
    this.setAttribute("role", "status");
    const { gateway } = this.session;
    this.listen(gateway, "state", ({ detail }) => this.#show(detail.state));
    this.was = gateway.state === "online";
    this.#show(gateway.state);
  }

  #show(state) {
    if (state === "online") this.was = true;
    this.textContent = STATES[state === "connecting" && this.was ? "waiting" : state] ?? "";
    this.classList.toggle("quiet", state === "connecting" && !this.was);
    this.hidden = !this.textContent;
  }
}

class Typing extends Part {
  mount() {
    this.className = "typing";
    this.setAttribute("aria-live", "polite");
    this.dots = el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    this.words = el("span");
    this.append(this.dots, this.words);
    this.listen(this.store, "typing", () => this.#render());
    this.listen(this.view, "channel", () => this.#render());
    this.timer = setInterval(() => this.#render(), 1000);
    this.signal.addEventListener("abort", () => clearInterval(this.timer));
    this.#render();
  }

  #render() {
    const names = this.store.typersIn(this.view.channelId);
    const text = this.#text(names);
    this.dots.hidden = !text;
    if (this.words.textContent !== text) this.words.textContent = text;
  }

  #text(names) {
    if (!names.length) return "";
    if (names.length > 3) return "Several people are typing…";
    return `${new Intl.ListFormat("en").format(names)} ${names.length === 1 ? "is" : "are"} typing…`;
  }
}

/** Examples above the composer until the first message was sent or they were put away. */
class Hints extends Part {
  mount() {
    this.className = "hints";
    this.listen(this.view, "channel", () => this.#render());
    this.listen(this.store, "messages", ({ detail }) => detail.channelId === this.view.channelId && this.#render());
    this.listen(this.view, "sent", () => this.#dismiss());
    this.#render();
  }

  #dismiss() {
    localStorage.setItem(HINTS_KEY, "yes");
    this.#render();
  }

  /** The beginning of an empty channel shows the same chips. */
  #render() {
    const timeline = this.store.timeline(this.view.channelId);
    this.hidden = localStorage.getItem(HINTS_KEY) === "yes" || !timeline.loaded || timeline.all().length < 5;
    if (this.hidden) this.replaceChildren();
    else this.replaceChildren(el("span", { class: "muted", text: "Try:" }), ...exampleChips(this.context), iconButton("close", "Hide examples", () => this.#dismiss()));
  }
}

class Toasts extends Part {
  mount() {
    this.className = "toasts";
    this.setAttribute("role", "alert");
    this.listen(this.view, "toast", ({ detail }) => this.#add(detail.text));
  }

  #add(text) {
    const toast = el("div", { class: "toast", text });
    this.append(toast);
    setTimeout(() => toast.remove(), TOAST_MS);
  }
}

customElements.define("steward-connection", Connection);
customElements.define("steward-typing", Typing);
customElements.define("steward-hints", Hints);
customElements.define("steward-toasts", Toasts);
