/** Requests to the playground's Discord routes as one person. Waits out rate limits; errors are RestError. */

const BASE = "/api/v10";
const TRIES = 4;

/** What the server refused and why, in words that can be shown. `status` 0: it could not be reached. */
export class RestError extends Error {
  constructor(status, message, code = 0) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function problemOf(response) {
  const text = await response.text();
  try {
    const { message, code } = JSON.parse(text);
    return new RestError(response.status, message ?? `HTTP ${response.status}`, code);
  } catch {
    return new RestError(response.status, `HTTP ${response.status}`);
  }
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** A message with files, as Discord takes it. */
function withFiles(body, files) {
  const form = new FormData();
  form.append("payload_json", JSON.stringify(body));
  files.forEach((file, index) => form.append(`files[${index}]`, file, file.name));
  return form;
}

export class Rest {
  #token;
  #locale;

  constructor(token, locale) {
    this.#token = token;
    this.#locale = locale;
  }

  get = (path) => this.#request("GET", path);
  post = (path, body, files = []) => this.#request("POST", path, files.length ? withFiles(body, files) : body);
  put = (path, body) => this.#request("PUT", path, body);
  patch = (path, body) => this.#request("PATCH", path, body);
  delete = (path) => this.#request("DELETE", path);

  async #request(method, path, body) {
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#once(method, path, body);
      if (response.status === 429 && attempt < TRIES) {
        await pause((await response.json()).retry_after ?? 1);
        continue;
      }
      if (!response.ok) throw await problemOf(response);
      return response.status === 204 ? null : response.json();
    }
  }

  async #once(method, path, body) {
    const headers = { Authorization: this.#token, "X-Discord-Locale": this.#locale };
    const form = body instanceof FormData;
    if (body !== undefined && !form) headers["Content-Type"] = "application/json";
    try {
      return await fetch(BASE + path, { method, headers, body: body === undefined || form ? body : JSON.stringify(body) });
    } catch {
      throw new RestError(0, "The playground cannot be reached. Is it still running?");
    }
  }
}
