/** Slash commands as the picker shows them: one entry per command or subcommand. Pure. */

import { named } from "./language.js";

const SUBCOMMAND = 1;
const GROUP = 2;
const CHAT_INPUT = 1;
const MESSAGE_MENU = 3;

export const OPTION = { string: 3, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, attachment: 11 };

/**
 * @typedef {{command: object, path: string[], name: string, own: string, description: string, options: object[]}} Entry
 * `path` holds the names below the command: [] or ["sub"] or ["group", "sub"]; `name` and `description` are in the
 * reader's language, `own` is the name that the bot gave.
 */

function expand(owners, locale) {
  const below = (owners.at(-1).options ?? []).filter(({ type }) => type === SUBCOMMAND || type === GROUP);
  return below.flatMap((option) => (option.type === GROUP ? expand([...owners, option], locale) : [entry([...owners, option], locale)]));
}

/** @param owners the command, and the group and subcommand below it */
function entry(owners, locale) {
  const [command, ...below] = owners;
  const owner = owners.at(-1);
  return {
    command,
    path: below.map(({ name }) => name),
    name: owners.map((one) => named(one, locale)).join(" "),
    own: owners.map(({ name }) => name).join(" "),
    description: named(owner, locale, "description") ?? named(command, locale, "description"),
    options: owner.options ?? [],
  };
}

const usableInDm = ({ contexts, dm_permission: allowed }) => (contexts ? contexts.includes(1) : allowed !== false);
const usableInGuild = ({ contexts }) => !contexts || contexts.includes(0);

function usable(index, inDm, kind) {
  const commands = (index.application_commands ?? []).filter(({ type }) => (type ?? CHAT_INPUT) === kind);
  return commands.filter(inDm ? usableInDm : usableInGuild);
}

/** @returns {Entry[]} chat commands from an application-command-index, by name */
export function entriesOf(index, inDm, locale) {
  const entries = usable(index, inDm, CHAT_INPUT).flatMap((command) => {
    const expanded = expand([command], locale);
    return expanded.length ? expanded : [entry([command], locale)];
  });
  return entries.sort((a, b) => a.name.localeCompare(b.name));
}

/** @returns {Entry[]} the commands that a message's menu offers, by name */
export function menusOf(index, inDm, locale) {
  const entries = usable(index, inDm, MESSAGE_MENU).map((command) => entry([command], locale));
  return entries.sort((a, b) => a.name.localeCompare(b.name));
}

/** Entries that fit what was typed after the slash; names first, then descriptions. */
export function matchEntries(entries, typed) {
  const query = typed.toLowerCase();
  const starts = entries.filter(({ name, own }) => name.startsWith(query) || own.startsWith(query));
  const rest = entries.filter((item) => !starts.includes(item));
  return [...starts, ...rest.filter(({ name, description }) => name.includes(query) || (query.length > 2 && description.toLowerCase().includes(query)))];
}

/** "/ask what is this" → the entry whose full name was typed, in the reader's language or as the bot gave it; the rest. */
export function typedEntry(entries, text) {
  const isTyped = (name) => text === `/${name}` || text.startsWith(`/${name} `);
  for (const entry of entries) {
    const name = [entry.name, entry.own].find(isTyped);
    if (name) return { entry, rest: text.slice(name.length + 2) };
  }
  return undefined;
}

/** What the interaction's `data.options` holds for an entry and its filled values. */
export function optionTree(path, leaves) {
  return path.reduceRight((inner, name, depth) => {
    const type = depth === path.length - 1 ? SUBCOMMAND : GROUP;
    return [{ type, name, options: inner }];
  }, leaves);
}
