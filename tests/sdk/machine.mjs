// openid-client as a machine: it proves who it is by the private key in its environment.

import * as client from "openid-client";

import { obey } from "./deeds.mjs";

const [issuer, clientId, algorithm] = process.argv.slice(2);

const parameters =
  algorithm === "ES256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "RSA-PSS", hash: "SHA-256" };
const pem = process.env.PRIVATE_KEY.replace(/-----[^-]+-----|\s/g, "");
const key = await crypto.subtle.importKey("pkcs8", Buffer.from(pem, "base64"), parameters, false, ["sign"]);

const configuration = await client.discovery(new URL(issuer), clientId, undefined, client.PrivateKeyJwt(key), {
  execute: [client.allowInsecureRequests],
});

await obey({
  tokens: (request) => client.clientCredentialsGrant(configuration, request),
  introspection: (token) => client.tokenIntrospection(configuration, token),
});
