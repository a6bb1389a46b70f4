/** A poll under a message: its answers, who leads, and the person's own vote. */

import { el } from "../dom.js";
import { plural } from "../time.js";

const HOUR_MS = 3_600_000;

function ending({ expiry, results }) {
  if (results?.is_finalized) return "Poll closed";
  const hours = Math.max(0, (new Date(expiry) - Date.now()) / HOUR_MS);
  if (hours > 48) return `${Math.round(hours / 24)} days left`;
  return hours > 1 ? plural(Math.round(hours), "hour left", "hours left") : "less than an hour left";
}

function answerLine({ answer_id: id, poll_media: media }, { counts, total, closed, vote }) {
  const { count = 0, me_voted: mine = false } = counts.get(id) ?? {};
  const share = total ? Math.round((count / total) * 100) : 0;
  const name = el("span", { class: "poll-answer-text" }, media.emoji?.name ? `${media.emoji.name} ` : "", media.text ?? "");
  const line = el("button", { type: "button", class: "poll-answer", "aria-pressed": String(mine), disabled: closed, on: { click: () => vote(id, !mine) } }, name, el("span", { class: "poll-count", text: `${plural(count, "vote", "votes")} · ${share}%` }));
  line.style.setProperty("--share", `${share}%`);
  return line;
}

/** @param {(answerIds: string[]) => void} send the person's answers, all of them */
export function poll(data, send) {
  const counts = new Map((data.results?.answer_counts ?? []).map((one) => [one.id, one]));
  const total = [...counts.values()].reduce((sum, { count }) => sum + count, 0);
  const mine = [...counts.values()].filter(({ me_voted: voted }) => voted).map(({ id }) => id);
  const vote = (id, wanted) => send((wanted ? [...(data.allow_multiselect ? mine : []), id] : mine.filter((one) => one !== id)).map(String));
  const context = { counts, total, closed: Boolean(data.results?.is_finalized), vote };
  const hint = data.allow_multiselect ? "Select one or more answers" : "Select one answer";
  return el(
    "section",
    { class: "poll", "aria-label": `Poll: ${data.question.text}` },
    el("div", { class: "poll-question", text: data.question.text }),
    context.closed ? null : el("div", { class: "muted poll-hint", text: hint }),
    ...data.answers.map((answer) => answerLine(answer, context)),
    el("div", { class: "muted poll-hint", text: `${plural(total, "vote", "votes")} · ${ending(data)}` }),
  );
}

/** Discord's own line about how a poll ended, from the fields of its embed. */
export function pollResult(message) {
  const fields = Object.fromEntries((message.embeds?.[0]?.fields ?? []).map(({ name, value }) => [name, value]));
  const { poll_question_text: question = "", victor_answer_text: winner, victor_answer_votes: votes = "0", total_votes: total = "0" } = fields;
  return `’s poll “${question}” has closed. ${winner && Number(votes) ? `Most chosen: ${winner}, ${votes} of ${plural(Number(total), "vote", "votes")}.` : "Nobody voted."}`;
}
