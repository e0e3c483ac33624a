// @module-tag promtool
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { prometheusFolder, readRules } from './monitoring.files';

const run = promisify(execFile);
const tests = readdirSync(join(prometheusFolder, 'tests')).map((file) => join(prometheusFolder, 'tests', file));

interface RuleTest {
  tests: { name: string; promql_expr_test: { exp_samples: { labels: string }[] }[] }[];
}

describe('promtool', () => {
  it('accepts the configuration and its rules', async () => {
    const { stdout } = await run('promtool', ['check', 'config', join(prometheusFolder, 'prometheus.yml')]);
    expect(stdout).toContain(`SUCCESS: ${readdirSync(join(prometheusFolder, 'rules')).length} rule files found`);
  });

  it.each(tests)('passes the rule tests of %s', { timeout: 120_000 }, async (file) => {
    await run('promtool', ['test', 'rules', file]);
  });
});

it('every alert fires in a test', () => {
  const expected = tests.flatMap((file) => {
    const { tests: cases } = parse(readFileSync(file, 'utf8')) as RuleTest; // promtool reads it as such
    return cases.flatMap((each) => each.promql_expr_test.flatMap(({ exp_samples: samples }) => samples));
  });
  const firing = new Set(
    expected.map(({ labels }) => {
      const [, alert, severity] = /alertname="(\w+)", severity="(\w+)"/.exec(labels) ?? [];
      return `${alert ?? ''} ${severity ?? ''}`;
    }),
  );
  const silent = readRules().alerts.filter(({ alert, labels }) => !firing.has(`${alert} ${labels.severity ?? ''}`));
  expect(silent.map(({ alert, labels }) => `${alert} ${labels.severity ?? ''}`)).toEqual([]);
});
