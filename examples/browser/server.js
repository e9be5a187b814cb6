/**
 * A family as the server holds it. Times are epoch milliseconds; null for never.
 * @typedef {object} Family
 * @property {string} family_id
 * @property {number} generation
 * @property {{generation: number, spent_at: number, replayable_until: number}[]} superseded
 * @property {number} leeway               milliseconds
 * @property {number|null} idle_expires_at
 * @property {number|null} absolute_expires_at
 * @property {number|null} revoked_at
 * @property {string|null} revoked_because
 *
 * One line of the server's log.
 * @typedef {object} LogEvent
 * @property {number} number
 * @property {number} at
 * @property {string} type
 * @property {string|null} reason
 * @property {Record<string, any>} details
 */

/** The window into the server that `make run` opens for this page: its log, and one family at a time. */
export class Server {
  #last = 0;
  #ahead = 0;

  /** @returns {Promise<{issuer: string, client_id: string, problem: string|null}>} */
  settings() {
    return json("api/settings");
  }

  /** The server's time, epoch milliseconds. */
  now() {
    return Date.now() + this.#ahead;
  }

  /**
   * What is new in the log.
   * @returns {Promise<LogEvent[]>} oldest first
   */
  async news() {
    const { now, events } = await json(`api/events?after=${this.#last}`);
    this.#ahead = now - Date.now();
    // Two questions may be under way at once, and hear the same.
    const news = events.filter((/** @type {LogEvent} */ { number }) => number > this.#last);
    this.#last = news.at(-1)?.number ?? this.#last;
    return news;
  }

  /**
   * @param {import("./token.js").Token} token any token of the family
   * @returns {Promise<Family|null>}
   */
  family({ userKey, familyId }) {
    return json(`api/families/${userKey}/${familyId}`);
  }
}

/** @param {string} path */
async function json(path) {
  const response = await fetch(path);
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}
