/** Discord's Markdown as the page reads it: what becomes what, and that no text can make the parser slow. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseBlocks } from "../../../playground/page/js/markdown/blocks.js";

const TAGS = { strong: "b", em: "i", u: "u", s: "s", spoiler: "spoiler", p: "p", quote: "quote", item: "li", subtext: "small" };

/** A tree in one readable line: <p>a <b>b</b></p>. */
function line(node) {
  const inner = (node.c ?? []).map(line).join("");
  if (node.t === "text") return node.v;
  if (node.t === "code") return `<code>${node.v}</code>`;
  if (node.t === "pre") return `<pre ${node.language || "-"}>${node.v}</pre>`;
  if (node.t === "link") return `<a ${node.href}>${inner}</a>`;
  if (node.t === "h") return `<h${node.level}>${inner}</h${node.level}>`;
  if (node.t === "list") return node.ordered ? `<ol ${node.start}>${inner}</ol>` : `<ul>${inner}</ul>`;
  if (TAGS[node.t]) return `<${TAGS[node.t]}>${inner}</${TAGS[node.t]}>`;
  return `{${node.t} ${node.id ?? node.v ?? node.seconds}}`;
}

const read = (text) => parseBlocks(text).map(line).join("");

const CASES = [
  ["plain words", "<p>plain words</p>"],
  ["**bold** *it* _it_ __under__ ~~gone~~", "<p><b>bold</b> <i>it</i> <i>it</i> <u>under</u> <s>gone</s></p>"],
  ["***both***", "<p><b><i>both</i></b></p>"],
  ["**bold *it* more**", "<p><b>bold <i>it</i> more</b></p>"],
  ["*it **bold** more*", "<p><i>it <b>bold</b> more</i></p>"],
  ["||hidden **b**||", "<p><spoiler>hidden <b>b</b></spoiler></p>"],
  ["snake_case_name", "<p>snake_case_name</p>"],
  ["2 * 3 * 4", "<p>2 * 3 * 4</p>"],
  ["**never closed", "<p>**never closed</p>"],
  ["||a **b|| c**", "<p><spoiler>a **b</spoiler> c**</p>"],
  ["\\*not it\\*", "<p>*not it*</p>"],
  ["****", "<p>****</p>"],
  ["`a **b**`", "<p><code>a **b**</code></p>"],
  ["``a`b``", "<p><code>a`b</code></p>"],
  ["`open", "<p>`open</p>"],
  ["```py\nprint(1)\n```", "<pre py>print(1)</pre>"],
  ["```\nplain\n```", "<pre ->plain</pre>"],
  ["a ```b``` c", "<p>a </p><pre ->b</pre><p> c</p>"],
  ["```open\nfor ever", "<p>```open\nfor ever</p>"],
  ["> one\n> two\nthree", "<quote><p>one\ntwo</p></quote><p>three</p>"],
  [">>> all\nof it", "<quote><p>all\nof it</p></quote>"],
  ["> > not deeper", "<quote><p>> not deeper</p></quote>"],
  ["# One\n## Two\n### Three\n#### four", "<h1>One</h1><h2>Two</h2><h3>Three</h3><p>#### four</p>"],
  ["#no heading", "<p>#no heading</p>"],
  ["-# small", "<small>small</small>"],
  ["- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"],
  ["3. a\n4. b", "<ol 3><li>a</li><li>b</li></ol>"],
  ["- a\n1. b", "<ul><li>a</li></ul><ol 1><li>b</li></ol>"],
  ["see https://a.example/b(c).", "<p>see <a https://a.example/b(c)>https://a.example/b(c)</a>.</p>"],
  ["(https://a.example/b)", "<p>(<a https://a.example/b>https://a.example/b</a>)</p>"],
  ["<https://a.example>", "<p><a https://a.example>https://a.example</a></p>"],
  ["[**here**](https://a.example)", "<p><a https://a.example><b>here</b></a></p>"],
  ["[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"],
  ["https://a.example/snake_case_name", "<p><a https://a.example/snake_case_name>https://a.example/snake_case_name</a></p>"],
  ["<@1> <@!2> <@&3> <#4>", "<p>{user 1} {user 2} {role 3} {channel 4}</p>"],
  ["<:wave:5> <a:wave:6> </ask:7>", "<p>{emoji 5} {emoji 6} {command 7}</p>"],
  ["<t:1700000000:R>", "<p>{time 1700000000}</p>"],
  ["@everyone @here", "<p>{everyone @everyone} {everyone @here}</p>"],
  ["<script>alert(1)</script>", "<p><script>alert(1)</script></p>"],
  ["", ""],
  ["a\n\n\nb", "<p>a\n\n\nb</p>"],
];

for (const [text, expected] of CASES) {
  test(JSON.stringify(text), () => assert.equal(read(text), expected));
}

const MARKS = ["*", "**", "***", "_", "__", "~~", "||", "`", "``", "```", "[", "](", "[a](https://", "<", "<@", "<t:", "https://", "(", ")", "> ", ">>> ", "- ", "  - ", "1. ", "# ", "\n", " ", "\\", "a"];

/** The words that a person would still see: every character that is no mark. */
const letters = (text) => text.replace(/[^a-z]/g, "");

test("hostile texts end and lose no word (a parser that explodes would never come back)", () => {
  for (const first of MARKS) {
    for (const second of MARKS) {
      const text = `${(first + second).repeat(3000).slice(0, 8000)}`;
      parseBlocks(text);
    }
  }
});

test("marks around a word keep the word", () => {
  for (const first of MARKS.filter((mark) => !/[a-z]/.test(mark))) {
    for (const second of MARKS.filter((mark) => !/[a-z]/.test(mark))) {
      assert.equal(letters(read(`${first}${second}zebra`)).replace(/(pre|quote|spoiler|ul|ol|li|code)/g, "").includes("zebra"), true);
    }
  }
});
