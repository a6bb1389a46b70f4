/** The language in which Steward talks to whoever is at this page; the page itself is English. */

const KEY = "language";

/** Discord's locales that Steward speaks, each by its own name. */
export const LANGUAGES = { "en-US": "English", de: "Deutsch", "es-ES": "Español", fr: "Français", "pt-BR": "Português", ja: "日本語" };

/** @returns {string} the locale of LANGUAGES that fits a browser's language best; English where none does */
export function localeFor(language) {
  const spoken = language.toLowerCase().split("-")[0];
  return Object.keys(LANGUAGES).find((locale) => locale.split("-")[0] === spoken) ?? "en-US";
}

export function readLocale() {
  const kept = localStorage.getItem(KEY);
  return kept in LANGUAGES ? kept : localeFor(navigator.language);
}

export function keepLocale(locale) {
  localStorage.setItem(KEY, locale);
}

/** What a command, option or choice is called in a language, where the bot says so. */
export function named(thing, locale, field = "name") {
  return thing[`${field}_localizations`]?.[locale] ?? thing[field];
}
