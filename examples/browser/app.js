import { Chain } from "./chain.js";
import { Device } from "./device.js";
import { byId, duration, element, onPress, say } from "./dom.js";
import { Log } from "./log.js";
import { Server } from "./server.js";
import { Thief } from "./thief.js";
import { abbreviated, readToken } from "./token.js";
import * as words from "./words.js";

/** @typedef {import("./token.js").Token} Token */
/** @typedef {import("./thief.js").Answer} Answer */
/** @typedef {import("./server.js").Family} Family */

const LOOK_EVERY = 1000;
const LOOT = "heirloom-loot";

const server = new Server();
const settings = await server.settings();
const device = new Device(settings);
const thief = new Thief(settings);
const chain = new Chain(byId("chain"));
const log = new Log(byId("log"));

/** Every token of this family that this browser has held, for the thief to choose from. @type {Map<number, Token>} */
const loot = new Map();

/** @type {"signed-out"|"signed-in"|"thrown-out"} */
let state = "signed-out";

/** The family on show: the one of this device, and after its end still that one. @type {Family|null} */
let family = null;

/** Set while this page revokes the family itself. */
let leaving = false;

/** What the thief heard last from the token endpoint. @type {Answer|null} */
let heard = null;

/* What is on show */

async function look() {
  const current = device.token();
  if (current) keep(current);
  const [newest] = loot.values();
  const [news, seen] = await Promise.all([server.news(), newest ? server.family(newest) : null]);
  log.add(news);
  family = seen;
  draw();
  if (state === "signed-in" && family?.revoked_at && !leaving) await noticeTheEnd();
}

/**
 * Remembers a token, also across the reloads of this tab.
 * @param {Token} token
 */
function keep(token) {
  const [other] = loot.values();
  if (other && other.familyId !== token.familyId) {
    loot.clear();
    thief.steal(null);
    byId("loot").replaceChildren();
  }
  if (loot.has(token.generation)) return;
  loot.set(token.generation, token);
  sessionStorage.setItem(LOOT, JSON.stringify([...loot.values()].map(({ text }) => text)));
  byId("loot").prepend(element("option", { value: String(token.generation) }));
}

function draw() {
  const now = server.now();
  const held = device.token();
  /** @type {import("./chain.js").Holder[]} */
  const holders = [];
  if (held && state === "signed-in") holders.push({ name: "You", kind: "you", generation: held.generation });
  if (thief.token) holders.push({ name: "Thief", kind: "thief", generation: thief.token.generation });
  chain.show(family, holders, now);
  drawFacts(now);
  drawDevice(held);
  drawThief(now);
}

/** @param {number} now */
function drawFacts(now) {
  byId("family-none").hidden = family !== null;
  byId("family-facts").hidden = family === null;
  if (!family) return badge("family-state", "No login", "neutral");
  const over = family.revoked_at !== null;
  byId("idle").textContent = over ? "ended" : remaining(family.idle_expires_at, now);
  byId("absolute").textContent = over ? "ended" : remaining(family.absolute_expires_at, now);
  byId("leeway").textContent = duration(family.leeway);
  byId("family-id").textContent = family.family_id;
  if (over) badge("family-state", `Revoked: ${family.revoked_because}`, "problem");
  else badge("family-state", `Generation ${family.generation} is live`, "good");
}

/** @param {Token|null} held */
function drawDevice(held) {
  for (const each of ["signed-out", "signed-in", "thrown-out"]) byId(each).hidden = each !== state;
  byId("logout").hidden = state !== "signed-in";
  if (state !== "signed-in" || !held) {
    if (state === "thrown-out") return badge("device-state", "Thrown out", "problem");
    return badge("device-state", "Logged out", "neutral");
  }
  const behind = family !== null && held.generation < family.generation;
  badge("device-state", behind ? "Holds a spent token" : "Logged in", behind ? "warning" : "good");
  byId("device-generation").textContent = `generation ${held.generation}`;
  byId("device-token").textContent = abbreviated(held);
}

/** @param {number} now */
function drawThief(now) {
  const token = thief.token;
  const over = family === null || family.revoked_at !== null;
  byId("stealing").hidden = over;
  byId("nothing-to-steal").hidden = family !== null;
  for (const option of byId("loot").options) {
    const text = described(Number(option.value), now);
    if (option.textContent !== text) option.textContent = text;
  }
  byId("thief-holding").hidden = token === null;
  byId("present").hidden = token === null;
  if (!token) return badge("thief-state", "Empty-handed", "neutral");
  byId("thief-generation").textContent = `generation ${token.generation}`;
  byId("thief-token").textContent = abbreviated(token);
  if (over) return badge("thief-state", "Thrown out", "problem");
  const live = token.generation === family?.generation;
  badge("thief-state", live ? "Holds the live token" : "Holds a spent token", "warning");
}

/**
 * @param {string} id
 * @param {string} text
 * @param {"good"|"neutral"|"warning"|"problem"} tone
 */
function badge(id, text, tone) {
  byId(id).textContent = text;
  byId(id).className = `badge ${tone}`;
}

/**
 * @param {number|null} end
 * @param {number} now
 */
const remaining = (end, now) => (end === null ? "never" : `in ${duration(end - now)}`);

/**
 * @param {number} generation
 * @param {number} now
 */
function described(generation, now) {
  if (generation === family?.generation) return `${generation}: live`;
  const spent = family?.superseded.find((each) => each.generation === generation);
  return `${generation}: ${spent && now < spent.replayable_until ? "spent, within leeway" : "spent, too late"}`;
}

