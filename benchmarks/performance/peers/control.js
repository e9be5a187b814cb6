// The benchmark's end of a peer: it says where it serves and with which refresh tokens to begin, and answers each
// line of standard input with the processor time that the process has used so far. What a peer logs goes to standard output, as in production.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const CHANNEL = Number(process.env.CONTROL_FD);

function say(message) {
  writeSync(CHANNEL, `${JSON.stringify(message)}\n`);
}

// Serves on a free port of loopback once there are `count` tokens, which `firstToken` makes one by one.
export async function serve(server, path, count, firstToken) {
  const tokens = [];
  while (tokens.length < count) tokens.push(await firstToken());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  say({ url: `http://127.0.0.1:${port}${path}`, tokens });
  for await (const _ of createInterface({ input: process.stdin })) {
    const { user, system } = process.cpuUsage();
    say({ cpu_ms: (user + system) / 1000 });
  }
  process.exit(0);
}
