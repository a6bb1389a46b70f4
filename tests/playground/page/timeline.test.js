/** The messages of a channel, and what gateway events make of them. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { applyEvent } from "../../../playground/page/js/dispatch.js";
import { ReadMarks } from "../../../playground/page/js/read-marks.js";
import { Store } from "../../../playground/page/js/store.js";
import { Timeline } from "../../../playground/page/js/timeline.js";

globalThis.document = { visibilityState: "visible" };

const ADA = { id: "1", username: "Ada" };
const GRACE = { id: "2", username: "Grace" };
const message = (id, more = {}) => ({ id, channel_id: "5", author: GRACE, content: `text ${id}`, ...more });
const ids = (timeline) => timeline.all().map(({ id }) => id);

test("messages stand in the order of their ids, however they arrive", () => {
  const timeline = new Timeline();
  ["30", "9", "100"].forEach((id) => timeline.upsert(message(id)));
  assert.deepEqual(ids(timeline), ["9", "30", "100"]);
});

test("a partial update changes only what it names; of an unknown message it makes nothing", () => {
  const timeline = new Timeline();
  timeline.upsert(message("9", { reactions: [1] }));
  timeline.upsert({ id: "9", content: "new" });
  timeline.upsert({ id: "10", content: "no author" });
  assert.deepEqual(timeline.get("9"), { ...message("9"), content: "new", reactions: [1] });
  assert.deepEqual(ids(timeline), ["9"]);
});

test("what was sent gives way to what the server made of it, once", () => {
  const timeline = new Timeline();
  timeline.putLocal({ id: "700", local: { kind: "message", state: "sending" } });
  timeline.upsert(message("9", { nonce: "700" }));
  timeline.upsert(message("9", { nonce: "700" }));
  assert.deepEqual(ids(timeline), ["9"]);
});

test("a message that was not delivered waits at the end, a failed command where it was given", () => {
  const timeline = new Timeline();
  timeline.putLocal({ id: "20", local: { kind: "message", state: "failed" } });
  timeline.putLocal({ id: "10", local: { kind: "command", state: "failed" } });
  timeline.upsert(message("9"));
  timeline.upsert(message("30"));
  assert.deepEqual(ids(timeline), ["9", "10", "30", "20"]);
});

test("a new page keeps private answers and what arrived meanwhile", () => {
  const timeline = new Timeline();
  timeline.upsert(message("5"));
  timeline.upsert(message("6", { flags: 64 }));
  timeline.upsert(message("8"));
  timeline.replace([message("7")], true);
  assert.deepEqual(ids(timeline), ["6", "7", "8"]);
  assert.equal(timeline.oldest().id, "7");
});

/** localStorage without a browser. */
class Shelf extends Map {
  getItem = (key) => this.get(key) ?? null;
  setItem = (key, value) => this.set(key, value);
}

let store;

beforeEach(() => {
  store = new Store(ADA, new ReadMarks(ADA.id, new Shelf()));
  applyEvent(store, "READY", { user: ADA, session_id: "s", private_channels: [{ id: "6", type: 1, recipients: [GRACE] }] });
  applyEvent(store, "GUILD_CREATE", { id: "4", name: "Home", channels: [{ id: "5", type: 0, name: "general" }], threads: [], roles: [], members: [{ user: ADA, roles: ["8"] }, { user: GRACE, nick: "Amazing", roles: [] }], presences: [{ user: { id: "2" }, status: "online" }] });
});

test("the server is known after its event", () => {
  assert.equal(store.nameOf("2"), "Amazing");
  assert.deepEqual(store.textChannels().map(({ name }) => name), ["general"]);
  assert.equal(store.dmWith("2").id, "6");
  assert.equal(store.isOnline("2"), true);
});

test("channels that are gone after a reconnection are forgotten, conversations stay", () => {
  applyEvent(store, "GUILD_CREATE", { id: "4", name: "Home", channels: [{ id: "7", type: 0, name: "new" }], members: [] });
  assert.deepEqual([...store.channels.keys()].sort(), ["6", "7"]);
});

test("reactions are counted, one's own are known", () => {
  applyEvent(store, "MESSAGE_CREATE", message("9"));
  const event = (user) => ({ channel_id: "5", message_id: "9", user_id: user, emoji: { id: null, name: "👍" } });
  applyEvent(store, "MESSAGE_REACTION_ADD", event("2"));
  applyEvent(store, "MESSAGE_REACTION_ADD", event("1"));
  assert.deepEqual(store.timeline("5").get("9").reactions, [{ emoji: { id: null, name: "👍" }, count: 2, me: true }]);
  applyEvent(store, "MESSAGE_REACTION_REMOVE", event("1"));
  applyEvent(store, "MESSAGE_REACTION_REMOVE", event("2"));
  assert.deepEqual(store.timeline("5").get("9").reactions, []);
});

test("messages elsewhere are unread, mentions and private ones count", () => {
  applyEvent(store, "MESSAGE_CREATE", message("9"));
  applyEvent(store, "MESSAGE_CREATE", message("10", { mentions: [ADA] }));
  applyEvent(store, "MESSAGE_CREATE", message("11", { mention_roles: ["8"] }));
  applyEvent(store, "MESSAGE_CREATE", message("12", { author: ADA }));
  assert.deepEqual(store.unread.get("5"), { messages: 3, mentions: 2 });
  store.viewing = "5";
  store.markRead("5");
  applyEvent(store, "MESSAGE_CREATE", message("13"));
  assert.equal(store.unread.has("5"), false);
});

test("what was said while one was away is unread until it is read", () => {
  applyEvent(store, "CHANNEL_UPDATE", { id: "5", type: 0, name: "general", last_message_id: "20" });
  applyEvent(store, "CHANNEL_UPDATE", { id: "6", type: 1, last_message_id: "21" });
  assert.deepEqual([...store.unread], [["5", { messages: 1, mentions: 0 }], ["6", { messages: 1, mentions: 1 }]]);
  store.markRead("5");
  applyEvent(store, "CHANNEL_UPDATE", { id: "5", type: 0, name: "general", last_message_id: "20" });
  assert.deepEqual([...store.unread.keys()], ["6"]);
});

test("who writes stops typing when the message is there", () => {
  applyEvent(store, "TYPING_START", { channel_id: "5", user_id: "2" });
  assert.deepEqual(store.typersIn("5"), ["Amazing"]);
  applyEvent(store, "MESSAGE_CREATE", message("9"));
  assert.deepEqual(store.typersIn("5"), []);
});

test("deleted messages go, unknown events change nothing", () => {
  applyEvent(store, "MESSAGE_CREATE", message("9"));
  applyEvent(store, "MESSAGE_CREATE", message("10"));
  applyEvent(store, "MESSAGE_DELETE_BULK", { channel_id: "5", ids: ["9", "10"] });
  applyEvent(store, "SOMETHING_NEW", {});
  assert.deepEqual(ids(store.timeline("5")), []);
});
