/** Slash commands as the picker shows them: one entry per command or subcommand. Pure. */

const SUBCOMMAND = 1;
const GROUP = 2;

export const OPTION = { string: 3, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, attachment: 11 };

/**
 * @typedef {{command: object, path: string[], name: string, description: string, options: object[]}} Entry
 * `path` holds the names below the command: [] or ["sub"] or ["group", "sub"].
 */

function expand(command, options, path) {
  const below = (options ?? []).filter(({ type }) => type === SUBCOMMAND || type === GROUP);
  return below.flatMap((option) => {
    const deeper = [...path, option.name];
    return option.type === GROUP ? expand(command, option.options, deeper) : [entry(command, deeper, option)];
  });
}

function entry(command, path, owner) {
  return {
    command,
    path,
    name: [command.name, ...path].join(" "),
    description: owner.description ?? command.description,
    options: owner.options ?? [],
  };
}

const usableInDm = ({ contexts, dm_permission: allowed }) => (contexts ? contexts.includes(1) : allowed !== false);
const usableInGuild = ({ contexts }) => !contexts || contexts.includes(0);

/** @returns {Entry[]} chat commands from an application-command-index, by name */
export function entriesOf(index, inDm) {
  const commands = (index.application_commands ?? []).filter(({ type }) => (type ?? 1) === 1);
  const usable = commands.filter(inDm ? usableInDm : usableInGuild);
  const entries = usable.flatMap((command) => {
    const expanded = expand(command, command.options, []);
    return expanded.length ? expanded : [entry(command, [], command)];
  });
  return entries.sort((a, b) => a.name.localeCompare(b.name));
}

/** Entries that fit what was typed after the slash; names first, then descriptions. */
export function matchEntries(entries, typed) {
  const query = typed.toLowerCase();
  const starts = entries.filter(({ name }) => name.startsWith(query));
  const rest = entries.filter((item) => !starts.includes(item));
  return [...starts, ...rest.filter(({ name, description }) => name.includes(query) || (query.length > 2 && description.toLowerCase().includes(query)))];
}

/** "/ask what is this" → the entry whose full name was typed, and the rest. */
export function typedEntry(entries, text) {
  const found = entries.find(({ name }) => text === `/${name}` || text.startsWith(`/${name} `));
  return found && { entry: found, rest: text.slice(found.name.length + 2) };
}

/** What the interaction's `data.options` holds for an entry and its filled values. */
export function optionTree(path, leaves) {
  return path.reduceRight((inner, name, depth) => {
    const type = depth === path.length - 1 ? SUBCOMMAND : GROUP;
    return [{ type, name, options: inner }];
  }, leaves);
}
