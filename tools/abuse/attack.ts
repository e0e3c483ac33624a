import type { AttackTarget } from './attack.target';

/** Something that one caller does to make the gateway crash, freeze, fill up or starve its other callers. */
export interface Attack {
  /** As `--only` takes it. */
  readonly name: string;
  /** What the caller does, in one sentence. */
  readonly summary: string;
  /**
   * Creates the records and bodies that the attack needs, before anything is measured.
   *
   * @returns the round to repeat
   */
  prepare(target: AttackTarget): Promise<Round>;
}

/**
 * One bounded round of an attack. It resolves when every request has its response or has lost its connection; connections that
 * stay open belong to the target, which closes them when the attack is over. It ends early when the target's signal aborts.
 */
export type Round = () => Promise<void>;
