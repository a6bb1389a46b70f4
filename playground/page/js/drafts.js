/** Unsent texts, kept per person and channel while this tab lives. */

const key = (personId, channelId) => `steward.draft.${personId}.${channelId}`;

export function readDraft(personId, channelId) {
  return sessionStorage.getItem(key(personId, channelId)) ?? "";
}

export function keepDraft(personId, channelId, text) {
  if (text) sessionStorage.setItem(key(personId, channelId), text);
  else sessionStorage.removeItem(key(personId, channelId));
}
