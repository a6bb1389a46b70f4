/** What can be done with one message; shown over the message that is pointed at or focused. */

import { el, iconButton } from "../dom.js";
import { isEphemeral } from "../timeline.js";
import { board, pickEmoji } from "./emoji-picker.js";
import { ask, confirm } from "./dialogs.js";

async function copy(text, view, what) {
  try {
    await navigator.clipboard.writeText(text);
    view.toast(`${what} copied`);
  } catch {
    view.toast(text);
  }
}

function address(message, session) {
  return `${location.origin}/#/channels/${session.guildId}/${message.channel_id}/${message.id}`;
}

async function remove(message, { session, view }, quick) {
  const sure = quick || (await confirm("Delete message", "This deletes the message for everyone here. It cannot be undone.", "Delete"));
  if (sure) await view.attempt(session.remove(message));
}

async function forward(message, { session, view }) {
  const places = session.store.textChannels().map(({ id, name }) => el("option", { value: id, text: `#${name}` }));
  const place = el("select", { "aria-label": "Channel" }, ...places);
  const chosen = await ask("Forward message", [el("label", { class: "field" }, el("span", { text: "To which channel?" }), place)], "Forward");
  if (chosen && (await view.attempt(session.forward(message, place.value)))) view.toast("Forwarded");
}

/** The bot's own commands for this message. */
async function offerMenus(anchor, message, { session, view }) {
  const entries = await session.menus(message.channel_id);
  const run = (entry) => {
    view.sent();
    session.interactions.runMenu(message, entry);
  };
  const choices = entries.map((entry) => ({ label: entry.name, content: entry.name, pick: () => run(entry) }));
  if (choices.length) board(anchor, "Apps", choices, "menu-board");
  else view.toast(`${session.bot.name} has no commands for messages here.`);
}

function actionsFor(message, context) {
  const { session, view } = context;
  const mine = message.author?.id === session.person.id;
  const react = ({ currentTarget }) => pickEmoji(currentTarget, (emoji) => view.attempt(session.toggleReaction(message, { name: emoji, id: null })));
  const actions = [iconButton("copy", "Copy text", () => copy(message.content ?? "", view, "Text"))];
  if (isEphemeral(message) || message.local || message.borrowed) return actions;
  return [
    iconButton("smile", "Add reaction", react),
    mine && !message.poll && message.content ? iconButton("pencil", "Edit", () => view.edit(message)) : iconButton("reply", "Reply", () => view.reply(message)),
    mine && !message.poll && message.content && iconButton("reply", "Reply", () => view.reply(message)),
    ...actions,
    iconButton("link", "Copy link (with Shift: the id)", ({ shiftKey }) => (shiftKey ? copy(message.id, view, "Id") : copy(address(message, session), view, "Link"))),
    iconButton("apps", "Apps", ({ currentTarget }) => view.attempt(offerMenus(currentTarget, message, context))),
    iconButton("forward", "Forward", () => forward(message, context)),
    mine && message.poll && !message.poll.results?.is_finalized && iconButton("poll", "End the poll", () => view.attempt(session.endPoll(message))),
    (mine || (!view.isDm && session.store.moderates())) && iconButton("trash", "Delete", ({ shiftKey }) => remove(message, context, shiftKey)),
  ].filter(Boolean);
}

/** Put the toolbar on a message, or take it away (null). */
export class Toolbar {
  #element = el("div", { class: "toolbar", role: "toolbar", "aria-label": "Message actions" });
  #context;

  constructor(context) {
    this.#context = context;
  }

  show(messageElement) {
    if (this.#element.parentElement === messageElement) return;
    if (!messageElement) {
      this.#element.remove();
      return;
    }
    this.#element.replaceChildren(...actionsFor(messageElement.message, this.#context));
    messageElement.append(this.#element);
  }
}
