/** What the page tells its reader. */

export const UNAVAILABLE = "The server could not answer. Nothing is lost: try again.";

export const NOBODY = "The login server knows nobody in this browser: login_required.";

export const WORTHLESS = "Every copy of every generation is worthless now, and so is whatever was still to come.";

export const REFUSED = "The server refused your token.";

/** @param {string} person */
export const sessionOf = (person) =>
  `The login server knows this browser: ${person} has a session there. ` +
  "A hidden frame asked, no refresh token was involved.";

/**
 * @param {number} spent
 * @param {number} live
 */
export const rotated = (spent, live) => `Generation ${spent} is spent, generation ${live} is live.`;

/**
 * @param {number} held
 * @param {number} live
 */
export const replayedForYou = (held, live) =>
  `You held generation ${held}, which somebody had spent before you. ` +
  `Within its leeway that is no proof of anything: you got the live token, generation ${live}.`;

/**
 * @param {number} presented
 * @param {number} live
 * @param {string} when
 */
export const replayedForThief = (presented, live, when) =>
  `Generation ${presented} was spent ${when}, within its leeway. ` +
  `The server answers with the live token, generation ${live}, and rotates nothing.`;

export const WHY_REPLAYS =
  "That is deliberate. A lost answer and a second tab look exactly like this, and nobody should be logged out by " +
  "them. The family stays one line: there is still one live token, and the next of you who comes too late ends it.";

/**
 * @param {number} presented
 * @param {number} received
 */
export const thiefFirst = (presented, received) =>
  `Generation ${presented} was live, and a copy is as good as the original. ` +
  `The thief holds generation ${received}, you hold a spent token. Refresh within the leeway and you get the live ` +
  "one too; refresh later and the family ends for both.";

/**
 * @param {number} generation
 * @param {string} late
 * @param {string} leeway
 */
export const reused = (generation, late, leeway) =>
  `Generation ${generation} was presented ${late}; the leeway is ${leeway}. A copy that late cannot be told from ` +
  "theft, nor the thief from you: the server ended the family for both.";
