/**
 * Block part of Discord's Markdown: fences, quotes, headings, lists, lines of text. Pure; linear in the text.
 *
 * @typedef {import("./inline.js").Node} Node
 */

import { parseInline } from "./inline.js";

const HEADING = /^(#{1,3})[ \t]+(\S.*)$/;
const SUBTEXT = /^-#[ \t]+(\S.*)$/;
const ITEM = /^( {0,40})([-*]|\d{1,9}\.)[ \t]+(\S.*)$/;
const FENCE = "```";
const LANGUAGE = /^([\w+#.-]{1,20})\n/;
const DEEPEST_LIST = 10;

/** Nest flat items by their indentation, at most DEEPEST_LIST levels. */
function nest(items) {
  const root = { t: "list", ordered: items[0].ordered, start: items[0].start, c: [] };
  const path = [{ indent: items[0].indent, list: root }];
  for (const item of items) {
    while (path.length > 1 && item.indent < path[path.length - 1].indent) path.pop();
    let { list, indent } = path[path.length - 1];
    if (item.indent > indent && list.c.length && path.length < DEEPEST_LIST) {
      const child = { t: "list", ordered: item.ordered, start: item.start, c: [] };
      list.c[list.c.length - 1].c.push(child);
      path.push({ indent: item.indent, list: child });
      list = child;
    }
    list.c.push({ t: "item", c: parseInline(item.text) });
  }
  return root;
}

class Blocks {
  constructor(text, quoted) {
    this.text = text;
    this.quoted = quoted;
    this.index = 0;
    this.blocks = [];
    this.lines = [];
    this.fencesLeft = true;
  }

  parse() {
    while (this.index < this.text.length) this.step();
    this.flush();
    return this.blocks;
  }

  /** What was collected as running text becomes one paragraph. */
  flush() {
    const text = this.lines.join("\n");
    this.lines = [];
    if (text.trim()) this.blocks.push({ t: "p", c: parseInline(text.replace(/^\n+|\n+$/g, (m) => m.slice(1))) });
  }

  add(block) {
    this.flush();
    this.blocks.push(block);
  }

  line(from = this.index) {
    const end = this.text.indexOf("\n", from);
    return this.text.slice(from, end < 0 ? this.text.length : end);
  }

  step() {
    const line = this.line();
    if (!this.quoted && this.quote(line)) return;
    if (this.titled(line) || this.list(line) || this.fence(line)) return;
    this.lines.push(line);
    this.index += line.length + 1;
  }

  quote(line) {
    if (line.startsWith(">>> ")) {
      this.add({ t: "quote", c: parseBlocks(this.text.slice(this.index + 4), true) });
      this.index = this.text.length;
      return true;
    }
    const inner = [];
    let current = line;
    while (this.index < this.text.length && (current.startsWith("> ") || current === ">")) {
      inner.push(current.slice(2));
      this.index += current.length + 1;
      current = this.line();
    }
    if (!inner.length) return false;
    this.add({ t: "quote", c: parseBlocks(inner.join("\n"), true) });
    return true;
  }

  titled(line) {
    const heading = HEADING.exec(line);
    const subtext = heading ? null : SUBTEXT.exec(line);
    if (!heading && !subtext) return false;
    if (heading) this.add({ t: "h", level: heading[1].length, c: parseInline(heading[2]) });
    else this.add({ t: "subtext", c: parseInline(subtext[1]) });
    this.index += line.length + 1;
    return true;
  }

  list(line) {
    const items = [];
    let current = line;
    for (let match = ITEM.exec(current); match && this.index < this.text.length; match = ITEM.exec(current)) {
      const ordered = /\d/.test(match[2]);
      const [first] = items;
      if (first && match[1].length <= first.indent && ordered !== first.ordered) break;
      items.push({ indent: match[1].length, ordered, start: ordered ? parseInt(match[2], 10) : 1, text: match[3] });
      this.index += current.length + 1;
      current = this.line();
    }
    if (!items.length) return false;
    this.add(nest(items));
    return true;
  }

  /** A fence may begin in the middle of a line and must be closed somewhere. */
  fence(line) {
    const opening = this.fencesLeft ? line.indexOf(FENCE) : -1;
    if (opening < 0) return false;
    const from = this.index + opening + FENCE.length;
    const end = this.text.indexOf(FENCE, from);
    this.fencesLeft = end >= 0;
    if (end < 0 || !this.text.slice(from, end).trim()) return false;
    if (opening) this.lines.push(line.slice(0, opening));
    this.add(this.code(this.text.slice(from, end)));
    this.index = end + FENCE.length;
    if (this.text[this.index] === "\n") this.index += 1;
    return true;
  }

  code(inner) {
    const language = LANGUAGE.exec(inner);
    const body = language ? inner.slice(language[0].length) : inner;
    return { t: "pre", language: language?.[1] ?? "", v: body.replace(/^\n/, "").replace(/\s+$/, "") };
  }
}

/** @returns {Node[]} the blocks of one message */
export function parseBlocks(text, quoted = false) {
  return new Blocks(text, quoted).parse();
}
