import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { startGateway, type TestGateway } from '../support/gateway';
import { documentOf } from '../support/openapi';
import { PropertyCalls } from '../support/property.calls';
import { WorkerProcess } from '../support/worker.process';

const run = promisify(execFile);

/** In the order in which their examples run. Those that read expect the records as `npm start` creates them. */
const GUIDES = ['api-guide.md', 'reading.md', 'writing.md', 'retry-guide.md', 'properties.md', 'lookups.md'];
const MISSING_ID = '00000000-0000-4000-8000-000000000404';
const ORGANIZATIONS = [
  { name: 'Acme', stage: 'proposal', employees: 120, primary_domain: 'acme.example' },
  { name: 'Globex', stage: 'qualified', employees: 4_200, primary_domain: 'globex.example' },
  { name: 'Initech', stage: 'lead', employees: 35, primary_domain: 'initech.example' },
];

interface Example {
  name: string;
  code: string;
}

/** The code blocks of all guides in one language, without the one that sets the environment. */
function examplesIn(language: string): Example[] {
  return GUIDES.flatMap((guide) => {
    const text = readFileSync(`docs/${guide}`, 'utf8');
    return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))]
      .map(([, code = '']) => code)
      .filter((code) => !code.startsWith('export '))
      .map((code, index) => ({ name: `${guide}, ${language} example ${index + 1}`, code }));
  });
}

/** The operations under /v2/prism that the gateway responded to with 2xx, as `POST /v2/prism/:team/:object`. */
async function operationsCalled(gateway: TestGateway): Promise<string[]> {
  const samples = await gateway.app.get(Instruments).samples('prism_http_requests_total');
  const called = [...samples.keys()].flatMap((labels) => {
    const [, method = '', route = ''] = /method="(\w+)",route="(\/v2\/prism[^"]*)",status="2\d\d"/.exec(labels) ?? [];
    return method === '' ? [] : [`${method} ${route}`];
  });
  return [...new Set(called)].sort();
}

async function operationsDocumented(gateway: TestGateway): Promise<string[]> {
  const { paths } = await documentOf(gateway.url);
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/v2/prism'))
    .flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
    )
    .sort();
}

describe.each(['curl', 'fetch'])('the examples of the guides with %s', (client) => {
  let gateway: TestGateway;
  let worker: WorkerProcess;
  let folder: string;
  let recordId: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    gateway = await startGateway();
    worker = await WorkerProcess.start(gateway.databaseUrl);
    folder = mkdtempSync(join(tmpdir(), 'prism-guide-'));
    const caller = await gateway.newCaller();
    const ids: string[] = [];
    for (const organization of ORGANIZATIONS) ids.push(await caller.create({ default: organization }));
    recordId = ids[0] ?? '';
    const property = await new PropertyCalls(caller).create({ type: 'str', name: 'External id' });
    env = {
      PATH: process.env.PATH,
      HOME: folder,
      PRISM_URL: `${gateway.url}/v2/prism/${caller.teamId}`,
      PRISM_API_KEY: caller.credentials.apiKey,
      RECORD_ID: recordId,
      PROPERTY_ID: property.body.id,
    };
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await worker.end('SIGTERM');
    await gateway.close();
  });

  /** What both clients with retries print for a record that exists and one that does not. */
  const clientOutput = (): RegExp => new RegExp(`^${recordId} ok "\\d+-[0-9a-f]+"\\n${MISSING_ID} error not_found\\n$`);

  if (client === 'curl') {
    it.each(examplesIn('sh'))('$name gets responses of the gateway', { tags: ['curl'] }, async ({ code }) => {
      expect(code).toContain('curl');
      const { stdout } = await run('bash', ['-euc', code], { env });
      expect(stdout).toMatch(/\{"|^HTTP\/1\.1 204/);
      // An error of the whole request appears only where the guide shows one.
      const failed = [...stdout.matchAll(/\{"error":\{"code":"(\w+)"/g)].map(([, error]) => error);
      expect(failed).toEqual(code.includes('if-match') ? ['precondition_failed'] : []);
    });

    it.each(examplesIn('python'))('$name updates a record', { tags: ['python3-requests'] }, async ({ code }) => {
      const file = join(folder, 'batch_update.py');
      writeFileSync(file, code);
      const { stdout } = await run('python3', [file, recordId], { env });
      expect(stdout).toMatch(clientOutput());
    });

    it('show every operation', { tags: ['curl'] }, async () => {
      expect(await operationsCalled(gateway)).toEqual(await operationsDocumented(gateway));
    });
    return;
  }

  const all = examplesIn('ts');
  const [helper = { name: '', code: '' }, ...examples] = all;
  const runScript = async (code: string): Promise<string> => {
    const file = join(folder, 'example.mjs');
    const { outputText } = transpileModule(code, {
      compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 },
    });
    writeFileSync(file, outputText);
    return (await run(process.execPath, [file, recordId], { env })).stdout;
  };

  it.each(examples.filter(({ code }) => code.includes('prism(')))(
    '$name prints what its last lines say',
    async ({ code }) => {
      const [, documented = ''] = /((?:^\/\/ .*\n)+)$/m.exec(code) ?? [];
      const linesOf = (text: string): string[] =>
        text
          .trimEnd()
          .split('\n')
          .map((line) => line.trimEnd());
      const output = await runScript(helper.code + code);
      expect(linesOf(output)).toEqual(linesOf(documented.replaceAll(/^\/\/ /gm, '')));
    },
  );

  it.each(examples.filter(({ code }) => !code.includes('prism(')))('$name updates a record', async ({ code }) => {
    expect(await runScript(code)).toMatch(clientOutput());
  });

  it('show every operation', async () => {
    expect(await operationsCalled(gateway)).toEqual(await operationsDocumented(gateway));
  });
});
