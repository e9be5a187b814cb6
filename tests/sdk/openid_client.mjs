// openid-client, told what to do by lines of JSON on standard input; it answers each with a line.

import { createInterface } from "node:readline";

import * as client from "openid-client";

const [issuer, clientId, secret, redirectUri, audience] = process.argv.slice(2);

const configuration = await client.discovery(
  new URL(issuer),
  clientId,
  undefined,
  secret ? client.ClientSecretBasic(secret) : client.None(),
  { execute: [client.allowInsecureRequests] },
);
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();

/** @type {Record<string, (argument: string) => Promise<unknown>>} */
const deeds = {
  async authorize() {
    return client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: "openid profile offline_access",
      audience,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
    });
  },
  callback: (url) =>
    client.authorizationCodeGrant(configuration, new URL(url), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    }),
  refresh: (token) => client.refreshTokenGrant(configuration, token),
  revoke: async (token) =>
    (await client.tokenRevocation(configuration, token, { token_type_hint: "refresh_token" })) ?? null,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { deed, argument } = JSON.parse(line);
  const answer = await deeds[deed](argument).then(
    (result) => ({ result }),
    ({ name, error, error_description: description, status }) => ({ failure: { name, error, description, status } }),
  );
  console.log(JSON.stringify(answer));
}
