import { execFileSync } from 'node:child_process';

/** What must be installed, and the Debian package that has it. */
const programs = { buildah: 'buildah', debootstrap: 'debootstrap', runc: 'runc' };

export function requirePrograms(): void {
  const missing = Object.keys(programs).filter((name) => !has(name));
  if (missing.length > 0)
    throw new Error(`image:check needs ${missing.join(', ')}: apt-get install ${missing.join(' ')}`);
  if (process.getuid?.() !== 0) throw new Error('image:check makes file systems with their owners: run it as root');
}

/** Runs a program to its end. @returns what it printed. @throws Error with what it said, if it fails */
export function run(program: string, args: readonly string[], cwd?: string): string {
  try {
    return execFileSync(program, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 26,
    }).trim();
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${(stdout + stderr).slice(-4_000)}`, { cause: error });
  }
}

function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
