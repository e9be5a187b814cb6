/**
 * What a refresh token says about itself. Opaque to applications: only a page about tokens looks inside.
 *
 * @typedef {object} Token
 * @property {string} text        what is presented to the server
 * @property {string} userKey     not secret
 * @property {string} familyId    not secret
 * @property {number} generation
 */

const PREFIX = "hrt_";

/**
 * @param {string} text a refresh token of Heirloom
 * @returns {Token}
 */
export function readToken(text) {
  const base64 = text.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/");
  const octets = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  // Format, key id, user key (8), family id (16), generation (4), secret (32), MAC (16).
  return {
    text,
    userKey: base64url(octets.slice(2, 10)),
    familyId: base64url(octets.slice(10, 26)),
    generation: new DataView(octets.buffer).getUint32(26),
  };
}

/**
 * Enough of a token to tell it from another, too little to use.
 * @param {Token} token
 * @returns {string}
 */
export const abbreviated = (token) => `${token.text.slice(0, 8)}…${token.text.slice(-6)}`;

/** @param {Uint8Array} octets */
const base64url = (octets) =>
  btoa(String.fromCharCode(...octets))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
