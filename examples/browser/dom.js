/** Small helpers to write a page with. */

import { UNAVAILABLE } from "./words.js";

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/**
 * A new element. Children that are strings become text: nothing here writes HTML.
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/**
 * Shows a notice: a tone, and what it says. Without words the notice disappears.
 * @param {HTMLElement} notice
 * @param {"good"|"neutral"|"warning"|"problem"} tone
 * @param {...(Node|string)} children
 */
export function say(notice, tone, ...children) {
  notice.className = `notice ${tone}`;
  notice.replaceChildren(...children);
}

/**
 * Runs an action when the button is pressed, once at a time. The button stays focusable meanwhile.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<unknown>} action
 * @param {HTMLElement} notice where it is said that the action failed
 */
export function onPress(button, action, notice) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      await action();
    } catch {
      say(notice, "warning", UNAVAILABLE);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

const UNITS = /** @type {const} */ ([
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
]);

/**
 * A length of time in its two largest units: "29 d 23 h", "1 d", "12 s".
 * @param {number} milliseconds
 * @returns {string}
 */
export function duration(milliseconds) {
  let seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  const parts = UNITS.slice(first, first + 2).map(([unit, size]) => {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    return count ? `${count} ${unit}` : "";
  });
  return parts.filter(Boolean).join(" ");
}

/**
 * A time of day, in the reader's own notation.
 * @param {number} milliseconds since the epoch
 * @returns {string}
 */
export const timeOfDay = (milliseconds) => new Date(milliseconds).toLocaleTimeString([], { timeStyle: "medium" });
