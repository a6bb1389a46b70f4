/** The line above the messages: where one is, and the doors to channels and members. */

import { el, icon, iconButton } from "../dom.js";
import { isThread } from "../store.js";
import { Part } from "./part.js";

class Header extends Part {
  mount() {
    this.className = "channel-header";
    this.place = el("div", { class: "place" });
    const menu = iconButton("menu", "Channels", () => this.view.show("channels"), { class: "icon-button only-mobile" });
    this.members = iconButton("people", "Members", () => this.view.show(this.view.drawer === "members" ? null : "members"), { class: "icon-button members-button" });
    this.append(menu, this.place, this.members, document.createElement("steward-switcher").with(this.context));
    this.listen(this.view, "channel drawer", () => this.#render());
    this.listen(this.store, "guild", () => this.#render());
    this.#render();
  }

  #render() {
    const { channel } = this.view;
    const name = channel ? this.store.channelName(channel) : "";
    const kind = this.view.isDm ? "person" : channel && isThread(channel) ? "thread" : "hash";
    const topic = channel?.topic ? el("span", { class: "topic muted", text: channel.topic }) : null;
    this.place.replaceChildren(icon(kind), el("h2", { text: name }), ...(topic ? [topic] : []));
    this.members.hidden = this.view.isDm;
    this.members.setAttribute("aria-expanded", String(this.view.drawer === "members"));
    document.title = name ? `${this.view.isDm ? "" : "#"}${name} · Steward Playground` : "Steward Playground";
  }
}

customElements.define("steward-header", Header);
