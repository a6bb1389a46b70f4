/** Votes that arrive, files that are refused, and the poll that a form describes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { applyEvent } from "../../../playground/page/js/dispatch.js";
import { LARGEST_BYTES, MOST_FILES, refusal } from "../../../playground/page/js/components/outbox.js";
import { pollOf } from "../../../playground/page/js/components/plus-menu.js";
import { pollResult } from "../../../playground/page/js/components/poll.js";
import { ReadMarks } from "../../../playground/page/js/read-marks.js";
import { Store } from "../../../playground/page/js/store.js";

const ADA = { id: "1", username: "Ada" };
const marks = new ReadMarks("1", { getItem: () => null, setItem() {} });

function votes(...events) {
  const store = new Store(ADA, marks);
  const poll = { question: { text: "?" }, answers: [], results: { is_finalized: false, answer_counts: [] } };
  store.timeline("5").upsert({ id: "9", channel_id: "5", author: ADA, poll });
  events.forEach(([type, userId, answerId]) => applyEvent(store, type, { channel_id: "5", message_id: "9", user_id: userId, answer_id: answerId }));
  return store.timeline("5").get("9").poll.results.answer_counts;
}

test("votes are counted, and the person's own are marked", () => {
  const [add, remove] = ["MESSAGE_POLL_VOTE_ADD", "MESSAGE_POLL_VOTE_REMOVE"];
  assert.deepEqual(votes([add, "2", 1], [add, "1", 1]), [{ id: 1, count: 2, me_voted: true }]);
  assert.deepEqual(votes([add, "1", 1], [remove, "1", 1], [add, "1", 2]), [
    { id: 1, count: 0, me_voted: false },
    { id: 2, count: 1, me_voted: true },
  ]);
});

test("files that are too many or too large are refused by name", () => {
  assert.equal(refusal([{ name: "a", size: LARGEST_BYTES }], MOST_FILES - 1), null);
  assert.match(refusal([{ name: "a", size: 1 }], MOST_FILES), /at most 10 files/);
  assert.match(refusal([{ name: "big.bin", size: LARGEST_BYTES + 1 }], 0), /big\.bin is too large.*10\.0 MB/);
});

test("a poll has one answer for each line that says something", () => {
  const poll = pollOf({ question: " Tea? ", answers: "yes\n\n no \n", many: false, hours: "24" });
  assert.equal(poll.question.text, "Tea?");
  assert.deepEqual(poll.answers.map((answer) => answer.poll_media.text), ["yes", "no"]);
  assert.equal(pollOf({ question: "Tea?", answers: " \n", many: false, hours: "24" }), null);
});

test("how a poll ended is said in words", () => {
  const fields = (votes) => Object.entries({ poll_question_text: "Tea?", victor_answer_text: "yes", victor_answer_votes: votes, total_votes: "3" });
  const message = (votes) => ({ embeds: [{ fields: fields(votes).map(([name, value]) => ({ name, value })) }] });
  assert.match(pollResult(message("2")), /Most chosen: yes, 2 of 3 votes/);
  assert.match(pollResult(message("0")), /Nobody voted/);
});
