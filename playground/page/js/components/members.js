/** Who is here: the bot and the people, with what they are. */

import { el, iconButton } from "../dom.js";
import { avatar } from "./avatar.js";
import { Part } from "./part.js";

class Members extends Part {
  mount() {
    this.className = "members";
    this.setAttribute("role", "complementary");
    this.setAttribute("aria-label", "Members");
    this.listen(this.store, "guild reset", () => this.#render());
    this.#render();
  }

  #render() {
    const ids = [...this.store.members.keys()].sort((a, b) => (this.store.nameOf(a) ?? "").localeCompare(this.store.nameOf(b) ?? ""));
    const online = ids.filter((id) => this.store.isOnline(id));
    const offline = ids.filter((id) => !this.store.isOnline(id));
    const close = iconButton("close", "Close members", () => this.view.show(null), { class: "icon-button only-narrow" });
    this.replaceChildren(el("div", { class: "members-head" }, el("h2", { text: "Members" }), close), ...this.#group("Online", online), ...this.#group("Offline", offline));
  }

  #group(title, ids) {
    if (!ids.length) return [];
    return [el("h3", { text: `${title} — ${ids.length}` }), el("ul", {}, ...ids.map((id) => this.#member(id)))];
  }

  #member(id) {
    const name = this.store.nameOf(id) ?? "Somebody";
    const user = this.store.users.get(id);
    const online = this.store.isOnline(id);
    const status = el("span", { class: `status ${online ? "online" : ""}` });
    const roles = (this.store.members.get(id)?.roles ?? []).map((role) => this.store.roles.get(role)?.name).filter((role) => role && role !== name);
    const tag = user?.bot ? el("span", { class: "tag", text: "APP" }) : null;
    const detail = id === this.session.person.id ? "You" : roles.join(", ");
    return el("li", { class: `member${online ? "" : " offline"}` }, el("span", { class: "with-status" }, avatar(user, name, 32), status), el("span", { class: "member-text" }, el("span", { class: "member-name" }, name, tag), detail && el("small", { class: "muted", text: detail })));
  }
}

customElements.define("steward-members", Members);
