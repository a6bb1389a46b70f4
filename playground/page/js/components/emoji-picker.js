/** Small boards of choices beside a button: emoji, stickers, a menu. */

import { el } from "../dom.js";

const EMOJI = [..."👍👎❤️😂🎉😮😢🙏👀🔥✅❌🤔💡🚀👏😀😅😍😎🤖🐛📌⭐💬🙌🥳☕🌱🍀🎨📚".matchAll(/\p{Extended_Pictographic}\uFE0F?/gu)].map(([emoji]) => emoji);

function place(board, anchor) {
  const { top, bottom, left, right } = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = board;
  const y = top - height - 6 > 0 ? top - height - 6 : Math.min(bottom + 6, innerHeight - height - 8);
  board.style.top = `${Math.max(8, y)}px`;
  const x = left + right < innerWidth ? left : right - width;
  board.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
}

/** Let the person choose one emoji beside a button. */
export function pickEmoji(anchor, onPick) {
  board(anchor, "Choose an emoji", EMOJI.map((emoji) => ({ label: emoji, content: emoji, pick: () => onPick(emoji) })), "emoji-board");
}

/**
 * A board of buttons beside another button; it closes once one was chosen.
 * @param {{label: string, content: Node|string, pick: () => void}[]} choices
 */
export function board(anchor, label, choices, kind) {
  const end = new AbortController();
  const element = el("div", { class: `board ${kind}`, role: "dialog", "aria-label": label });
  const close = () => {
    end.abort();
    element.remove();
    if (anchor.isConnected) anchor.focus();
  };
  const choose = (pick) => {
    close();
    pick();
  };
  element.append(...choices.map((choice) => el("button", { type: "button", "aria-label": choice.label, on: { click: () => choose(choice.pick) } }, choice.content)));
  element.addEventListener("keydown", (event) => moveOrClose(event, element, close));
  addEventListener("pointerdown", ({ target }) => element.contains(target) || close(), { signal: end.signal, capture: true });
  document.body.append(element);
  place(element, anchor);
  element.firstElementChild.focus();
}

/** How far each arrow goes: by rows of the board's own width. */
function stepsOf(board) {
  const row = getComputedStyle(board).gridTemplateColumns.split(" ").length;
  return { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row };
}

function moveOrClose(event, board, close) {
  if (event.key === "Escape") {
    event.stopPropagation();
    close();
    return;
  }
  const step = stepsOf(board)[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...board.children];
  buttons[buttons.indexOf(document.activeElement) + step]?.focus();
}
