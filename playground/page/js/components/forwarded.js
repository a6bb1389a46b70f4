/** A forwarded message: what another one said when it was forwarded, and the way to it. */

import { el, icon } from "../dom.js";
import { patchMarkdown } from "../markdown/render.js";
import { friendly } from "../time.js";
import { attachment, embed, sticker } from "./embed.js";

export function forwarded({ message_snapshots: snapshots, message_reference: reference }, view) {
  return (snapshots ?? []).map(({ message }) => {
    const text = el("div", { class: "markdown" });
    patchMarkdown(text, message.content ?? "", view.names);
    const place = view.names.channel(reference.channel_id);
    const source = `${place ? `#${place.name} · ` : ""}${friendly(new Date(message.timestamp))}`;
    const jump = place && el("button", { type: "button", class: "text-button", text: source, on: { click: () => view.open(reference.channel_id, reference.message_id) } });
    return el(
      "blockquote",
      { class: "forwarded" },
      el("div", { class: "forwarded-head muted" }, icon("forward"), "Forwarded"),
      message.content ? text : null,
      ...(message.embeds ?? []).map((data) => embed(data, view.names)),
      ...(message.attachments ?? []).map(attachment),
      ...(message.sticker_items ?? []).map(sticker),
      el("div", { class: "muted forwarded-source" }, jump ?? source),
    );
  });
}
