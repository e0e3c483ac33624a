import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway';

const run = promisify(execFile);

const MISSING_ID = '00000000-0000-4000-8000-000000000404';

/** The code blocks of a guide in one language, without the one that sets the environment. */
function examplesIn(guide: string, language: string): { name: string; code: string }[] {
  const text = readFileSync(`docs/${guide}`, 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))]
    .map(([, code = '']) => code)
    .filter((code) => !code.startsWith('export '))
    .map((code, index) => ({ name: `${guide}, ${language} example ${index + 1}`, code }));
}

let gateway: TestGateway;
let folder: string;
let recordId: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  gateway = await startGateway();
  folder = mkdtempSync(join(tmpdir(), 'prism-guide-'));
  const caller = await gateway.newCaller();
  const { body } = await caller.call<{ id: string }>('POST', caller.path('organization'), {
    body: { default: { name: 'Acme' } },
  });
  recordId = body.id;
  env = {
    PATH: process.env.PATH,
    HOME: folder,
    PRISM_URL: `${gateway.url}/v2/prism/${caller.teamId}`,
    PRISM_API_KEY: caller.credentials.apiKey,
    RECORD_ID: recordId,
  };
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await gateway.close();
});

/** What both clients print for a record that exists and one that does not. */
const clientOutput = (): RegExp => new RegExp(`^${recordId} ok "\\d+-[0-9a-f]+"\\n${MISSING_ID} error not_found\\n$`);

describe('the examples of the guides', () => {
  const shell = ['api-guide.md', 'retry-guide.md', 'properties.md'].flatMap((guide) => examplesIn(guide, 'sh'));

  it.each(shell)('$name gets responses of the gateway', { tags: ['curl'] }, async ({ code }) => {
    expect(code).toContain('curl');
    const { stdout } = await run('bash', ['-euc', code], { env });
    expect(stdout).toContain('"id":');
    // An error of the whole request appears only where the guide shows one.
    const failed = [...stdout.matchAll(/\{"error":\{"code":"(\w+)"/g)].map(([, error]) => error);
    expect(failed).toEqual(code.includes('if-match') ? ['precondition_failed'] : []);
  });

  const scripts = examplesIn('api-guide.md', 'ts');
  const runScript = async (code: string): Promise<string> => {
    const file = join(folder, 'example.mjs');
    const { outputText } = transpileModule(code, {
      compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 },
    });
    writeFileSync(file, outputText);
    return (await run(process.execPath, [file, recordId], { env })).stdout;
  };

  it.each(scripts.filter(({ code }) => code.includes('batchUpdate')))('$name updates a record', async ({ code }) => {
    expect(await runScript(code)).toMatch(clientOutput());
  });

  it.each(scripts.filter(({ code }) => code.includes('findAll')))('$name finds a record', async ({ code }) => {
    expect(await runScript(code)).toMatch(new RegExp(`^${recordId} Acme$`, 'm'));
  });

  it('are all run', () => {
    expect(scripts.filter(({ code }) => !/batchUpdate|findAll/.test(code))).toEqual([]);
  });

  it.each(examplesIn('api-guide.md', 'python'))(
    '$name updates a record',
    { tags: ['python3-requests'] },
    async ({ code }) => {
      const file = join(folder, 'batch_update.py');
      writeFileSync(file, code);
      const { stdout } = await run('python3', [file, recordId], { env });
      expect(stdout).toMatch(clientOutput());
    },
  );
});
