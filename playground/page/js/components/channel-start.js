/** The beginning of a channel: where one is, and what to try first. */

import { el, icon } from "../dom.js";
import { isThread } from "../store.js";

/** Examples that need no explanation; @ and / mean what they mean on Discord. */
export function examples(view, bot) {
  if (view.isDm) return ["Hello! Who are you?", "My favourite colour is green.", "/help"];
  return [`@${bot.name} hello`, `@${bot.name} my favourite colour is green`, "/help"];
}

export function exampleChips(context) {
  const { view, session } = context;
  return examples(view, session.bot).map((text) => el("button", { type: "button", class: "chip", on: { click: () => view.fill(text) }, text }));
}

export function channelStart(context) {
  const { view, session } = context;
  const { channel } = view;
  const name = channel ? session.store.channelName(channel) : "";
  const thread = channel && isThread(channel);
  const title = view.isDm || thread ? name : `Welcome to #${name}`;
  const text = view.isDm ? `This is a private conversation with ${name}. Everything you write here is for ${name}; no mention is needed.` : `Mention @${session.bot.name}, reply to it, or type / for its commands. Open the playground in another window to be two people at once.`;
  return el("section", { class: "channel-start" }, el("div", { class: "start-icon" }, icon(view.isDm ? "person" : thread ? "thread" : "hash")), el("h2", { text: title }), el("p", { text }), el("div", { class: "chips" }, ...exampleChips(context)));
}
