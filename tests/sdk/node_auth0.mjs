// node-auth0's authentication part, in a web application with a secret.

import { AuthenticationClient, UserInfoClient } from "auth0";

import { obey } from "./deeds.mjs";

const [domain, clientId, clientSecret, redirectUri] = process.argv.slice(2);

const { oauth } = new AuthenticationClient({ domain, clientId, clientSecret });
const people = new UserInfoClient({ domain });
const held = async (answer) => (await answer).data;

await obey({
  callback: ({ code, code_verifier, ...idTokenValidateOptions }) =>
    held(
      oauth.authorizationCodeGrantWithPKCE(
        { code, code_verifier, redirect_uri: redirectUri },
        { idTokenValidateOptions },
      ),
    ),
  refresh: (token) => held(oauth.refreshTokenGrant({ refresh_token: token })),
  revoke: (token) => held(oauth.revokeRefreshToken({ token })),
  person: (accessToken) => held(people.getUserInfo(accessToken)),
});
