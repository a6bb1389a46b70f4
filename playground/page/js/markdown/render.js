/**
 * Trees of the Markdown parser → DOM nodes. Names of people, roles and channels come from a `names` object:
 * `user(id)`, `role(id)`, `channel(id)` → {name, color?}|null, `me` (id), `jump({channelId, messageId})`, `guildId`.
 */

import { el, icon } from "../dom.js";
import { full, timestamp } from "../time.js";
import { parseBlocks } from "./blocks.js";
import { parseInline } from "./inline.js";

const JUMP = /^https?:\/\/(?:[\w.:-]+)\/(?:#\/)?channels\/(\d+|@me)\/(\d+)(?:\/(\d+))?$/;
const TAGS = { strong: "strong", em: "em", u: "u", s: "s" };

/** The place in this server that an address names, or null. */
export function jumpTarget(address, names) {
  const match = JUMP.exec(address);
  if (!match || !names.channel(match[2])) return null;
  return { channelId: match[2], messageId: match[3] ?? null };
}

const nodes = (children, names) => children.map((child) => render(child, names));

function mention(text, known, extra = {}) {
  return el("span", { class: `mention${known ? "" : " unknown"}`, ...extra, text });
}

function jumpLink(target, node, names) {
  const label = node.masked ? nodes(node.c, names) : [`#${names.channel(target.channelId).name} › message`];
  const open = (event) => {
    event.preventDefault();
    names.jump(target);
  };
  return el("a", { class: node.masked ? "link" : "mention link-mention", href: node.href, on: { click: open } }, ...label);
}

function link(node, names) {
  const target = jumpTarget(node.href, names);
  if (target) return jumpLink(target, node, names);
  const title = node.masked ? node.href : null;
  return el("a", { class: "link", href: node.href, title, target: "_blank", rel: "noreferrer noopener" }, ...nodes(node.c, names));
}

function spoiler(node, names) {
  const element = el("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler, press to show" });
  element.append(el("span", {}, ...nodes(node.c, names)));
  const show = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    if (element.classList.contains("shown")) return;
    event.preventDefault();
    element.classList.add("shown");
    ["role", "tabindex", "aria-label"].forEach((name) => element.removeAttribute(name));
  };
  element.addEventListener("click", show);
  element.addEventListener("keydown", show);
  return element;
}

function time(node) {
  const text = timestamp(node.seconds, node.style);
  if (text === null) return document.createTextNode(`<t:${node.seconds}:${node.style}>`);
  return el("time", { class: "timestamp", title: full(new Date(node.seconds * 1000)), text });
}

function channel(node, names) {
  const found = names.channel(node.id);
  if (!found) return mention("#unknown", false);
  const open = () => names.jump({ channelId: node.id, messageId: null });
  return el("button", { type: "button", class: "mention", on: { click: open }, text: `#${found.name}` });
}

function pre(node) {
  const copy = el("button", { type: "button", class: "copy-code", "aria-label": "Copy code", title: "Copy" }, icon("copy"));
  copy.addEventListener("click", () => navigator.clipboard?.writeText(node.v));
  const code = el("pre", { tabindex: "0" }, el("code", { text: node.v }));
  const head = el("div", { class: "code-head" }, el("span", { text: node.language || "code" }), copy);
  return el("div", { class: "code-block" }, head, code);
}

const INLINE = {
  text: (node) => document.createTextNode(node.v),
  code: (node) => el("code", { class: "inline-code", text: node.v }),
  link,
  spoiler,
  time,
  channel,
  everyone: (node) => mention(node.v, true),
  user: (node, names) => mention(`@${names.user(node.id)?.name ?? "unknown-user"}`, names.user(node.id), { class: `mention${node.id === names.me ? " me" : ""}` }),
  role: (node, names) => mention(`@${names.role(node.id)?.name ?? "unknown-role"}`, names.role(node.id)),
  emoji: (node) => el("span", { class: "custom-emoji", title: `:${node.v}:`, text: `:${node.v}:` }),
  command: (node) => mention(`/${node.v}`, true),
};

const BLOCKS = {
  p: (node, names) => el("p", {}, ...nodes(node.c, names)),
  h: (node, names) => el(`h${node.level + 2}`, { class: `h h${node.level}` }, ...nodes(node.c, names)),
  subtext: (node, names) => el("small", { class: "subtext" }, ...nodes(node.c, names)),
  quote: (node, names) => el("blockquote", {}, ...nodes(node.c, names)),
  list: (node, names) => el(node.ordered ? "ol" : "ul", { start: node.ordered ? node.start : null }, ...nodes(node.c, names)),
  item: (node, names) => el("li", {}, ...nodes(node.c, names)),
  pre,
};

function render(node, names) {
  if (TAGS[node.t]) return el(TAGS[node.t], {}, ...nodes(node.c, names));
  return (INLINE[node.t] ?? BLOCKS[node.t])(node, names);
}

/**
 * Show a text in a container, touching only the blocks that changed since the last call: a streamed reply
 * keeps its selection, opened spoilers and scroll places.
 */
export function patchMarkdown(container, text, names) {
  const blocks = parseBlocks(text);
  blocks.forEach((block, index) => {
    const key = JSON.stringify(block);
    const present = container.children[index];
    if (present?.markdownKey === key) return;
    const fresh = render(block, names);
    fresh.markdownKey = key;
    if (present) present.replaceWith(fresh);
    else container.append(fresh);
  });
  while (container.children.length > blocks.length) container.lastElementChild.remove();
}

/** Inline Markdown only, for titles and field names. */
export function inlineNodes(text, names) {
  return nodes(parseInline(text), names);
}

const BREAKS = new Set(["p", "h", "item", "pre", "quote", "subtext"]);

function plain(node, names) {
  if (node.t === "pre") return `${node.v} `;
  if (node.t === "user") return `@${names.user(node.id)?.name ?? "unknown-user"}`;
  if (node.t === "role") return `@${names.role(node.id)?.name ?? "unknown-role"}`;
  if (node.t === "channel") return `#${names.channel(node.id)?.name ?? "unknown"}`;
  if (node.t === "spoiler") return "▇▇▇";
  if (node.t === "time") return timestamp(node.seconds, node.style) ?? "";
  const inner = node.c ? node.c.map((child) => plain(child, names)).join("") : (node.v ?? "");
  return BREAKS.has(node.t) ? `${inner} ` : inner;
}

/** A text without its marks, in one line: for quoted lines and for what is read out. */
export function plainText(text, names) {
  return parseBlocks(text).map((block) => plain(block, names)).join("").replace(/\s+/g, " ").trim();
}
