/** A small board of emoji for reactions and texts. */

import { el } from "../dom.js";

const EMOJI = [..."👍👎❤️😂🎉😮😢🙏👀🔥✅❌🤔💡🚀👏😀😅😍😎🤖🐛📌⭐💬🙌🥳☕🌱🍀🎨📚".matchAll(/\p{Extended_Pictographic}\uFE0F?/gu)].map(([emoji]) => emoji);

function place(board, anchor) {
  const { top, bottom, right } = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = board;
  const y = top - height - 6 > 0 ? top - height - 6 : Math.min(bottom + 6, innerHeight - height - 8);
  board.style.top = `${Math.max(8, y)}px`;
  board.style.left = `${Math.max(8, Math.min(right - width, innerWidth - width - 8))}px`;
}

/** Let the person choose one emoji beside a button. */
export function pickEmoji(anchor, onPick) {
  const end = new AbortController();
  const board = el("div", { class: "emoji-board", role: "dialog", "aria-label": "Choose an emoji" });
  const close = () => {
    end.abort();
    board.remove();
    if (anchor.isConnected) anchor.focus();
  };
  const pick = (emoji) => {
    close();
    onPick(emoji);
  };
  board.append(...EMOJI.map((emoji) => el("button", { type: "button", "aria-label": emoji, text: emoji, on: { click: () => pick(emoji) } })));
  board.addEventListener("keydown", (event) => moveOrClose(event, board, close));
  addEventListener("pointerdown", ({ target }) => board.contains(target) || close(), { signal: end.signal, capture: true });
  document.body.append(board);
  place(board, anchor);
  board.firstElementChild.focus();
}

const STEPS = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 };

function moveOrClose(event, board, close) {
  if (event.key === "Escape") {
    event.stopPropagation();
    close();
    return;
  }
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...board.children];
  buttons[buttons.indexOf(document.activeElement) + step]?.focus();
}
