import { readFileSync } from 'node:fs';

/** A Lua script as it stands in its file. */
interface ScriptFile {
  readonly lua: string;
  /** How many of a call's arguments are keys: Redis Cluster finds the node by them. */
  readonly keys: number;
}

/**
 * Reads a Lua script, once at start. The number of keys ends the file's name: `claim-1.lua` takes one.
 * @throws {Error} if the name says no number of keys, or the file cannot be read.
 */
export function readScript(path: string): ScriptFile {
  const keys = /-(\d+)\.lua$/.exec(path)?.[1];
  if (keys === undefined) {
    throw new Error(`${path}: the name of a Lua script ends in its number of keys, as in claim-1.lua`);
  }
  return { lua: readFileSync(path, 'utf8'), keys: Number(keys) };
}
