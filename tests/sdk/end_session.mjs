// openid-client logs a person in and out, told what to do by lines of JSON on standard input.

import { createInterface } from "node:readline";

import * as client from "openid-client";

const [issuer, clientId, secret, redirectUri] = process.argv.slice(2);

const configuration = await client.discovery(new URL(issuer), clientId, secret, undefined, {
  execute: [client.allowInsecureRequests],
});
const verifier = client.randomPKCECodeVerifier();

/** @type {Record<string, (argument: any) => Promise<unknown>>} */
const deeds = {
  authorize: async () =>
    client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: "openid offline_access",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    }),
  callback: (url) => client.authorizationCodeGrant(configuration, new URL(url), { pkceCodeVerifier: verifier }),
  endSession: async (parameters) => client.buildEndSessionUrl(configuration, parameters),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { deed, argument } = JSON.parse(line);
  console.log(JSON.stringify(await deeds[deed](argument)));
}
