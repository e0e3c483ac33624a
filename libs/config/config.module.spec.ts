import { Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, it } from 'vitest';
import { ConfigModule } from './config.module';
import { Settings } from './settings';
import { readSettings } from './settings.reader';

@Injectable()
class Reader {
  constructor(readonly settings: Settings) {}
}

@Module({ providers: [Reader] })
class Feature {}

@Module({ imports: [Feature] })
class Root {}

it('a module can inject the settings without an import', async () => {
  const settings = readSettings({ DATABASE_URL: 'postgres://db/prism' });
  Logger.overrideLogger(false);
  const context = await NestFactory.createApplicationContext({ module: Root, imports: [ConfigModule.of(settings)] });
  expect(context.get(Reader, { strict: false }).settings).toBe(settings);
  await context.close();
});
