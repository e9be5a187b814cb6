// AppAuth-JS in a native application without a secret, whose redirect URI is a port of this machine.

import { register } from "node:module";

import { obey } from "./deeds.mjs";

register("./appauth_names.mjs", import.meta.url);

const {
  AuthorizationNotifier,
  AuthorizationRequest,
  AuthorizationServiceConfiguration,
  BaseTokenRequestHandler,
  Flags,
  RevokeTokenRequest,
  TokenRequest,
} = await import("@openid/appauth");
const support = "@openid/appauth/built/src/node_support";
const { NodeBasedHandler } = await import(`${support}/node_request_handler.js`);
const { NodeCrypto } = await import(`${support}/crypto_utils.js`);
const { NodeRequestor } = await import(`${support}/node_requestor.js`);

const [issuer, clientId, port, audience] = process.argv.slice(2);
const redirectUri = `http://127.0.0.1:${port}/callback`;

Flags.IS_LOG = false; // it would log on standard output, among our answers
const requestor = new NodeRequestor();
const configuration = await AuthorizationServiceConfiguration.fetchFromIssuer(issuer.replace(/\/$/, ""), requestor);
const handler = new BaseTokenRequestHandler(requestor);
let callback;

async function grant(parameters) {
  const request = new TokenRequest({ client_id: clientId, redirect_uri: redirectUri, ...parameters });
  return (await handler.performTokenRequest(configuration, request)).toJson();
}

await obey({
  // Begins to listen at the redirect URI, and opens the system's browser.
  open() {
    const request = new AuthorizationRequest(
      { client_id: clientId, redirect_uri: redirectUri, scope: "openid profile offline_access", extras: { audience } },
      new NodeCrypto(),
    );
    const notifier = new AuthorizationNotifier();
    callback = new Promise((resolve) =>
      notifier.setAuthorizationListener((_, response, error) => resolve({ request, response, error })),
    );
    // An address instead of a mere port: it would listen on every interface.
    const listening = new NodeBasedHandler({ host: "127.0.0.1", port: Number(port) });
    listening.setAuthorizationNotifier(notifier).performAuthorizationRequest(configuration, request);
  },
  async login() {
    const { request, response, error } = await callback;
    if (error) throw error;
    if (response.state !== request.state) throw new Error("not the answer to this request");
    const { code_verifier } = request.internal;
    return grant({ grant_type: "authorization_code", code: response.code, extras: { code_verifier } });
  },
  refresh: (token) => grant({ grant_type: "refresh_token", refresh_token: token }),
  revoke(token) {
    const request = new RevokeTokenRequest({ token, token_type_hint: "refresh_token", client_id: clientId });
    return handler.performRevokeTokenRequest(configuration, request);
  },
});
