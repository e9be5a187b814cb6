import { element, timeOfDay } from "./dom.js";

/** @typedef {import("./server.js").LogEvent} LogEvent */

const MOST_LINES = 60;

/**
 * Why a refused token was refused, by the reason in the log.
 * @type {Record<string, string>}
 */
const REFUSALS = {
  revoked: "its family is revoked",
  expired: "its family has expired",
  unknown: "there is no such family",
  foreign_client: "it belongs to another application",
  forged: "nobody here made it",
};

/**
 * What a line of the log means, by Auth0's type code.
 * @type {Record<string, (event: LogEvent) => {title: string, text: string, tone: string}>}
 */
const MEANINGS = {
  s: () => ({
    title: "Login",
    text: "A person proved who they are, and a code went back to the application.",
    tone: "good",
  }),
  ssa: () => ({ title: "Silent login", text: "The session was still good: a code, without a page.", tone: "good" }),
  fsa: () => ({ title: "No silent login", text: "Nobody is logged in at the server.", tone: "neutral" }),
  f: ({ reason }) => ({ title: "No login", text: `${reason ?? "Refused"}.`, tone: "neutral" }),
  fp: () => ({ title: "No login", text: "Wrong password.", tone: "warning" }),
  fu: () => ({ title: "No login", text: "Nobody has that address.", tone: "warning" }),
  limit_wc: () => ({ title: "Guessing slowed down", text: "Too many attempts at one account.", tone: "warning" }),
  seacft: ({ details }) => ({
    title: "Code exchanged",
    text: details.familyId ? "A family begins, at generation 0." : "An access token, and no refresh token.",
    tone: "good",
  }),
  sertft: ({ details: { tokenCounter, latestCounter, replayed } }) =>
    replayed
      ? {
          title: "Replay within leeway",
          text: `Generation ${tokenCounter} again, just spent: answered with the live token, generation ${latestCounter}.`,
          tone: "warning",
        }
      : {
          title: "Refresh",
          text: `Generation ${tokenCounter} was spent for generation ${latestCounter}.`,
          tone: "good",
        },
  ferrt: ({ details: { tokenCounter, latestCounter } }) => ({
    title: "Reuse detected",
    text: `Generation ${tokenCounter} came back too late; generation ${latestCounter} was live. The family is revoked.`,
    tone: "problem",
  }),
  fertft: ({ reason, details: { tokenCounter } }) => ({
    title: "Refresh refused",
    text: `Generation ${tokenCounter ?? "unknown"}: ${REFUSALS[reason ?? ""] ?? reason}.`,
    tone: "problem",
  }),
  srrt: () => ({ title: "Family revoked", text: "The application asked for it, at logout.", tone: "neutral" }),
  slo: () => ({ title: "Logout", text: "The session at the server ended.", tone: "neutral" }),
};

/** Shows the server's log, and knows what it said about a family. */
export class Log {
  #list;

  /** @type {LogEvent[]} */
  #events = [];

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {LogEvent[]} events what is new, oldest first */
  add(events) {
    this.#events = [...this.#events, ...events].slice(-MOST_LINES);
    for (const event of events) this.#list.prepend(line(event));
    while (this.#list.children.length > MOST_LINES) this.#list.lastElementChild?.remove();
  }

  /**
   * The newest line about a family that is of one of these types.
   * @param {string} familyId
   * @param {...string} types
   * @returns {LogEvent|undefined}
   */
  latest(familyId, ...types) {
    return this.#events.findLast(({ type, details }) => details.familyId === familyId && types.includes(type));
  }
}

/** @param {LogEvent} event */
function line(event) {
  const meaning = MEANINGS[event.type]?.(event) ?? { title: event.type, text: event.reason ?? "", tone: "neutral" };
  const replay = event.details.replayed === true ? "replayed" : null;
  const reason = event.type.startsWith("f") ? event.reason : replay;
  return element(
    "li",
    { class: meaning.tone },
    element("time", { datetime: new Date(event.at).toISOString() }, timeOfDay(event.at)),
    element("code", {}, event.type),
    element("p", {}, element("strong", {}, meaning.title), " ", meaning.text),
    ...(reason ? [element("small", {}, "reason: ", element("code", {}, reason))] : []),
  );
}
