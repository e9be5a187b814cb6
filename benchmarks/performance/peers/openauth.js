// OpenAuth with its own DynamoDB storage and its defaults: rotation with a reuse interval of 60 s, one JWT signed with
// ES256 for each exchange, a line of its logger before and after. Its first refresh tokens come out of its own code flow,
// behind a provider that lets everybody in.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { getRequestListener } from '@hono/node-server';
import { issuer } from '@openauthjs/openauth';
import { DynamoStorage } from '@openauthjs/openauth/storage/dynamo';
import { serve } from './control.js';

const CLIENT = 'notes-spa';
const CALLBACK = 'http://localhost/callback';

const app = issuer({
  storage: DynamoStorage({ table: process.env.OPENAUTH_TABLE, endpoint: process.env.AWS_ENDPOINT_URL_DYNAMODB }),
  subjects: {},
  providers: {
    anybody: {
      type: 'anybody',
      init: (routes, { success }) => routes.get('/authorize', (context) => success(context, { userId: randomUUID() })),
    },
  },
  success: (respond, { userId }) => respond.subject('user', { userId, name: 'Alice', email: 'alice@example.com' }),
  ttl: { access: 2 * 3600, refresh: 30 * 24 * 3600 },
});

async function firstToken() {
  const asked = new URLSearchParams({ client_id: CLIENT, redirect_uri: CALLBACK, response_type: 'code', provider: 'anybody' });
  const begun = await app.request(`http://localhost/authorize?${asked}`);
  const cookie = begun.headers.getSetCookie().map((one) => one.split(';')[0]).join('; ');
  const answered = await app.request(new URL(begun.headers.get('location'), 'http://localhost'), { headers: { cookie } });
  const code = new URL(answered.headers.get('location')).searchParams.get('code');
  const form = new URLSearchParams({ grant_type: 'authorization_code', code, client_id: CLIENT, redirect_uri: CALLBACK });
  const exchanged = await app.request('http://localhost/token', { method: 'POST', body: form });
  return (await exchanged.json()).refresh_token;
}

await serve(createServer(getRequestListener(app.fetch)), '/token', Number(process.env.CHAINS), firstToken);
