/** Mentions, slash commands and dates: the page's pure parts beside Markdown. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { entriesOf, matchEntries, menusOf, optionTree, typedEntry } from "../../../playground/page/js/commands.js";
import { localeFor, named } from "../../../playground/page/js/language.js";
import { decodeMentions, encodeMentions, mentionQuery } from "../../../playground/page/js/mentions.js";
import { compareIds, dateOf, makeNonce } from "../../../playground/page/js/snowflake.js";
import { relative, timestamp } from "../../../playground/page/js/time.js";

const PEOPLE = [
  { sigil: "@", name: "Ada", code: "<@1>" },
  { sigil: "@", name: "Ada Lovelace", code: "<@2>" },
  { sigil: "#", name: "general", code: "<#3>" },
];

test("names become mentions, the longest first", () => {
  assert.equal(encodeMentions("@Ada and @ada lovelace in #general", PEOPLE), "<@1> and <@2> in <#3>");
});

test("what only looks like a name stays", () => {
  assert.equal(encodeMentions("@Adam me@Ada #generally", PEOPLE), "@Adam me@Ada #generally");
  assert.equal(encodeMentions("`@Ada` ```\n@Ada\n``` @Ada", PEOPLE), "`@Ada` ```\n@Ada\n``` <@1>");
});

test("editing shows names again", () => {
  assert.equal(decodeMentions("<@1> <@!2> <#3> <@9>", PEOPLE), "@Ada @Ada Lovelace #general <@9>");
});

test("the caret stands behind a mention", () => {
  assert.deepEqual(mentionQuery("hello @Ad", 9), { sigil: "@", query: "Ad", start: 6 });
  assert.deepEqual(mentionQuery("@", 1), { sigil: "@", query: "", start: 0 });
  assert.equal(mentionQuery("me@example", 10), null);
  assert.equal(mentionQuery("@Ada is here", 12), null);
});

const INDEX = {
  application_commands: [
    { id: "1", name: "summarize", description: "The last messages", options: [{ type: 4, name: "count", description: "How many" }] },
    { id: "2", name: "ask", type: 1, description: "A question", contexts: [0, 1] },
    { id: "3", name: "admin", description: "Staff", contexts: [0], options: [{ type: 2, name: "model", options: [{ type: 1, name: "set", description: "Choose", options: [] }] }] },
    { id: "4", name: "Translate this", type: 3, description: "" },
  ],
};

const names = (entries) => entries.map(({ name }) => name);

test("commands are listed by name, subcommands one by one, menus of messages not at all", () => {
  assert.deepEqual(names(entriesOf(INDEX, false)), ["admin model set", "ask", "summarize"]);
  assert.deepEqual(names(entriesOf(INDEX, true)), ["ask", "summarize"]);
});

test("a message's menu has the commands for messages", () => {
  assert.deepEqual(names(menusOf(INDEX, false)), ["Translate this"]);
});

test("commands are shown in the reader's language and sent by their own names", () => {
  const set = { type: 1, name: "set", name_localizations: { fr: "choisir" }, description: "Choose", description_localizations: { fr: "Choisir" } };
  const index = { application_commands: [{ id: "1", name: "admin", name_localizations: { fr: "gestion" }, description: "Staff", options: [{ type: 2, name: "model", options: [set] }] }] };
  const [entry] = entriesOf(index, false, "fr");
  assert.equal(entry.name, "gestion model choisir");
  assert.equal(entry.description, "Choisir");
  assert.deepEqual(entry.path, ["model", "set"]);
  assert.deepEqual(names(entriesOf(index, false, "ja")), ["admin model set"]);
  assert.deepEqual(matchEntries([entry], "adm"), [entry]);
  assert.deepEqual(typedEntry([entry], "/admin model set x"), { entry, rest: "x" });
  assert.deepEqual(typedEntry([entry], "/gestion model choisir"), { entry, rest: "" });
  assert.equal(named({ name: "how", name_localizations: null }, "fr"), "how");
});

test("a browser's language becomes one that Steward speaks", () => {
  assert.deepEqual(["pt-PT", "ja", "es-419", "en-GB", "tlh"].map(localeFor), ["pt-BR", "ja", "es-ES", "en-US", "en-US"]);
});

test("typing narrows the list", () => {
  const entries = entriesOf(INDEX, false);
  assert.deepEqual(names(matchEntries(entries, "su")), ["summarize"]);
  assert.deepEqual(names(matchEntries(entries, "")), ["admin model set", "ask", "summarize"]);
  assert.deepEqual(names(matchEntries(entries, "question")), ["ask"]);
});

test("a command typed in full takes the rest as its first option", () => {
  const entries = entriesOf(INDEX, false);
  assert.deepEqual(typedEntry(entries, "/ask why not").rest, "why not");
  assert.equal(typedEntry(entries, "/asking"), undefined);
});

test("options of a subcommand are nested as Discord nests them", () => {
  const leaf = [{ type: 3, name: "name", value: "x" }];
  assert.deepEqual(optionTree([], leaf), leaf);
  assert.deepEqual(optionTree(["model", "set"], leaf), [{ type: 2, name: "model", options: [{ type: 1, name: "set", options: leaf }] }]);
});

test("ids are ordered as numbers and carry their time", () => {
  assert.deepEqual(["10", "9", "100"].sort(compareIds), ["9", "10", "100"]);
  assert.equal(dateOf("175928847299117063").toISOString(), "2016-04-30T11:18:25.796Z");
  assert.equal(Math.abs(dateOf(makeNonce()) - Date.now()) < 60_000, true);
});

test("timestamps are read in their styles; impossible ones are not dates", () => {
  const now = new Date("2026-01-01T12:00:00Z");
  assert.equal(relative(new Date("2026-01-01T12:03:00Z"), now), "in 3 minutes");
  assert.equal(relative(new Date("2025-12-30T12:00:00Z"), now), "2 days ago");
  assert.equal(timestamp(8_640_000_000_001, "f"), null);
});
