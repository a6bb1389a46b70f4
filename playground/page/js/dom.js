/** Small helpers to build elements. User text only ever becomes text nodes, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Own line icons, drawn in a 24-unit square. */
const ICONS = {
  hash: "M9 4 7 20M17 4l-2 16M4 9h16M4 15h16",
  thread: "M5 5h14v10H11l-4 4v-4H5zM9 9h6M9 12h4",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4 20c1-4 4-6 8-6s7 2 8 6",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 19c.7-3.4 3-5 6.500-5s5.800 1.600 6.500 5M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500c2 .6 3 2 3.500 4.500",
  apps: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z",
  menu: "M4 6h16M4 12h16M4 18h16",
  close: "M6 6l12 12M18 6 6 18",
  reply: "M9 6 4 11l5 5M4 11h9c4 0 6 2 7 7",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8.500 14c1 1.600 2 2.300 3.500 2.300s2.500-.7 3.500-2.300M9 9.500v.5M15 9.500v.5",
  pencil: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  send: "M4 12 20 4l-5 16-3-7z",
  down: "M12 5v14M6 13l6 6 6-6",
  slash: "M16 4 8 20",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  external: "M14 4h6v6M20 4l-9 9M18 14v5H5V6h5",
  forward: "M15 6l5 5-5 5M20 11h-9c-4 0-6 2-7 7",
  poll: "M5 20V10M12 20V4M19 20v-7",
  plus: "M12 5v14M5 12h14",
};

/**
 * Build an element. Properties: `class`, `text`, `on` (listeners), `data`, aria and other attributes by their names;
 * a value of false, null or undefined leaves the attribute out.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) apply(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function apply(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name === "on") Object.entries(value).forEach(([type, listener]) => element.addEventListener(type, listener));
  else if (name === "text") element.textContent = value;
  else if (name === "data") Object.assign(element.dataset, value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows only an icon; its label is read out and shown as a tip. */
export function iconButton(name, label, onClick, extra = {}) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, on: { click: onClick }, ...extra }, icon(name));
}

/** Whether an address is served by this very playground; nothing else is ever loaded. */
export function isLocal(address) {
  try {
    return new URL(address, location.href).origin === location.origin;
  } catch {
    return false;
  }
}
