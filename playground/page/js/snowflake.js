/** Discord ids: 64-bit numbers as decimal strings, whose upper bits are a time. */

const EPOCH_MS = 1420070400000n;

/** Order two ids by age. Longer strings are larger numbers. */
export function compareIds(a, b) {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A new id for "now"; used as nonce of what this page sends. */
export function makeNonce() {
  const noise = BigInt(Math.floor(Math.random() * (1 << 22)));
  return (((BigInt(Date.now()) - EPOCH_MS) << 22n) | noise).toString();
}

/** The moment at which an id was made. */
export function dateOf(id) {
  return new Date(Number((BigInt(id) >> 22n) + EPOCH_MS));
}
