/** Embeds and attachments of a message. Pictures are shown only when this playground itself serves them. */

import { el, icon, isLocal } from "../dom.js";
import { inlineNodes, patchMarkdown } from "../markdown/render.js";
import { friendly } from "../time.js";

const UNITS = ["bytes", "KB", "MB", "GB"];

function markdown(text, names, name) {
  const element = el("div", { class: `markdown ${name}` });
  patchMarkdown(element, text, names);
  return element;
}

function titleOf({ title, url }, names) {
  if (!title) return null;
  const safe = /^https?:\/\//.test(url ?? "");
  const inner = inlineNodes(title, names);
  const content = safe ? [el("a", { class: "link", href: url, target: "_blank", rel: "noreferrer noopener" }, ...inner)] : inner;
  return el("div", { class: "embed-title" }, ...content);
}

function fieldOf({ name, value, inline }, names) {
  return el("div", { class: `embed-field${inline ? " inline" : ""}` }, el("div", { class: "embed-field-name" }, ...inlineNodes(name, names)), markdown(value, names, "embed-field-value"));
}

function picture(image) {
  const address = image?.proxy_url ?? image?.url;
  return address && isLocal(address) ? el("img", { class: "embed-image", src: address, alt: image.description ?? "", loading: "lazy" }) : null;
}

function footerOf({ footer, timestamp }) {
  const parts = [footer?.text, timestamp && friendly(new Date(timestamp))].filter(Boolean);
  return parts.length ? el("div", { class: "embed-footer", text: parts.join(" • ") }) : null;
}

export function embed(data, names) {
  const element = el(
    "article",
    { class: "embed" },
    data.author?.name && el("div", { class: "embed-author", text: data.author.name }),
    titleOf(data, names),
    data.description && markdown(data.description, names, "embed-description"),
    data.fields?.length && el("div", { class: "embed-fields" }, data.fields.map((field) => fieldOf(field, names))),
    picture(data.image ?? data.thumbnail),
    footerOf(data),
  );
  if (data.color) element.style.setProperty("--edge", `#${data.color.toString(16).padStart(6, "0")}`);
  return element;
}

export function sizeText(bytes) {
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${UNITS[step]}`;
}

export function attachment(data) {
  const address = data.url ?? "";
  if ((data.content_type ?? "").startsWith("image/") && isLocal(address)) {
    const picture = el("img", { class: "attachment-image", src: address, alt: data.description ?? data.filename, width: data.width, height: data.height, loading: "lazy" });
    return el("a", { class: "attachment-link", href: address, target: "_blank", rel: "noopener" }, picture);
  }
  const name = isLocal(address) ? el("a", { class: "link", href: address, download: data.filename, text: data.filename }) : el("span", { text: data.filename });
  return el("div", { class: "attachment" }, icon("file"), el("div", {}, name, el("div", { class: "muted", text: sizeText(data.size ?? 0) })));
}

export function sticker({ id, name }) {
  return el("img", { class: "sticker", src: `/cdn/stickers/${id}.png`, alt: `Sticker: ${name}`, title: name, width: 128, height: 128 });
}
