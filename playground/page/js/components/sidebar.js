/** Server, channels, threads, the conversation with the bot, and who one is. */

import { el, icon, iconButton } from "../dom.js";
import { avatar } from "./avatar.js";
import { Part } from "./part.js";

class Sidebar extends Part {
  mount() {
    this.className = "sidebar";
    this.setAttribute("role", "navigation");
    this.setAttribute("aria-label", "Channels");
    this.heading = el("div", { class: "server-name" });
    this.list = el("div", { class: "channels" });
    this.append(this.heading, this.list, document.createElement("steward-switcher").with(this.context));
    this.listen(this.store, "guild unread reset", () => this.#render());
    this.listen(this.view, "channel drawer", () => this.#render());
    this.#render();
  }

  #render() {
    const { guild } = this.store;
    const close = iconButton("close", "Close channels", () => this.view.show(null), { class: "icon-button only-mobile" });
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.heading.replaceChildren(el("h1", { text: guild?.name ?? "Steward Playground" }), close);
    this.list.replaceChildren(el("h2", { text: "Text channels" }), ...this.#channels(), el("h2", { text: "Direct messages" }), this.#dm());
    if (focused) this.list.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  #channels() {
    return this.store.textChannels().flatMap((channel) => {
      const threads = this.store.threadsOf(channel.id).map((thread) => this.#entry(thread, "thread"));
      return [this.#entry(channel, "hash"), ...threads];
    });
  }

  #entry(channel, kind) {
    const open = () => this.view.open(channel.id);
    return this.#row(channel.id, `channel ${kind === "thread" ? "below" : ""}`, icon(kind), channel.name, open);
  }

  #dm() {
    const { bot } = this.session;
    const known = this.store.dmWith(bot.id);
    const open = () => this.view.attempt(this.session.openDm().then((id) => this.view.open(id)));
    const picture = avatar({ bot: true }, bot.name, 24);
    const status = el("span", { class: `status ${this.store.isOnline(bot.id) ? "online" : ""}` });
    return this.#row(known?.id ?? "dm", "channel dm", el("span", { class: "with-status" }, picture, status), bot.name, open);
  }

  #row(key, look, picture, name, open) {
    const current = key === this.view.channelId;
    const unread = current ? null : this.store.unread.get(key);
    const badge = unread?.mentions ? el("span", { class: "badge", "aria-label": `${unread.mentions} mentions`, text: unread.mentions }) : null;
    return el("button", { type: "button", class: `${look}${unread ? " unread" : ""}`, "aria-current": current ? "page" : null, data: { key }, on: { click: open } }, picture, el("span", { class: "channel-name", text: name }), badge);
  }
}

customElements.define("steward-sidebar", Sidebar);
