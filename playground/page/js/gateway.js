/**
 * One gateway connection that keeps itself alive: hello, heartbeat, identify, resume, back-off.
 * It knows Discord's envelope, not the events inside; those are announced as "dispatch" {type, data}.
 * "state" tells "connecting" | "online" | "waiting" (with `retryAt`, ms) | "refused" | "stopped".
 */

const OP = { dispatch: 0, heartbeat: 1, identify: 2, resume: 6, reconnect: 7, invalid: 9, hello: 10, ack: 11 };
const ALL_INTENTS = 0x3ffffff;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** Close codes after which the same identify can never succeed. */
const REFUSED = new Set([4004, 4010, 4011, 4012, 4013, 4014]);

export class Gateway extends EventTarget {
  #url;
  #token;
  #socket = null;
  #sequence = null;
  #session = null;
  #heart = null;
  #acknowledged = true;
  #failures = 0;
  #retry = null;

  constructor(url, token) {
    super();
    this.#url = url;
    this.#token = token;
    this.state = "stopped";
  }

  start() {
    this.#failures = 0;
    this.#connect();
  }

  stop() {
    this.#say("stopped");
    this.#drop();
  }

  /** Do not wait for the back-off: the network or the person is back. */
  hurry() {
    if (this.state !== "waiting") return;
    this.#connect();
  }

  #say(state, extra = {}) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, ...extra } }));
  }

  #drop() {
    clearTimeout(this.#retry);
    clearInterval(this.#heart);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(4000);
  }

  #connect() {
    this.#drop();
    this.#say("connecting");
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => socket === this.#socket && this.#closed(code));
  }

  #closed(code) {
    this.#drop();
    if (REFUSED.has(code)) {
      this.#say("refused", { code });
      return;
    }
    const longest = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, LONGEST_DELAY_MS);
    const delay = longest * (0.75 + Math.random() / 4);
    this.#failures += 1;
    this.#say("waiting", { retryAt: Date.now() + delay });
    this.#retry = setTimeout(() => this.#connect(), delay);
  }

  #send(op, d) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ op, d }));
  }

  #receive({ op, d, s, t }) {
    if (op === OP.dispatch) this.#dispatch(t, d, s);
    else if (op === OP.hello) this.#hello(d.heartbeat_interval);
    else if (op === OP.ack) this.#acknowledged = true;
    else if (op === OP.heartbeat) this.#send(OP.heartbeat, this.#sequence);
    else if (op === OP.reconnect) this.#connect();
    else if (op === OP.invalid) this.#invalid(d);
  }

  #hello(interval) {
    this.#acknowledged = true;
    this.#heart = setInterval(() => this.#beat(), interval);
    if (this.#session) this.#send(OP.resume, { token: this.#token, session_id: this.#session, seq: this.#sequence });
    else this.#identify();
  }

  #identify() {
    const properties = { os: "web", browser: "Steward Playground", device: "Steward Playground" };
    this.#send(OP.identify, { token: this.#token, properties, intents: ALL_INTENTS });
  }

  /** A beat that nobody answered means that the other side is gone. */
  #beat() {
    if (!this.#acknowledged) {
      this.#closed(0);
      return;
    }
    this.#acknowledged = false;
    this.#send(OP.heartbeat, this.#sequence);
  }

  #invalid(resumable) {
    if (!resumable) this.#session = null;
    if (this.#session) this.#connect();
    else this.#identify();
  }

  #dispatch(type, data, sequence) {
    this.#sequence = sequence;
    if (type === "READY") this.#session = data.session_id;
    this.dispatchEvent(new CustomEvent("dispatch", { detail: { type, data } }));
    if (type !== "READY" && type !== "RESUMED") return;
    this.#failures = 0;
    this.#say("online", { fresh: type === "READY" });
  }
}
