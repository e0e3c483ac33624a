import { readFileSync } from 'node:fs';

/** A Lua script. */
interface ScriptFile {
  readonly lua: string;
  /** The number of keys among the arguments. Redis Cluster routes the call by them. */
  readonly keys: number;
}

/**
 * Reads a Lua script. The file name ends in the number of keys: `claim-1.lua` has one key.
 *
 * @throws Error if the file name has no number of keys, or the file cannot be read
 */
export function readScript(path: string): ScriptFile {
  const keys = /-(\d+)\.lua$/.exec(path)?.[1];
  if (keys === undefined) {
    throw new Error(`${path}: the name of a Lua script must end in its number of keys, as in claim-1.lua`);
  }
  return { lua: readFileSync(path, 'utf8'), keys: Number(keys) };
}
