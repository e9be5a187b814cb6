// Runs a program of a page, and does with it what a test says. An hour passes when the test says so.

import { EventEmitter, on } from "node:events";
import { pathToFileURL } from "node:url";

import { obey } from "../sdk/deeds.mjs";

const { now } = Date;
let ahead = 0;
Date.now = () => now() + ahead;

globalThis.system = new EventEmitter(); // what the program's platform tells
const opened = on(system, "open");

const program = await import(pathToFileURL(process.argv[2]));
let begun;

await obey({
  ...program,
  wait: (seconds) => {
    ahead += seconds * 1000;
  },
  // For what is not over before the person has done something.
  begin(deed) {
    begun = program[deed]();
    begun.catch(() => {});
  },
  opened: async () => (await opened.next()).value[0],
  finish: () => begun,
});
