import { execFileSync } from 'node:child_process';

/** Required programs, with their Debian packages. */
const programs = { buildah: 'buildah', debootstrap: 'debootstrap', runc: 'runc' };

export function requirePrograms(): void {
  const missing = Object.keys(programs).filter((name) => !has(name));
  if (missing.length > 0)
    throw new Error(`image:check needs ${missing.join(', ')}: apt-get install ${missing.join(' ')}`);
  if (process.getuid?.() !== 0) throw new Error('image:check sets file owners: run it as root');
}

/** Runs a program. @returns its output. @throws Error with its output if it fails */
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
