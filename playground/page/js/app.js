/** Where everything comes together: read the playground, keep one session per person, show one of them. */

import { el } from "./dom.js";
import { Session } from "./session.js";
import { View } from "./view.js";
import { showModal } from "./components/dialogs.js";
import { banner } from "./components/notices.js";
import "./components/composer.js";
import "./components/header.js";
import "./components/members.js";
import "./components/message-list.js";
import "./components/sidebar.js";
import "./components/switcher.js";

const PERSON_KEY = "steward.person";
const CHANNEL_KEY = "steward.channel";
const RETRY_MS = 2_000;

const part = (name, context) => document.createElement(`steward-${name}`).with(context);

class App {
  #sessions = new Map();
  #shown = null;

  constructor(root, world) {
    this.root = root;
    this.world = world;
    this.stage = el("div", { class: "stage" });
    root.replaceChildren(banner(), this.stage);
    addEventListener("online", () => this.#hurry());
    addEventListener("hashchange", () => this.#followHash());
    document.addEventListener("visibilitychange", () => this.#seen());
    root.addEventListener("keydown", ({ key }) => key === "Escape" && this.#shown?.view.drawer && this.#shown.view.show(null));
  }

  #hurry() {
    this.#sessions.forEach(({ gateway }) => gateway.hurry());
  }

  #seen() {
    if (document.visibilityState !== "visible") return;
    this.#hurry();
    if (this.#shown) this.#shown.session.store.markRead(this.#shown.view.channelId);
  }

  /** Each person keeps a connection of their own once they were here. */
  #sessionOf(person) {
    if (!this.#sessions.has(person.id)) {
      const gatewayUrl = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/gateway/?v=10&encoding=json`;
      const session = new Session({ person, bot: this.world.bot, guild: this.world.guild, gatewayUrl });
      session.gateway.addEventListener("state", ({ detail }) => this.#connected(session, detail));
      this.#sessions.set(person.id, session);
      session.gateway.start();
    }
    return this.#sessions.get(person.id);
  }

  switchTo(personId) {
    const person = this.world.people.find(({ id }) => id === personId) ?? this.world.people[0];
    const before = this.#shown?.view;
    if (before) before.session.store.viewing = null;
    sessionStorage.setItem(PERSON_KEY, person.id);
    const session = this.#sessionOf(person);
    const context = { session, view: new View(session), people: this.world.people, person, switchTo: (id) => this.switchTo(id) };
    this.#shown = context;
    this.#lay(context);
    context.view.addEventListener("channel", () => this.#remember(context.view));
    context.view.addEventListener("drawer", () => (this.stage.dataset.drawer = context.view.drawer ?? ""));
    session.store.addEventListener("guild", () => this.#arrive(context));
    session.interactions.addEventListener("modal", ({ detail }) => this.#modal(context, detail.modal));
    this.wanted = before && !before.isDm ? before.channelId : sessionStorage.getItem(CHANNEL_KEY);
    this.#arrive(context);
  }

  #modal(context, modal) {
    if (this.#shown === context) showModal(modal, context.session.store, (components) => context.session.interactions.submitModal(modal, components));
  }

  #lay(context) {
    this.stage.dataset.drawer = "";
    const scrim = el("div", { class: "scrim", on: { click: () => context.view.show(null) } });
    const below = el("div", { class: "below" }, part("hints", context), part("composer", context), part("typing", context));
    const main = el("main", { class: "main" }, part("header", context), part("connection", context), part("messages", context), below);
    this.stage.replaceChildren(part("sidebar", context), main, part("members", context), scrim, part("toasts", context));
  }

  /** Once the channels are known, open one; also when the open one was deleted. */
  #arrive(context) {
    const { store } = context.session;
    if (this.#shown !== context || !store.guild || store.channels.has(context.view.channelId)) return;
    if (this.#followHash()) return;
    const first = store.channels.has(this.wanted) ? this.wanted : store.textChannels()[0]?.id;
    if (first) context.view.open(first);
  }

  #remember(view) {
    this.stage.classList.toggle("alone", view.isDm);
    sessionStorage.setItem(CHANNEL_KEY, view.channelId);
  }

  /** `#/channels/<guild>/<channel>/<message>`: the links that the toolbar copies. */
  #followHash() {
    const [, channelId, messageId] = /^#\/channels\/(?:\d+|@me)\/(\d+)(?:\/(\d+))?$/.exec(location.hash) ?? [];
    if (!channelId || !this.#shown?.session.store.channels.has(channelId)) return false;
    history.replaceState(null, "", location.pathname);
    this.#shown.view.open(channelId, messageId);
    return true;
  }

  /** After a new start of the server the old tokens and ids may mean nothing: then begin anew. */
  async #connected(session, { state, fresh }) {
    if (state === "refused" || (state === "online" && fresh)) {
      const world = await readWorld();
      const same = world.guild.id === this.world.guild.id && world.people.some(({ token }) => token === session.person.token);
      if (!same) location.reload();
    }
    if (state === "online" && fresh && this.#shown?.session === session && this.#shown.view.channelId) this.#shown.view.open(this.#shown.view.channelId);
  }
}

async function readWorld() {
  for (;;) {
    try {
      const response = await fetch("/playground.json", { cache: "no-store" });
      if (response.ok) return await response.json();
    } catch {
      document.getElementById("app").dataset.state = "unreachable";
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

const world = await readWorld();
new App(document.getElementById("app"), world).switchTo(sessionStorage.getItem(PERSON_KEY));
