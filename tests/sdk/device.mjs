// openid-client in a device without a browser.

import * as client from "openid-client";

import { obey } from "./deeds.mjs";

const [issuer, clientId, audience] = process.argv.slice(2);

const configuration = await client.discovery(new URL(issuer), clientId, undefined, client.None(), {
  execute: [client.allowInsecureRequests],
});
const authorization = await client.initiateDeviceAuthorization(configuration, {
  scope: "openid profile offline_access",
  audience,
});

await obey({
  show: () => authorization,
  ask_once: () =>
    client.genericGrantRequest(configuration, "urn:ietf:params:oauth:grant-type:device_code", {
      device_code: authorization.device_code,
    }),
  poll: () => client.pollDeviceAuthorizationGrant(configuration, authorization),
  refresh: (token) => client.refreshTokenGrant(configuration, token),
});
