import { randomInt } from 'node:crypto';
import { flag, parseOptions, text, UsageError } from '../command.line';
import { type MutantName, mutants } from './mutants/mutant.catalogue';

export interface Options {
  durationMs: number;
  seed: number;
  mutant: MutantName | undefined;
  /** One Postgres server, a primary with a synchronous standby, or the same managed by Patroni behind HAProxy. */
  servers: 'single' | 'pair' | 'patroni';
  /** Path of the JSON file for the figures. */
  json: string | undefined;
}

const optionTypes = {
  minutes: text,
  seconds: text,
  seed: text,
  mutant: text,
  failover: flag,
  patroni: flag,
  json: text,
};

export const usage = `npm run chaos -- [--minutes <n> | --seconds <n>] [--seed <n>] [--mutant <name> | --failover | --patroni] [--json <file>]

  --minutes, --seconds  how long faults are injected (default 60 seconds)
  --seed                a whole number; the same seed injects the same faults at the same times
  --mutant              run a gateway that lacks a safeguard; the run must exit with 1. One of:
                        ${Object.keys(mutants).join(', ')}
  --failover            Postgres is a primary with a synchronous standby, and the faults are failovers and switchovers
  --patroni             the same with servers that Patroni manages, behind HAProxy, configured as in deploy/patroni
  --json                write the figures to this file
`;

/** @throws UsageError */
export function readOptions(given: string[]): Options {
  const { minutes, seconds, seed, mutant, failover = false, patroni = false, json } = parseOptions(given, optionTypes);
  if (minutes !== undefined && seconds !== undefined) throw new UsageError('give either --minutes or --seconds');
  const length = minutes === undefined ? numberOf('seconds', seconds ?? '60') : 60 * numberOf('minutes', minutes);
  if (length <= 0) throw new UsageError('the length must be more than 0');
  if (mutant !== undefined && !isMutant(mutant)) {
    throw new UsageError(`--mutant must be one of ${Object.keys(mutants).join(', ')}`);
  }
  if (Number(failover) + Number(patroni) + Number(mutant !== undefined) > 1) {
    throw new UsageError('give one of --mutant, --failover and --patroni');
  }
  return {
    servers: patroni ? 'patroni' : failover ? 'pair' : 'single',
    durationMs: length * 1_000,
    seed: seed === undefined ? randomInt(2 ** 31) : Math.trunc(numberOf('seed', seed)),
    mutant,
    json,
  };
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new UsageError(`--${name} must be a number`);
  return number;
}

function isMutant(name: string): name is MutantName {
  return Object.hasOwn(mutants, name);
}
