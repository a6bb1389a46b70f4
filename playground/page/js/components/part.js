/** Base of the page's elements: listeners that end with the element, and the session and view they belong to. */

export class Part extends HTMLElement {
  #end = null;

  /** @param {{session: import("../session.js").Session, view: import("../view.js").View}} context */
  with(context) {
    this.context = context;
    return this;
  }

  get session() {
    return this.context.session;
  }

  get store() {
    return this.context.session.store;
  }

  get view() {
    return this.context.view;
  }

  connectedCallback() {
    if (this.#end) return;
    this.#end = new AbortController();
    this.mount();
  }

  disconnectedCallback() {
    this.#end?.abort();
    this.#end = null;
  }

  /** Build the content and start to listen. */
  mount() {}

  /** Ends when the element leaves the page. */
  get signal() {
    return this.#end.signal;
  }

  listen(target, types, listener) {
    types.split(" ").forEach((type) => target.addEventListener(type, listener, { signal: this.signal }));
  }
}
