// express-openid-connect in an Express application that shows what it holds.

import { randomBytes } from "node:crypto";

import express from "express";
import { auth } from "express-openid-connect";

const [issuerBaseURL, baseURL, clientID, clientSecret, clientAuthMethod, audience, logout, pushing] =
  process.argv.slice(2);

const application = express();
application.use(
  auth({
    issuerBaseURL,
    baseURL,
    clientID,
    clientSecret,
    clientAuthMethod,
    secret: randomBytes(32),
    authRequired: false,
    idpLogout: true,
    auth0Logout: logout === "/v2/logout",
    pushedAuthorizationRequests: pushing === "pushing",
    authorizationParams: { response_type: "code", scope: "openid profile email offline_access", audience },
  }),
);

const held = ({ oidc: { user, accessToken, refreshToken, idToken } }) => ({
  user,
  access_token: accessToken?.access_token,
  refresh_token: refreshToken,
  id_token: idToken,
});

application.get("/", (request, response) => response.json(held(request)));
application.get("/refresh", async (request, response) => {
  await request.oidc.accessToken.refresh();
  response.json(held(request));
});
application.get("/person", async (request, response) => response.json(await request.oidc.fetchUserInfo()));
application.get("/silent", (_, response) => response.oidc.silentLogin({ returnTo: "/" }));
application.use((failure, _request, response, _next) => {
  const { status, error, error_description: description, message } = failure;
  response.status(status ?? 500).json({ error, description, message });
});

const { hostname, port } = new URL(baseURL);
application.listen(Number(port), hostname);
