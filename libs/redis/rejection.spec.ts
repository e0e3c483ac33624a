import { describe, expect, it } from 'vitest';
import { rejectionOf } from './rejection';

describe('rejectionOf', () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'. script: 0123, on @user_script:28.", 'OOM'],
    [
      "ERR Error running script (call to f_01): @user_script:3: -OOM command not allowed when used memory > 'maxmemory'.",
      'OOM',
    ],
    ["READONLY You can't write against a read only replica.", 'READONLY'],
    ['MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.', 'MISCONF'],
    ['NOAUTH Authentication required.', 'NOAUTH'],
    ["NOPERM this user has no permissions to run the 'evalsha' command", 'NOPERM'],
    ["ERR The user executing the script can't run this command or subcommand script: 01, on @user_script:1.", 'NOPERM'],
    ['ERR ACL failure in script: this user has no permissions to run this command', 'NOPERM'],
    ['MOVED 3999 127.0.0.1:6381', 'MOVED'],
    ['CLUSTERDOWN Hash slot not served', 'CLUSTERDOWN'],
    ["ERR unknown command 'evalsha', with args beginning with: ", 'UNKNOWN'],
  ])('%s is %s', (message, code) => {
    expect(rejectionOf(message)).toBe(code);
  });

  it.each([
    'ERR value is not an integer or out of range',
    'WRONGTYPE Operation against a key',
    'ERR about MOVED things',
  ])('%s concerns one call', (message) => {
    expect(rejectionOf(message)).toBeUndefined();
  });
});
