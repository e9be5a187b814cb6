import { Auth0Client, GenericError } from "./node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js";

import { readToken } from "./token.js";

/** @typedef {import("./token.js").Token} Token */
/** @typedef {"rotated"|"refused"|"unavailable"} Outcome */

/** The application on the user's own device: Auth0's SDK, pointed at Heirloom. */
export class Device {
  #issuer;
  #clientId;
  #auth0;

  /** @param {{issuer: string, client_id: string}} settings */
  constructor({ issuer, client_id: clientId }) {
    this.#issuer = issuer;
    this.#clientId = clientId;
    this.#auth0 = new Auth0Client({
      ...this.#options(),
      useRefreshTokens: true,
      // For this page alone, which shows the token and lets you steal it. Leave it out, and no script can read it.
      cacheLocation: "localstorage",
    });
  }

  /** Sends the browser to the login page. It returns to this page with a code. */
  logIn() {
    return this.#auth0.loginWithRedirect();
  }

  /**
   * Finishes a login if this page was loaded as the end of one.
   * @returns {Promise<string|null>} what the server said against it, if it did
   */
  async finishLogin() {
    const parameters = new URLSearchParams(location.search);
    if (!parameters.has("state")) return null;
    try {
      await this.#auth0.handleRedirectCallback();
      return null;
    } catch (error) {
      return refusalOf(error)?.error_description ?? String(error);
    } finally {
      history.replaceState(null, "", location.pathname);
    }
  }

  /** @returns {Promise<{name?: string, email?: string, sub?: string}|undefined>} */
  user() {
    return this.#auth0.getUser();
  }

  /**
   * The refresh token as it lies in localStorage, where every script of this origin could read it.
   * @returns {Token|null}
   */
  token() {
    const prefix = `@@auth0spajs@@::${this.#clientId}::`;
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith(prefix))) {
      const text = JSON.parse(localStorage.getItem(key) ?? "{}").body?.refresh_token;
      if (text) return readToken(text);
    }
    return null;
  }

  /**
   * Exchanges the refresh token.
   * @returns {Promise<Outcome>}
   */
  async refresh() {
    try {
      await this.#auth0.getTokenSilently({ cacheMode: "off" });
      return "rotated";
    } catch (error) {
      const code = refusalOf(error)?.error;
      return code === "invalid_grant" || code === "missing_refresh_token" ? "refused" : "unavailable";
    }
  }

  /** Forgets all tokens, as an application must once its refresh token is refused. */
  forget() {
    return this.#auth0.logout({ openUrl: false });
  }

  /** Revokes the family, then ends the session at the login server. */
  async logOut() {
    await this.#auth0.revokeRefreshToken();
    await this.#auth0.logout({ logoutParams: { returnTo: `${location.origin}/` } });
  }

  /**
   * Asks the login server in a hidden frame who is logged in there. No refresh token takes part.
   * @returns {Promise<string|null>} the person, or null when there is nobody
   */
  async silentLogin() {
    const stranger = new Auth0Client(this.#options());
    try {
      await stranger.getTokenSilently({ cacheMode: "off" });
    } catch (error) {
      if (refusalOf(error)?.error === "login_required") return null;
      throw error;
    }
    const user = await stranger.getUser();
    return user?.email ?? user?.sub ?? "somebody";
  }

  #options() {
    return {
      domain: new URL(this.#issuer).origin,
      clientId: this.#clientId,
      authorizationParams: { redirect_uri: `${location.origin}/`, scope: "openid profile email" },
    };
  }
}

/**
 * What the server, or the SDK in its place, said to a request; null for any other failure.
 * @param {unknown} failure
 * @returns {{error: string, error_description: string}|null}
 */
const refusalOf = (failure) => (failure instanceof GenericError ? /** @type {any} */ (failure) : null);
