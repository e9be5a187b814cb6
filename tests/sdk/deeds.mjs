// Does what lines of JSON on standard input say, and answers each with a line.

import { createInterface } from "node:readline";

/** @param {Record<string, (argument: any) => unknown>} deeds */
export async function obey(deeds) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { deed, argument } = JSON.parse(line);
    const answer = await Promise.resolve(argument)
      .then(deeds[deed])
      .then((result) => ({ result: result ?? null }), (failure) => ({ failure: described(failure) }));
    console.log(JSON.stringify(answer));
  }
}

// What an application sees of a failure, by the names that the SDKs have for it.
function described({ name, message, error, error_description: description, status, statusCode }) {
  return { name, message, error, description, status: status ?? statusCode };
}
