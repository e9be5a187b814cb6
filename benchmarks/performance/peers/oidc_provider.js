// oidc-provider with rotation, JWT access tokens for an API and ID tokens: two RS256 signatures for each exchange, as
// we make. Its first refresh tokens are saved by its own models, with the grant behind them.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';
import { serve } from './control.js';
import { DynamoDBAdapter } from './dynamodb_adapter.js';

const CLIENT = 'notes-spa';
const API = 'https://notes.example.com/api';
const API_SCOPE = 'read:notes write:notes';
const SCOPE = `openid profile email offline_access ${API_SCOPE}`;
const HOUR = 3600;
const MONTH = 30 * 24 * HOUR;

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider('http://127.0.0.1', {
  adapter: DynamoDBAdapter,
  clients: [{
    client_id: CLIENT,
    token_endpoint_auth_method: 'none',
    redirect_uris: ['https://notes.example.com/'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' }] },
  cookies: { keys: [randomUUID()] },
  scopes: ['openid', 'offline_access'],
  claims: { profile: ['name'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, name: 'Alice', email: 'alice@example.com', email_verified: true }),
  }),
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => API,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: API_SCOPE,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 2 * HOUR,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  rotateRefreshToken: true,
  ttl: { AccessToken: 2 * HOUR, IdToken: HOUR, RefreshToken: MONTH, Grant: MONTH, Session: MONTH, Interaction: HOUR },
});

async function firstToken() {
  const client = await provider.Client.find(CLIENT);
  const accountId = randomUUID();
  const grant = new provider.Grant({ accountId, clientId: CLIENT });
  grant.addOIDCScope('openid profile email offline_access');
  grant.addResourceScope(API, API_SCOPE);
  const grantId = await grant.save();
  return new provider.RefreshToken({
    accountId,
    authTime: Math.floor(Date.now() / 1000),
    client,
    expiresWithSession: false,
    grantId,
    gty: 'authorization_code',
    resource: API,
    rotations: 0,
    scope: SCOPE,
    sessionUid: randomUUID(),
  }).save();
}

provider.on('server_error', (_, error) => console.error(error));

await serve(createServer(provider.callback()), '/token', Number(process.env.CHAINS), firstToken);
