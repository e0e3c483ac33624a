import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readDashboards, readRules } from './monitoring.files';

const { alerts } = readRules();
const runbook = readFileSync('docs/runbook.md', 'utf8');

/** The sections of the runbook by alert. */
const sections = new Map(
  runbook
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);

const linkOf = (alert: string): string => `docs/runbook.md#${alert.toLowerCase()}`;

describe('docs/runbook.md', () => {
  it('has a section for every alert and no other', () => {
    expect([...sections.keys()].sort()).toEqual([...new Set(alerts.map(({ alert }) => alert))].sort());
  });

  it.each([...sections])('describes the meaning, the diagnosis and the remedy of %s', (_, section) => {
    expect([...section.matchAll(/^\*\*(Means|Look|Do)\.\*\* \S/gm)].map(([, part]) => part)).toEqual([
      'Means',
      'Look',
      'Do',
    ]);
  });

  it.each(['docs/runbook.md', 'docs/slo.md'])('is linked from %s to existing sections', (file) => {
    const links = [...readFileSync(file, 'utf8').matchAll(/\]\((?:runbook\.md)?#([\w-]+)\)/g)].map(
      ([, anchor]) => anchor,
    );
    const anchors = new Set([...sections.keys()].map((alert) => alert.toLowerCase()));
    expect(links.filter((anchor) => anchor !== undefined && !anchors.has(anchor))).toEqual([]);
  });

  it('names existing panels', () => {
    const titles = new Map(
      readDashboards().flatMap(({ file, panels }) => panels.map(({ title }) => [`${file}: ${title}`, file])),
    );
    const named = [...runbook.matchAll(/_(overview|idempotency|callers) › ([^_]+)_/g)];
    expect(named.length).toBeGreaterThan(20);
    expect(
      named
        .map(([, file, title]) => `${file}.json: ${title?.replaceAll(/\s+/g, ' ')}`)
        .filter((name) => !titles.has(name)),
    ).toEqual([]);
  });
});

describe('an alert', () => {
  it.each(alerts)('$alert ($labels.severity) has a severity, a description and a link to the runbook', (rule) => {
    expect(rule.labels.severity).toMatch(/^(page|ticket)$/);
    expect(rule.annotations).toEqual({
      summary: expect.stringMatching(/\S/) as string,
      description: expect.stringMatching(/\.$/) as string,
      runbook_url: linkOf(rule.alert),
    });
  });

  it('is linked from a panel', () => {
    const links = readDashboards().flatMap(({ panels }) => panels.flatMap((panel) => panel.links ?? []));
    const known = new Set(alerts.map(({ alert }) => linkOf(alert)));
    const urls = new Set(links.map(({ url }) => url.replace('${runbook}', 'docs/runbook.md')));
    expect([...urls].filter((url) => !known.has(url))).toEqual([]);
    expect([...known].filter((url) => !urls.has(url))).toEqual([]);
  });
});
