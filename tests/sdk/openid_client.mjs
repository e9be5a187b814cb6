// openid-client in an application with or without a secret.

import * as client from "openid-client";

import { obey } from "./deeds.mjs";

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

const parameters = {
  redirect_uri: redirectUri,
  scope: "openid profile offline_access",
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
  state,
  nonce,
};

await obey({
  authorize: () => client.buildAuthorizationUrl(configuration, { ...parameters, audience }),
  push: (more) => client.buildAuthorizationUrlWithPAR(configuration, { ...parameters, ...more }),
  callback: (url) =>
    client.authorizationCodeGrant(configuration, new URL(url), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    }),
  refresh: (token) => client.refreshTokenGrant(configuration, token),
  revoke: (token) => client.tokenRevocation(configuration, token, { token_type_hint: "refresh_token" }),
  endSession: (parameters) => client.buildEndSessionUrl(configuration, parameters),
});
