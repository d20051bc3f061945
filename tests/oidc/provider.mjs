// A provider of OpenID Connect that others wrote (npm's `oidc-provider`, certified by the OpenID Foundation): says its
// issuer, reads where people come back to, and serves until its input ends. Anybody signs in, by any name.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const server = createServer();
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
server.listen(0, '127.0.0.1', async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  console.log(issuer);
  const { value: told } = await lines.next();
  const { redirect, secret, method } = JSON.parse(told);
  const client = {
    client_id: 'us', client_secret: secret, redirect_uris: [redirect], token_endpoint_auth_method: method,
  };
  const provider = new Provider(issuer, { clients: [client] });
  server.on('request', provider.callback());
  console.log('ready');
  await lines.next();
  process.exit();
});
