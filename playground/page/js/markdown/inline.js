/**
 * Inline part of Discord's Markdown: text → tree of plain objects. Pure, and linear in the length of the text:
 * one pass with a stack that holds each kind of mark at most once. It knows nothing of the DOM.
 *
 * @typedef {{t: string, c?: Node[], v?: string, [more: string]: any}} Node
 */

const URL_TEXT = /https?:\/\/[^\s<>]+/y;
const ANGLE_URL = /<(https?:\/\/[^\s<>]+)>/y;
const MASKED = /\[([^[\]\n]{1,1000})\]\(<?(https?:\/\/[^\s()<>]{1,2000}(?:\([^\s()<>]{0,200}\)[^\s()<>]{0,500})?)>?(?: "[^"\n]{0,200}")?\)/y;
const ANGLE = /<(?:(@!?|@&|#)(\d{1,20})|(a?):(\w{2,32}):(\d{1,20})|\/([^:<>\n]{1,100}):(\d{1,20})|t:(-?\d{1,17})(?::([tTdDfFR]))?)>/y;
const EVERYONE = /@(?:everyone|here)\b/y;
const PLAIN = /[^\\`<h[@*_~|]+/y;
const ESCAPABLE = /[^\w\s]/;
const WORD = /[\p{L}\p{N}_]/u;

const KIND = { "**": "strong", "*": "em", _: "em", __: "u", "~~": "s", "||": "spoiler" };

/** Run a sticky expression at a place. */
function at(expression, text, index) {
  expression.lastIndex = index;
  return expression.exec(text);
}

/** A URL in running text does not own the punctuation that ends the sentence. */
function trimUrl(url) {
  let end = url.length;
  while (end > 0) {
    const last = url[end - 1];
    if (last === ")" && url.slice(0, end).includes("(")) break;
    if (!/[.,:;!?'"\])*_~|]/.test(last)) break;
    end -= 1;
  }
  return url.slice(0, end);
}

function angleNode(match) {
  const [, sigil, id, animated, emoji, emojiId, command, commandId, seconds, style] = match;
  if (sigil) return { t: { "#": "channel", "@&": "role" }[sigil] ?? "user", id };
  if (emoji) return { t: "emoji", v: emoji, id: emojiId, animated: animated === "a" };
  if (command) return { t: "command", v: command, id: commandId };
  return { t: "time", seconds: Number(seconds), style: style ?? "f" };
}

class Inline {
  constructor(text, insideLink) {
    this.text = text;
    this.insideLink = insideLink;
    this.index = 0;
    /** @type {{mark: string, nodes: Node[]}[]} open marks, the root first */
    this.stack = [{ mark: "", nodes: [] }];
    this.unclosedTicks = new Set();
  }

  parse() {
    while (this.index < this.text.length) this.step();
    while (this.stack.length > 1) this.abandon();
    return this.stack[0].nodes;
  }

  get top() {
    return this.stack[this.stack.length - 1];
  }

  say(text) {
    const { nodes } = this.top;
    const last = nodes[nodes.length - 1];
    if (last?.t === "text") last.v += text;
    else if (text) nodes.push({ t: "text", v: text });
  }

  put(node, length) {
    this.top.nodes.push(node);
    this.index += length;
  }

  /** An opened mark that nothing closed was plain text after all. */
  abandon() {
    const { mark, nodes } = this.stack.pop();
    this.say(mark);
    for (const node of nodes) {
      if (node.t === "text") this.say(node.v);
      else this.top.nodes.push(node);
    }
  }

  step() {
    const plain = at(PLAIN, this.text, this.index);
    if (plain) {
      this.say(plain[0]);
      this.index += plain[0].length;
      return;
    }
    if (this.special()) return;
    this.say(this.text[this.index]);
    this.index += 1;
  }

  /** @returns {boolean} whether something other than one plain character was read */
  special() {
    switch (this.text[this.index]) {
      case "\\":
        return this.escape();
      case "`":
        return this.code();
      case "<":
        return this.angle();
      case "h":
        return this.url();
      case "[":
        return this.masked();
      case "@":
        return this.everyone();
      default:
        return this.mark();
    }
  }

  escape() {
    const next = this.text[this.index + 1];
    if (next === undefined || !ESCAPABLE.test(next)) return false;
    this.say(next);
    this.index += 2;
    return true;
  }

  code() {
    const run = at(/`+/y, this.text, this.index)[0];
    const from = this.index + run.length;
    const end = this.unclosedTicks.has(run.length) ? -1 : this.closingTicks(run, from);
    if (end < 0) {
      this.unclosedTicks.add(run.length);
      this.say(run);
      this.index = from;
      return true;
    }
    const inner = this.text.slice(from, end);
    const padded = run.length > 1 && /^ .*[^ ].* $/s.test(inner);
    this.put({ t: "code", v: padded ? inner.slice(1, -1) : inner }, end + run.length - this.index);
    return true;
  }

  closingTicks(run, from) {
    const ticks = /`+/g;
    ticks.lastIndex = from;
    for (let match = ticks.exec(this.text); match; match = ticks.exec(this.text)) {
      if (match[0].length === run.length) return match.index;
    }
    return -1;
  }

  angle() {
    const match = at(ANGLE, this.text, this.index);
    if (match) {
      this.put(angleNode(match), match[0].length);
      return true;
    }
    const url = this.insideLink ? null : at(ANGLE_URL, this.text, this.index);
    if (!url) return false;
    this.put({ t: "link", href: url[1], c: [{ t: "text", v: url[1] }] }, url[0].length);
    return true;
  }

  url() {
    const match = this.insideLink ? null : at(URL_TEXT, this.text, this.index);
    const url = match && trimUrl(match[0]);
    if (!url || url.length < 9) return false;
    this.put({ t: "link", href: url, c: [{ t: "text", v: url }] }, url.length);
    return true;
  }

  masked() {
    const match = this.insideLink ? null : at(MASKED, this.text, this.index);
    if (!match) return false;
    const children = new Inline(match[1], true).parse();
    this.put({ t: "link", href: match[2], c: children, masked: true }, match[0].length);
    return true;
  }

  everyone() {
    const match = at(EVERYONE, this.text, this.index);
    if (!match) return false;
    this.put({ t: "everyone", v: match[0] }, match[0].length);
    return true;
  }

  mark() {
    const char = this.text[this.index];
    const double = this.text[this.index + 1] === char;
    const mark = this.chooseMark(char, double);
    if (!mark || !(this.close(mark) || this.open(mark))) return false;
    this.index += mark.length;
    return true;
  }

  /** `**` and `*` (and `__`, `_`) share a character: which one is meant here? */
  chooseMark(char, double) {
    if (char === "~" || char === "|") return double ? char + char : null;
    if (!double) return char;
    const innermost = this.stack.findLast(({ mark }) => mark[0] === char)?.mark;
    const runsOn = this.text[this.index + 2] === char;
    return innermost === char && runsOn ? char : char + char;
  }

  depthOf(mark) {
    return this.stack.findIndex((frame) => frame.mark === mark);
  }

  close(mark) {
    const depth = this.depthOf(mark);
    if (depth < 1) return false;
    const before = this.text[this.index - 1] ?? " ";
    const after = this.text[this.index + mark.length] ?? " ";
    if (mark.length === 1 && /\s/.test(before)) return false;
    if (mark === "_" && WORD.test(after)) return false;
    const inner = this.stack.slice(depth + 1).some(({ nodes }) => nodes.length > 0);
    if (!inner && this.stack[depth].nodes.length === 0) return false;
    while (this.stack.length > depth + 1) this.abandon();
    const { nodes } = this.stack.pop();
    this.top.nodes.push({ t: KIND[mark], c: nodes });
    return true;
  }

  open(mark) {
    if (this.depthOf(mark) > 0) return false;
    const before = this.text[this.index - 1] ?? " ";
    const after = this.text[this.index + mark.length] ?? " ";
    if (mark.length === 1 && /\s/.test(after)) return false;
    if (mark === "_" && WORD.test(before)) return false;
    this.stack.push({ mark, nodes: [] });
    return true;
  }
}

/** @returns {Node[]} */
export function parseInline(text, insideLink = false) {
  return new Inline(text, insideLink).parse();
}
