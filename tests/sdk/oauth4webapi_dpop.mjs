// oauth4webapi with DPoP in an application with or without a secret.

import * as oauth from "oauth4webapi";

import { obey } from "./deeds.mjs";

const [issuer, clientId, secret, redirectUri, audience] = process.argv.slice(2);
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: clientId };
const authentication = secret ? oauth.ClientSecretPost(secret) : oauth.None();

const discovered = await oauth.discoveryRequest(new URL(issuer), insecure);
const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered);
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();

/** A client with a key of its own. */
const holder = async (algorithm) => oauth.DPoP(client, await oauth.generateKeyPair(algorithm));
let demands = 0;

/** Send a request with a proof, once more if the server asks for its nonce. */
async function send(request, read) {
  for (;;) {
    try {
      return await read(await request());
    } catch (error) {
      if (!oauth.isDPoPNonceError(error) || demands > 9) throw error;
      demands += 1;
    }
  }
}

const refresh = (token, options) =>
  send(
    () => oauth.refreshTokenGrantRequest(server, client, authentication, token, { ...insecure, ...options }),
    (response) => oauth.processRefreshTokenResponse(server, client, response),
  );

/** What a refused request is answered. */
const refusal = (promise) => promise.then(() => null, ({ error, status }) => ({ error, status }));

const DPoP = await holder("ES256");
const thumbprint = await DPoP.calculateThumbprint();

async function authorize() {
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: "openid profile offline_access",
    audience,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    dpop_jkt: thumbprint,
  });
  return url.href;
}

/** Log in, refresh three times and ask for userinfo; then do all of it wrong. */
async function story(url) {
  const callback = oauth.validateAuthResponse(server, client, new URL(url), state);
  const exchanged = await send(
    () =>
      oauth.authorizationCodeGrantRequest(server, client, authentication, callback, redirectUri, verifier, {
        ...insecure,
        DPoP,
      }),
    (response) =>
      oauth.processAuthorizationCodeResponse(server, client, response, { expectedNonce: nonce, requireIdToken: true }),
  );
  const held = [exchanged];
  for (let count = 0; count < 3; count += 1) held.push(await refresh(held.at(-1).refresh_token, { DPoP }));

  const { access_token: accessToken, refresh_token: refreshToken } = held.at(-1);
  const userinfo = (options) => oauth.userInfoRequest(server, client, accessToken, { ...insecure, ...options });
  const subject = oauth.getValidatedIdTokenClaims(exchanged).sub;
  const claims = await oauth.processUserInfoResponse(server, client, subject, await userinfo({ DPoP }));
  const asBearer = await userinfo({});
  const byThief = await userinfo({ DPoP: await holder("ES256") });
  return {
    algorithms: server.dpop_signing_alg_values_supported,
    types: held.map((tokens) => tokens.token_type),
    refreshTokens: held.map((tokens) => tokens.refresh_token),
    accessTokens: held.map((tokens) => tokens.access_token),
    thumbprint,
    subject: claims.sub,
    asBearer: [asBearer.status, asBearer.headers.get("www-authenticate")],
    byThief: [byThief.status, byThief.headers.get("www-authenticate")],
    withoutProof: await refusal(refresh(refreshToken, {})),
    withAnotherKey: await refusal(refresh(refreshToken, { DPoP: await holder("RS256") })),
    afterwards: await refusal(refresh(refreshToken, { DPoP })),
    demands,
  };
}

await obey({ authorize, story });
