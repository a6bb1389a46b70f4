/** Pictures of people, made from their names: no picture is ever loaded from elsewhere. */

import { el } from "../dom.js";

const BOT_PICTURE = "/page/steward.svg";

/** A steady hue for a name. */
function hueOf(text) {
  let hash = 7;
  for (const char of text) hash = (hash * 31 + char.codePointAt(0)) % 3600;
  return hash % 360;
}

function initials(name) {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "?";
}

/** @param {{bot?: boolean}|null} user @param {string} name */
export function avatar(user, name, size = 40) {
  const element = el("span", { class: "avatar", "aria-hidden": "true" });
  element.style.setProperty("--size", `${size}px`);
  if (user?.bot) element.append(el("img", { src: BOT_PICTURE, alt: "", width: size, height: size }));
  else element.textContent = initials(name);
  element.style.setProperty("--hue", hueOf(name));
  return element;
}
