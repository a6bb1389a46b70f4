/** What else than text can be sent: files, a sticker, a poll. */

import { el, icon } from "../dom.js";
import { board } from "./emoji-picker.js";
import { ask } from "./dialogs.js";

const LONGEST_ANSWER = 55;
const MOST_ANSWERS = 10;

/** What a poll's form says, as Discord takes it; null when there are no two answers. */
export function pollOf({ question, answers, many, hours }) {
  const lines = answers.split("\n").map((line) => line.trim()).filter(Boolean).slice(0, MOST_ANSWERS);
  if (!question.trim() || !lines.length) return null;
  return { question: { text: question.trim() }, answers: lines.map((text) => ({ poll_media: { text: text.slice(0, LONGEST_ANSWER) } })), duration: Number(hours), allow_multiselect: many, layout_type: 1 };
}

async function makePoll(view, send) {
  const question = el("input", { type: "text", required: true, maxlength: 300 });
  const answers = el("textarea", { rows: 4, required: true, placeholder: "One answer in each line" });
  const hours = el("select", {}, ...[["1", "1 hour"], ["24", "1 day"], ["168", "1 week"]].map(([value, text]) => el("option", { value, text, selected: value === "24" })));
  const many = el("input", { type: "checkbox" });
  const field = (label, input) => el("label", { class: "field" }, el("span", { text: label }), input);
  const content = [field("Question", question), field("Answers", answers), field("Open for", hours), el("label", { class: "choice" }, many, "Several answers may be chosen")];
  if (!(await ask("New poll", content, "Post poll"))) return;
  const poll = pollOf({ question: question.value, answers: answers.value, many: many.checked, hours: hours.value });
  if (poll) send({ poll });
  else view.toast("A poll needs a question and an answer.");
}

function chooseSticker(anchor, stickers, send) {
  const choices = stickers.map(({ id, name }) => ({ label: name, content: el("img", { src: `/cdn/stickers/${id}.png`, alt: "", width: 56, height: 56 }), pick: () => send({ sticker_ids: [id] }) }));
  board(anchor, "Choose a sticker", choices, "sticker-board");
}

/** @param {{outbox: object, session: object, view: object, send: (fields: object) => void}} context */
export function plusMenu(anchor, { outbox, session, view, send }) {
  const line = (name, label, pick) => ({ label, content: el("span", { class: "menu-line" }, icon(name), label), pick });
  const stickers = session.store.guild?.stickers ?? [];
  board(
    anchor,
    "Add to a message",
    [
      line("file", "Attach files", () => outbox.choose()),
      stickers.length && line("smile", "Sticker", () => chooseSticker(anchor, stickers, send)),
      line("poll", "Poll", () => makePoll(view, send)),
    ].filter(Boolean),
    "menu-board",
  );
}