/* What you do */

async function refresh() {
  const before = /** @type {Token} */ (device.token());
  const outcome = await device.refresh();
  await look();
  const after = device.token();
  if (outcome === "refused") return throwOut();
  const notice = byId("device-outcome");
  if (outcome === "unavailable" || !after) return say(notice, "warning", words.UNAVAILABLE);
  if (log.latest(before.familyId, "sertft")?.details.replayed) {
    return say(notice, "warning", words.replayedForYou(before.generation, after.generation));
  }
  say(notice, "good", words.rotated(before.generation, after.generation));
}

/** The family ended while nobody looked: the device finds out at its next refresh, which for this page is now. */
async function noticeTheEnd() {
  if ((await device.refresh()) === "refused") await throwOut();
}

async function throwOut() {
  if (state === "thrown-out") return;
  const focused = byId("signed-in").contains(document.activeElement);
  state = "thrown-out";
  await device.forget();
  log.add(await server.news());
  byId("thrown-out-reason").replaceChildren(...whyItEnded());
  say(byId("device-outcome"), "neutral");
  if (thief.token) tellThief();
  draw();
  // The pressed button is gone; a reader of the page must not be left nowhere.
  if (focused) byId("thrown-out-notice").focus();
}

/** @returns {(Node|string)[]} */
function whyItEnded() {
  // The theft, if there was one; what came later was refused because of it.
  const event = family && (log.latest(family.family_id, "ferrt", "srrt") ?? log.latest(family.family_id, "fertft"));
  if (!family || !event) return [words.REFUSED];
  const reason = event.reason ? `, reason “${event.reason}”.` : ".";
  const source = [" In the log: ", element("code", {}, event.type), reason];
  if (event.type !== "ferrt") return [words.REFUSED, ...source];
  const generation = event.details.tokenCounter;
  const spent = family.superseded.find((each) => each.generation === generation);
  const late = spent
    ? `${duration(event.at - spent.spent_at)} after it was spent`
    : "more than eight generations after it was spent";
  return [words.reused(generation, late, duration(family.leeway)), ...source];
}

async function silentLogin() {
  const person = await device.silentLogin();
  if (person) say(byId("device-outcome"), "good", words.sessionOf(person));
  else say(byId("device-outcome"), "neutral", words.NOBODY);
  await look();
}

async function logOut() {
  leaving = true;
  try {
    await device.logOut();
  } catch (failure) {
    leaving = false;
    throw failure;
  }
}

/* What the thief does */

async function steal() {
  thief.steal(loot.get(Number(byId("loot").value)) ?? null);
  heard = null;
  say(byId("thief-outcome"), "neutral");
  draw();
}

async function present() {
  heard = await thief.present();
  await look();
  tellThief();
}

/** Explains what the thief heard. */
function tellThief() {
  const raw = heard ? [element("p", { class: "raw" }, element("code", {}, `${heard.status} ${heard.says}`))] : [];
  const { tone, title, texts } = meaningOf(heard);
  const paragraphs = texts.map((text) => element("p", {}, text));
  say(byId("thief-outcome"), tone, element("h3", {}, title), ...paragraphs, ...raw);
}

/**
 * @param {Answer|null} answer
 * @returns {{tone: "warning"|"problem", title: string, texts: string[]}}
 */
function meaningOf(answer) {
  if (state === "thrown-out") return { tone: "problem", title: "Thrown out as well", texts: [words.WORTHLESS] };
  if (!answer?.received) return { tone: "problem", title: "Refused", texts: [] };
  const { generation, familyId } = answer.presented;
  const received = answer.received.generation;
  if (!log.latest(familyId, "sertft")?.details.replayed) {
    return { tone: "warning", title: "The thief was first", texts: [words.thiefFirst(generation, received)] };
  }
  const spent = family?.superseded.find((each) => each.generation === generation);
  const when = spent ? `${duration(server.now() - spent.spent_at)} ago` : "a moment ago";
  const texts = [words.replayedForThief(generation, received, when), words.WHY_REPLAYS];
  return { tone: "warning", title: "A replay: the thief gets the live token", texts };
}

/* Beginning */

onPress(byId("login"), () => device.logIn(), byId("device-outcome"));
onPress(byId("login-again"), () => device.logIn(), byId("device-outcome"));
onPress(byId("refresh"), refresh, byId("device-outcome"));
onPress(byId("silent"), silentLogin, byId("device-outcome"));
onPress(byId("logout"), logOut, byId("device-outcome"));
onPress(byId("steal"), steal, byId("thief-outcome"));
onPress(byId("present"), present, byId("thief-outcome"));

const refusal = await device.finishLogin();
const user = await device.user();
if (device.token()) {
  state = "signed-in";
  for (const text of JSON.parse(sessionStorage.getItem(LOOT) ?? "[]")) keep(readToken(text));
  byId("person").textContent = user?.name ?? user?.sub ?? "Somebody";
  byId("email").textContent = user?.email ?? "";
  byId("avatar").textContent = (user?.name ?? "?").slice(0, 1).toUpperCase();
}
if (refusal ?? settings.problem) say(byId("device-outcome"), "problem", `No login: ${refusal ?? settings.problem}`);

/** Looks at the server for as long as somebody looks at the page. */
async function watch() {
  if (document.visibilityState === "visible") await look().catch(() => undefined);
  setTimeout(watch, LOOK_EVERY);
}

draw();
await watch();
byId("log").setAttribute("aria-live", "polite");
