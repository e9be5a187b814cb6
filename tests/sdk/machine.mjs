// openid-client as a machine: it proves who it is by the key on standard input, and prints what it gets.

import { text } from "node:stream/consumers";

import * as client from "openid-client";

const [issuer, clientId, algorithm, audience] = process.argv.slice(2);

const parameters =
  algorithm === "ES256" ? { name: "ECDSA", namedCurve: "P-256" } : { name: "RSA-PSS", hash: "SHA-256" };
const pem = (await text(process.stdin)).replace(/-----[^-]+-----|\s/g, "");
const key = await crypto.subtle.importKey("pkcs8", Buffer.from(pem, "base64"), parameters, false, ["sign"]);

const configuration = await client.discovery(new URL(issuer), clientId, undefined, client.PrivateKeyJwt(key), {
  execute: [client.allowInsecureRequests],
});
const tokens = await client.clientCredentialsGrant(configuration, { resource: audience, scope: "read:notes" });
const introspected = await client.tokenIntrospection(configuration, tokens.access_token);
const refused = await client.clientCredentialsGrant(configuration, { audience, scope: "write:notes" }).catch(
  ({ name, error, error_description: description, status }) => ({ name, error, description, status }),
);
console.log(JSON.stringify({ tokens, introspected, refused }));
