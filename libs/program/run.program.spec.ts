import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Program, runProgram } from './run.program';

const listeners = new Map<string | symbol, (value?: unknown) => void>();
const exit = vi.fn();

beforeEach(() => {
  listeners.clear();
  exit.mockReset();
  vi.stubEnv('DATABASE_URL', 'postgres://localhost/prism');
  vi.stubEnv('LOG_LEVEL', 'silent');
  vi.spyOn(process, 'on').mockImplementation((event: string | symbol, listener: (value?: unknown) => void) => {
    listeners.set(event, listener);
    return process;
  });
  // `exit` returns here, which its type excludes.
  vi.spyOn(process, 'exit').mockImplementation((code) => exit(code) as never);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

function emit(event: string, value?: unknown): void {
  listeners.get(event)?.(value);
}

it('stops the program at the first signal and exits with 0', async () => {
  const stop = vi.fn(() => Promise.resolve());
  runProgram(() => Promise.resolve({ stop }));
  emit('SIGTERM');
  await vi.waitFor(() => {
    expect(exit).toHaveBeenCalledWith(0);
  });
  expect(stop).toHaveBeenCalledTimes(1);
});

it('exits at once with 128 plus the number of a second signal', () => {
  runProgram(() => Promise.resolve({ stop: () => new Promise(() => undefined) }));
  emit('SIGINT');
  expect(exit).not.toHaveBeenCalled();
  emit('SIGTERM');
  expect(exit).toHaveBeenCalledWith(143);
});

it('exits with 1 after an unhandled error', () => {
  runProgram(() => new Promise<Program>(() => undefined));
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    emit(event, new Error('unexpected'));
    expect(exit).toHaveBeenLastCalledWith(1);
  }
});

it('reports invalid settings on standard error and exits with 1', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.stubEnv('DATABASE_URL', '');
  expect(() => {
    runProgram(() => new Promise<Program>(() => undefined));
  }).toThrow();
  expect(exit).toHaveBeenCalledWith(1);
  expect(write).toHaveBeenCalledWith(expect.stringContaining('DATABASE_URL'));
});

it('exits with 1 if the program does not start', async () => {
  runProgram(() => Promise.reject(new Error('no port')));
  await vi.waitFor(() => {
    expect(exit).toHaveBeenCalledWith(1);
  });
});
