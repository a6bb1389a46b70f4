/** Gateway events → changes of the store. One small function per event; unknown events are nobody's business here. */

import { CHANNEL } from "./store.js";

function putAll(map, items, key = ({ id }) => id) {
  map.clear();
  (items ?? []).forEach((item) => map.set(key(item), item));
}

function putMembers(store, members) {
  (members ?? []).forEach((member) => {
    store.rememberUsers([member.user]);
    store.members.set(member.user.id, { ...store.members.get(member.user.id), ...member });
  });
}

function putChannel(store, channel) {
  store.rememberUsers(channel.recipients ?? []);
  store.channels.set(channel.id, { ...store.channels.get(channel.id), ...channel });
  store.considerUnread(channel);
  store.announce("guild");
}

function dropChannel(store, { id }) {
  store.channels.delete(id);
  store.announce("guild");
}

function putPresence(store, { user, status }) {
  store.online.set(user.id, status !== "offline");
}

/** Everything may have changed while nobody listened: histories are loaded anew when they are looked at. */
function ready(store, { user, session_id: sessionId, private_channels: dms }) {
  store.rememberUsers([user]);
  store.sessionId = sessionId;
  (dms ?? []).forEach((dm) => putChannel(store, dm));
  store.timelines.forEach((timeline) => (timeline.loaded = false));
  store.announce("reset");
}

function guildCreate(store, guild) {
  store.guild = guild;
  putAll(store.roles, guild.roles);
  store.members.clear();
  putMembers(store, guild.members);
  store.online.clear();
  (guild.presences ?? []).forEach((presence) => putPresence(store, presence));
  store.channels.forEach(({ id, type }) => type !== CHANNEL.dm && store.channels.delete(id));
  const channels = [...(guild.channels ?? []), ...(guild.threads ?? [])];
  channels.forEach((channel) => store.channels.set(channel.id, channel));
  channels.forEach((channel) => store.considerUnread(channel));
  store.announce("guild");
}

function messageCreate(store, message) {
  store.rememberUsers([message.author, ...(message.mentions ?? [])]);
  if (message.member) putMembers(store, [{ ...message.member, user: message.author }]);
  store.stopTyping(message.channel_id, message.author.id);
  store.change(message.channel_id, (timeline) => timeline.upsert(message));
  store.countUnread(message);
}

function messageUpdate(store, message) {
  store.rememberUsers([message.author, ...(message.mentions ?? [])]);
  const known = store.timeline(message.channel_id).get(message.id);
  if (known) store.change(message.channel_id, (timeline) => timeline.upsert(message));
}

const sameEmoji = (a, b) => (a.id ?? a.name) === (b.id ?? b.name);

/** Count one reaction up or down in a message's list. */
function react(reactions, emoji, mine, step) {
  const present = reactions.find((reaction) => sameEmoji(reaction.emoji, emoji)) ?? { emoji, count: 0, me: false };
  const changed = { ...present, count: present.count + step, me: mine ? step > 0 : present.me };
  const others = reactions.filter((reaction) => reaction !== present);
  if (changed.count < 1) return others;
  return reactions.includes(present) ? reactions.map((item) => (item === present ? changed : item)) : [...others, changed];
}

function reaction(store, { channel_id: channelId, message_id: id, user_id: userId, emoji }, step) {
  const mine = userId === store.me.id;
  const change = (message) => ({ reactions: react(message.reactions ?? [], emoji, mine, step) });
  store.change(channelId, (timeline) => timeline.update(id, change));
}

function clearReactions(store, { channel_id: channelId, message_id: id, emoji }) {
  const keep = (item) => emoji && !sameEmoji(item.emoji, emoji);
  store.change(channelId, (timeline) => timeline.update(id, (message) => ({ reactions: (message.reactions ?? []).filter(keep) })));
}

/** Count one vote up or down. */
function vote(store, { channel_id: channelId, message_id: id, user_id: userId, answer_id: answerId }, step) {
  const mine = userId === store.me.id;
  const change = ({ poll }) => {
    const counts = poll?.results?.answer_counts ?? [];
    const before = counts.find((one) => one.id === answerId) ?? { id: answerId, count: 0, me_voted: false };
    const after = { ...before, count: before.count + step, me_voted: mine ? step > 0 : before.me_voted };
    const others = counts.filter((one) => one.id !== answerId);
    return poll ? { poll: { ...poll, results: { ...poll.results, answer_counts: [...others, after] } } } : {};
  };
  store.change(channelId, (timeline) => timeline.update(id, change));
}

function guildDelete(store, { unavailable }) {
  if (unavailable) return;
  store.channels.forEach(({ id, type }) => type !== CHANNEL.dm && store.channels.delete(id));
  store.announce("guild");
}

function remember(map, item, store) {
  map.set(item.id, item);
  store.announce("guild");
}

const HANDLERS = {
  READY: ready,
  GUILD_CREATE: guildCreate,
  GUILD_UPDATE: (store, guild) => {
    store.guild = { ...store.guild, ...guild };
    store.announce("guild");
  },
  GUILD_DELETE: guildDelete,
  GUILD_ROLE_CREATE: (store, { role }) => remember(store.roles, role, store),
  GUILD_ROLE_UPDATE: (store, { role }) => remember(store.roles, role, store),
  GUILD_MEMBER_ADD: (store, member) => (putMembers(store, [member]), store.announce("guild")),
  GUILD_MEMBER_UPDATE: (store, member) => (putMembers(store, [member]), store.announce("guild")),
  GUILD_MEMBER_REMOVE: (store, { user }) => (store.members.delete(user.id), store.announce("guild")),
  PRESENCE_UPDATE: (store, presence) => (putPresence(store, presence), store.announce("guild")),
  CHANNEL_CREATE: putChannel,
  CHANNEL_UPDATE: putChannel,
  CHANNEL_DELETE: dropChannel,
  THREAD_CREATE: putChannel,
  THREAD_UPDATE: putChannel,
  THREAD_DELETE: dropChannel,
  THREAD_LIST_SYNC: (store, { threads }) => threads.forEach((thread) => putChannel(store, thread)),
  MESSAGE_CREATE: messageCreate,
  MESSAGE_UPDATE: messageUpdate,
  MESSAGE_DELETE: (store, { channel_id: channelId, id }) => store.change(channelId, (timeline) => timeline.remove([id])),
  MESSAGE_DELETE_BULK: (store, { channel_id: channelId, ids }) => store.change(channelId, (timeline) => timeline.remove(ids)),
  MESSAGE_REACTION_ADD: (store, data) => reaction(store, data, 1),
  MESSAGE_REACTION_REMOVE: (store, data) => reaction(store, data, -1),
  MESSAGE_REACTION_REMOVE_ALL: clearReactions,
  MESSAGE_REACTION_REMOVE_EMOJI: clearReactions,
  MESSAGE_POLL_VOTE_ADD: (store, data) => vote(store, data, 1),
  MESSAGE_POLL_VOTE_REMOVE: (store, data) => vote(store, data, -1),
  TYPING_START: (store, { channel_id: channelId, user_id: userId }) => store.startTyping(channelId, userId),
};

export function applyEvent(store, type, data) {
  HANDLERS[type]?.(store, data);
}
