import { markdownTable } from '../../apps/docs/markdown.table';
import type { MachineFacts } from '../bench/machine.facts';
import { HEAP_MEBIBYTES } from './limited.gateway';
import type { TrialResult } from './trial';
import { countsText, MAX_P99_RATIO, verdictOf } from './verdict';

const START = '<!-- abuse: begin -->';
const END = '<!-- abuse: end -->';
const MEBIBYTE = 2 ** 20;

const TITLES = [
  ...['attack', 'alive', 'p50 ms quiet → attacked', 'p99 ms quiet → attacked', 'p99 ratio', 'victim rejected'],
  ...['RSS peak MiB', 'longest stall ms', 'held afterwards', 'database growth MiB', 'verdict'],
];

/** One row for each attack, as markdown. */
export function trialTable(results: readonly TrialResult[]): string {
  return markdownTable(TITLES, results.map(rowOf));
}

/** The table with the machine, and a description of each attack. */
export function sectionOf(results: readonly TrialResult[], machine: MachineFacts, date: Date): string {
  const seconds = [...new Set(results.map((result) => result.seconds))].join(', ');
  const facts = [
    `Measured on ${date.toISOString().slice(0, 10)}: ${machine.processor}, ${machine.cores} cores, Node ${machine.node}, shared by`,
    `the gateway (heap ${HEAP_MEBIBYTES} MiB), Postgres, Redis, attacker and victim; the`,
    `attacker has the lowest priority. Each attack lasts ${seconds} s;`,
    'the victim sends 100 requests a second. Targets: alive, nothing rejected, nothing held afterwards, and a p99 of at most',
    `${MAX_P99_RATIO} times the quiet one.`,
  ];
  const attacks = results.map(({ attack, summary }) => `- \`${attack}\`: one caller ${summary}.`);
  return [...facts, '', trialTable(results), '', ...attacks].join('\n');
}

/** Puts a section between the markers of a document. @throws Error if it has none */
export function withSection(document: string, section: string): string {
  const [start, end] = [document.indexOf(START), document.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`the document lacks the markers ${START} and ${END}: add them first`);
  return `${document.slice(0, start + START.length)}\n\n${section}\n\n${document.slice(end)}`;
}

function rowOf(result: TrialResult): string[] {
  const { attack, quiet, attacked, unexpectedExit, peakBytes, longestStallMs, held, databaseGrowthBytes } = result;
  const { broken, slow, p99Ratio } = verdictOf(result);
  const both = (of: 'p50' | 'p99'): string =>
    `${quiet.latencyMs[of].toFixed(1)} → ${attacked.latencyMs[of].toFixed(1)}`;
  return [
    attack,
    unexpectedExit === null ? 'yes' : 'no',
    ...[both('p50'), both('p99'), p99Ratio.toFixed(1)],
    countsText(attacked.rejected) || '0',
    (peakBytes / MEBIBYTE).toFixed(0),
    longestStallMs.toFixed(0),
    held === null ? '?' : countsText(held) || '0',
    (databaseGrowthBytes / MEBIBYTE).toFixed(1),
    broken.length > 0 ? 'FAILED' : slow.length > 0 ? 'slow' : 'passed',
  ];
}
