import { expect, it } from 'vitest';
import { RawSocket } from '../support/raw.socket';
import { useGateway } from '../support/gateway.hooks';

/** Bytes that a load balancer may read as the rest of a body, and the gateway as another request. */
const SMUGGLED = 'GET /health/live HTTP/1.1\r\nhost: x\r\nx-request-id: smuggled\r\n\r\n';

const api = useGateway();

/** A batch with these header lines and this body; returns all received bytes until the connection ends. */
async function exchange(headers: string[], body: string): Promise<string> {
  const head = [
    `POST ${api.caller.path('organization/batch/update')} HTTP/1.1`,
    'host: x',
    `x-api-key: ${api.caller.credentials.apiKey}`,
    'content-type: application/json',
    ...headers,
  ];
  const socket = await RawSocket.open(api.gateway.url);
  await socket.send(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}${SMUGGLED}`, 'latin1'));
  return socket.end();
}

it.each<[string, string[], string]>([
  ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked'], '0\r\n\r\n'],
  ['chunks and a length', ['transfer-encoding: chunked', 'content-length: 5'], '0\r\n\r\n'],
  ['a length twice', ['content-length: 2', 'content-length: 2'], '{}'],
  ['two lengths', ['content-length: 2', 'content-length: 40'], '{}'],
  ['two lengths in one', ['content-length: 2, 40'], '{}'],
  ['a length with a sign', ['content-length: +2'], '{}'],
  ['a length with a space in it', ['content-length: 2 0'], '{}'],
  ['a length beyond all numbers', ['content-length: 99999999999999999999999'], '{}'],
  ['an encoding that is not quite chunked', ['transfer-encoding: xchunked'], '0\r\n\r\n'],
  ['chunked that is not the last encoding', ['transfer-encoding: chunked, identity'], '0\r\n\r\n'],
  ['chunked and again something else', ['transfer-encoding: chunked', 'transfer-encoding: x'], '0\r\n\r\n'],
  ['an encoding with a vertical tab', ['transfer-encoding: \x0bchunked'], '0\r\n\r\n'],
  ['a folded encoding', ['transfer-encoding:', ' chunked'], '0\r\n\r\n'],
  ['a space before the colon', ['transfer-encoding : chunked'], '0\r\n\r\n'],
  ['a bare carriage return', ['a: b\rtransfer-encoding: chunked'], '0\r\n\r\n'],
  ['a chunk with a hexadecimal prefix', ['transfer-encoding: chunked'], '0x2\r\n{}\r\n0\r\n\r\n'],
  ['a chunk of negative size', ['transfer-encoding: chunked'], '-2\r\n{}\r\n0\r\n\r\n'],
  ['a chunk beyond all numbers', ['transfer-encoding: chunked'], 'fffffffffffffffff\r\n{}\r\n0\r\n\r\n'],
  ['a chunk longer than it says', ['transfer-encoding: chunked'], '1\r\n{}\r\n0\r\n\r\n'],
  ['chunks that end in bare line feeds', ['transfer-encoding: chunked'], '2\n{}\n0\n\n'],
  ['a chunk with an endless extension', ['transfer-encoding: chunked'], `2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`],
])('%s is rejected, and the bytes after it are not read as a request', async (_, headers, body) => {
  const response = await exchange(headers, body);
  expect(response).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(response.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(response).not.toContain('smuggled');
});
