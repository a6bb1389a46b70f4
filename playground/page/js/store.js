/**
 * What one person's session knows: server, channels, people, messages, who types, what is unread.
 * It only holds and announces; `dispatch.js` fills it, the components read it.
 *
 * Topics: "guild", "messages" {channelId}, "typing" {channelId}, "unread", "reset".
 */

import { compareIds } from "./snowflake.js";
import { Timeline } from "./timeline.js";

export const CHANNEL = { text: 0, dm: 1, announcement: 5, announcementThread: 10, publicThread: 11, privateThread: 12 };

const THREADS = new Set([CHANNEL.announcementThread, CHANNEL.publicThread, CHANNEL.privateThread]);
const TYPING_MS = 10_000;
/** Administrator or Manage Messages. */
const MODERATE = (1n << 3n) | (1n << 13n);

export const isThread = (channel) => THREADS.has(channel.type);

export class Store extends EventTarget {
  /** @param {import("./read-marks.js").ReadMarks} marks */
  constructor(me, marks) {
    super();
    this.me = me;
    this.marks = marks;
    this.sessionId = null;
    this.guild = null;
    this.channels = new Map();
    this.roles = new Map();
    this.members = new Map();
    this.users = new Map([[me.id, me]]);
    this.online = new Map();
    this.timelines = new Map();
    this.typing = new Map();
    this.unread = new Map();
    this.viewing = null;
  }

  announce(topic, detail = {}) {
    this.dispatchEvent(new CustomEvent(topic, { detail }));
  }

  timeline(channelId) {
    if (!this.timelines.has(channelId)) this.timelines.set(channelId, new Timeline());
    return this.timelines.get(channelId);
  }

  /** Change a channel's timeline and say so. */
  change(channelId, mutate) {
    mutate(this.timeline(channelId));
    this.announce("messages", { channelId });
  }

  rememberUsers(users) {
    users.filter(Boolean).forEach((user) => this.users.set(user.id, { ...this.users.get(user.id), ...user }));
  }

  nameOf(userId) {
    const user = this.users.get(userId);
    return this.members.get(userId)?.nick ?? user?.global_name ?? user?.username ?? user?.name ?? null;
  }

  /** A server that tells nothing about presence is not a server where everyone is away. */
  isOnline(userId) {
    return !this.online.size || userId === this.me.id || this.online.get(userId) === true;
  }

  myRoles() {
    return new Set(this.members.get(this.me.id)?.roles ?? []);
  }

  /** Whether this person may delete what others wrote here. */
  moderates() {
    if (this.guild?.owner_id === this.me.id) return true;
    const roles = [...this.myRoles()].map((id) => this.roles.get(id)).filter(Boolean);
    return roles.some(({ permissions }) => (BigInt(permissions) & MODERATE) !== 0n);
  }

  mentionsMe(message) {
    const roles = this.myRoles();
    const named = (message.mentions ?? []).some(({ id }) => id === this.me.id);
    return named || message.mention_everyone || (message.mention_roles ?? []).some((id) => roles.has(id));
  }

  /** Text channels of the server in their order. */
  textChannels() {
    const text = [...this.channels.values()].filter(({ type }) => type === CHANNEL.text || type === CHANNEL.announcement);
    return text.sort((a, b) => (a.position ?? 0) - (b.position ?? 0) || compareIds(a.id, b.id));
  }

  threadsOf(parentId) {
    const below = [...this.channels.values()].filter((channel) => isThread(channel) && channel.parent_id === parentId);
    return below.filter((thread) => !thread.thread_metadata?.archived).sort((a, b) => compareIds(a.id, b.id));
  }

  dmWith(userId) {
    const mine = [...this.channels.values()].filter(({ type }) => type === CHANNEL.dm);
    return mine.find((dm) => (dm.recipients ?? []).some(({ id }) => id === userId)) ?? null;
  }

  channelName(channel) {
    if (channel.type !== CHANNEL.dm) return channel.name;
    const other = (channel.recipients ?? []).find(({ id }) => id !== this.me.id);
    return (other && this.nameOf(other.id)) ?? "Direct message";
  }

  startTyping(channelId, userId) {
    const here = this.typing.get(channelId) ?? new Map();
    here.set(userId, Date.now() + TYPING_MS);
    this.typing.set(channelId, here);
    this.announce("typing", { channelId });
  }

  stopTyping(channelId, userId) {
    if (this.typing.get(channelId)?.delete(userId)) this.announce("typing", { channelId });
  }

  /** Who types in a channel now, myself apart. */
  typersIn(channelId) {
    const now = Date.now();
    const here = [...(this.typing.get(channelId) ?? [])].filter(([id, until]) => until > now && id !== this.me.id);
    return here.map(([id]) => this.nameOf(id) ?? "Somebody");
  }

  /** What was said while this person was away. */
  considerUnread({ id, type, last_message_id: last }) {
    if (id === this.viewing || this.unread.has(id) || !this.marks.isNew(id, last)) return;
    this.unread.set(id, { messages: 1, mentions: type === CHANNEL.dm ? 1 : 0 });
    this.announce("unread");
  }

  countUnread(message) {
    const mine = message.author.id === this.me.id;
    if (mine || (message.channel_id === this.viewing && document.visibilityState === "visible")) {
      this.marks.read(message.channel_id, message.id);
      return;
    }
    const count = this.unread.get(message.channel_id) ?? { messages: 0, mentions: 0 };
    const dm = this.channels.get(message.channel_id)?.type === CHANNEL.dm;
    count.messages += 1;
    if (dm || this.mentionsMe(message)) count.mentions += 1;
    this.unread.set(message.channel_id, count);
    this.announce("unread");
  }

  markRead(channelId) {
    const newest = this.timeline(channelId).items.at(-1)?.id ?? this.channels.get(channelId)?.last_message_id;
    this.marks.read(channelId, newest);
    if (this.unread.delete(channelId)) this.announce("unread");
  }
}
