import { abbreviated, readToken } from "./token.js";

/** @typedef {import("./token.js").Token} Token */

/**
 * What the token endpoint answered.
 * @typedef {object} Answer
 * @property {number} status
 * @property {Token} presented
 * @property {Token|null} received
 * @property {string} says        the refresh token, abbreviated, or the error and its description
 */

/** Somebody else with a copy of a token. No SDK, no cookie: the copy and the application's public id are enough. */
export class Thief {
  #issuer;
  #clientId;

  /** @type {Token|null} */
  token = null;

  /** @param {{issuer: string, client_id: string}} settings */
  constructor({ issuer, client_id: clientId }) {
    this.#issuer = issuer;
    this.#clientId = clientId;
  }

  /** @param {Token|null} token */
  steal(token) {
    this.token = token;
  }

  /**
   * Presents the stolen copy, and keeps what it is exchanged for.
   * @returns {Promise<Answer>}
   */
  async present() {
    const presented = /** @type {Token} */ (this.token);
    const response = await fetch(new URL("oauth/token", this.#issuer), {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "refresh_token",
        client_id: this.#clientId,
        refresh_token: presented.text,
      }),
    });
    const { status } = response;
    const isJson = response.headers.get("content-type")?.startsWith("application/json");
    if (!isJson) return { status, presented, received: null, says: await response.text() };
    const answer = await response.json();
    if (!response.ok)
      return { status, presented, received: null, says: `${answer.error}: ${answer.error_description}` };
    this.token = readToken(answer.refresh_token);
    return { status, presented, received: this.token, says: abbreviated(this.token) };
  }
}
