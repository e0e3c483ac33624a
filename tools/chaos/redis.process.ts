import { once } from 'node:events';
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisServer, startRedis } from '../../test/support/redis.server';

/** A Redis server that can be flushed, suspended, killed, and restarted with an older state. */
export class RedisProcess {
  private constructor(
    private readonly folder: string,
    private server: RedisServer,
  ) {
    process.once('exit', this.removeFolder);
  }

  static async create(): Promise<RedisProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'prism-redis-'));
    return new RedisProcess(folder, await startRedis({ arguments: storedIn(folder) }));
  }

  get port(): number {
    return this.server.port;
  }

  async flush(): Promise<void> {
    await this.command('FLUSHALL');
  }

  /** Saves its current data for {@link restart}. */
  async save(): Promise<void> {
    await this.command('SAVE');
    copyFileSync(join(this.folder, 'dump.rdb'), join(this.folder, 'saved.rdb'));
  }

  async kill(): Promise<void> {
    await this.server.kill();
  }

  /** Starts it after {@link kill}: empty, or with the saved data. */
  async restart(state: 'empty' | 'saved'): Promise<void> {
    const dump = join(this.folder, 'dump.rdb');
    rmSync(dump, { force: true });
    if (state === 'saved') renameSync(join(this.folder, 'saved.rdb'), dump);
    this.server = await startRedis({ port: this.port, arguments: storedIn(this.folder) });
  }

  pause(): void {
    this.server.pause();
  }

  resume(): void {
    this.server.resume();
  }

  async close(): Promise<void> {
    await this.server.kill();
    process.off('exit', this.removeFolder);
    this.removeFolder();
  }

  private readonly removeFolder = (): void => {
    rmSync(this.folder, { recursive: true, force: true });
  };

  private async command(text: string): Promise<void> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      socket.write(`${text}\r\n`);
      const [reply] = (await once(socket, 'data')) as [Buffer]; // one line, so one chunk
      if (!reply.toString().startsWith('+OK')) throw new Error(`Redis responded to ${text} with: ${reply.toString()}`);
    } finally {
      socket.destroy();
    }
  }
}

function storedIn(folder: string): string[] {
  return ['--dir', folder, '--dbfilename', 'dump.rdb'];
}
