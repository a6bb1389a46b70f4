/** What people type ("@Ada") ↔ what Discord stores ("<@1>"). Pure. */

const CODE = /(```[\s\S]*?```|`[^`\n]*`)/;
const BOUNDARY = /[\p{L}\p{N}_]/u;

/** Longest names first, so that "@Ada Lovelace" wins over "@Ada". */
function byLength(entries) {
  return [...entries].sort((a, b) => b.name.length - a.name.length);
}

function encodePlain(text, entries) {
  let out = "";
  let index = 0;
  while (index < text.length) {
    const entry = text[index] === "@" || text[index] === "#" ? matchAt(text, index, entries) : null;
    out += entry ? entry.code : text[index];
    index += entry ? entry.sigil.length + entry.name.length : 1;
  }
  return out;
}

function matchAt(text, index, entries) {
  if (index > 0 && BOUNDARY.test(text[index - 1])) return null;
  return entries.find(({ sigil, name }) => {
    if (text[index] !== sigil) return false;
    const end = index + 1 + name.length;
    const same = text.slice(index + 1, end).toLowerCase() === name.toLowerCase();
    return same && !BOUNDARY.test(text[end] ?? " ");
  });
}

/**
 * @param {string} text as typed
 * @param {{sigil: "@"|"#", name: string, code: string}[]} entries who and what can be mentioned
 * @returns {string} with mentions in Discord's form; code stays as it is
 */
export function encodeMentions(text, entries) {
  const sorted = byLength(entries);
  return text.split(CODE).map((part, index) => (index % 2 ? part : encodePlain(part, sorted))).join("");
}

/** The other way round, for editing a message that was sent. */
export function decodeMentions(text, entries) {
  const names = new Map(entries.map(({ code, sigil, name }) => [code, sigil + name]));
  return text.replace(/<(?:@!?|@&|#)\d+>/g, (code) => names.get(code.replace("@!", "@")) ?? code);
}

/** The "@par" that the caret stands behind, or null. */
export function mentionQuery(text, caret) {
  const match = /(?:^|[\s(])([@#])([^\s@#]{0,32})$/u.exec(text.slice(0, caret));
  return match && { sigil: match[1], query: match[2], start: caret - match[2].length - 1 };
}
