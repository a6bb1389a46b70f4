/** Dates as people read them. Pure; knows neither the page nor the messages. */

const DAY_MS = 86_400_000;

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const SHORT = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

/** Discord's timestamp styles, `<t:…:R>` apart. */
const STYLES = {
  t: CLOCK,
  T: new Intl.DateTimeFormat(undefined, { timeStyle: "medium" }),
  d: new Intl.DateTimeFormat(undefined, { dateStyle: "short" }),
  D: DAY,
  f: new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" }),
  F: new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" }),
};

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "1 vote", "3 votes". */
export const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

export const clock = (date) => CLOCK.format(date);
export const day = (date) => DAY.format(date);
export const full = (date) => STYLES.F.format(date);

const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** Days between two dates as calendars count them. */
function daysApart(earlier, later) {
  return Math.round((midnight(later) - midnight(earlier)) / DAY_MS);
}

/** "Today at 14:03", "Yesterday at 9:10", else the date. */
export function friendly(date, now = new Date()) {
  const apart = daysApart(date, now);
  if (apart === 0) return `Today at ${clock(date)}`;
  if (apart === 1) return `Yesterday at ${clock(date)}`;
  return SHORT.format(date);
}

export const sameDay = (a, b) => midnight(a) === midnight(b);

/** "in 3 minutes", "2 days ago". */
export function relative(date, now = new Date()) {
  const seconds = Math.round((date - now) / 1000);
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
  }
  return format.format(seconds, "second");
}

/** The text of `<t:seconds:style>`; null when the number is not a date. */
export function timestamp(seconds, style) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return null;
  return style === "R" ? relative(date) : (STYLES[style] ?? STYLES.f).format(date);
}
