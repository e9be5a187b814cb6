import { duration, element } from "./dom.js";

/** @typedef {import("./server.js").Family} Family */
/** @typedef {{name: string, kind: "you"|"thief", generation: number}} Holder */

/** Draws a family as a chain, a link for each generation. */
export class Chain {
  #list;
  #drawn = "";

  /** @type {{until: number, lasts: number, state: HTMLElement, rest: HTMLElement}[]} */
  #countdowns = [];

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /**
   * @param {Family|null} family
   * @param {Holder[]} holders who holds which generation
   * @param {number} now
   */
  show(family, holders, now) {
    const links = family ? linksOf(family, now) : [];
    const drawing = JSON.stringify([links, holders]);
    if (drawing !== this.#drawn) {
      this.#drawn = drawing;
      this.#countdowns = [];
      this.#list.replaceChildren(...links.map((link) => this.#draw(link, holders)));
    }
    for (const { until, lasts, state, rest } of this.#countdowns) {
      state.textContent = `leeway ${duration(until - now)}`;
      rest.style.setProperty("inline-size", `${Math.max(0, Math.min(100, ((until - now) / lasts) * 100))}%`);
    }
  }

  /**
   * @param {Link} link
   * @param {Holder[]} holders
   */
  #draw(link, holders) {
    const state = element("span", { class: "state" }, link.says);
    const item = element(
      "li",
      { class: `link ${link.condition}` },
      element("span", { class: "ring" }, element("span", { class: "visually-hidden" }, "Generation "), link.label),
      state,
    );
    if (link.condition === "replayable") {
      const rest = element("span", { class: "rest" });
      item.append(element("span", { class: "leeway", "aria-hidden": "true" }, rest));
      this.#countdowns.push({ until: link.until, lasts: link.lasts, state, rest });
    }
    const here = holders.filter(({ generation }) => generation >= link.from && generation <= link.to);
    if (here.length) {
      item.append(
        element(
          "span",
          { class: "holders" },
          ...here.map(({ name, kind }) =>
            element(
              "span",
              { class: `holder ${kind}` },
              element("span", { class: "visually-hidden" }, "held by "),
              name,
            ),
          ),
        ),
      );
    }
    return item;
  }
}

/**
 * @typedef {object} Link
 * @property {string} label
 * @property {number} from        the first generation that this link stands for
 * @property {number} to          the last one
 * @property {"live"|"replayable"|"spent"|"revoked"} condition
 * @property {string} says
 * @property {number} until       when the leeway ends
 * @property {number} lasts       how long it is
 */

/**
 * @param {Family} family
 * @param {number} now
 * @returns {Link[]}
 */
function linksOf(family, now) {
  const over = family.revoked_at !== null;
  const live = family.generation;
  const oldest = family.superseded[0]?.generation ?? live;
  const common = { until: 0, lasts: 0 };
  /** @type {Link[]} */
  const links = family.superseded.map(({ generation, spent_at: spentAt, replayable_until: end }) => {
    // The server allows for clocks that differ a little, and is patient a second longer than it promises.
    const replayable = !over && now < end;
    return {
      label: String(generation),
      from: generation,
      to: generation,
      condition: over ? "revoked" : replayable ? "replayable" : "spent",
      says: "spent",
      until: replayable ? spentAt + family.leeway : 0,
      lasts: family.leeway,
    };
  });
  if (oldest > 0) {
    const label = oldest === 1 ? "0" : `0–${oldest - 1}`;
    const condition = over ? "revoked" : "spent";
    links.unshift({ ...common, label, from: 0, to: oldest - 1, condition, says: "long spent" });
  }
  const condition = over ? "revoked" : "live";
  return [...links, { ...common, label: String(live), from: live, to: live, condition, says: condition }];
}
