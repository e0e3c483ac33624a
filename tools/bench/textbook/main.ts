import 'reflect-metadata';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TextbookModule } from './textbook.module';

/** A straightforward gateway: each item of a batch in its own transaction, on a pooled connection. */
async function start(): Promise<void> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class and means an interface
  const app = await NestFactory.create(TextbookModule, new FastifyAdapter(), { logger: ['error', 'warn'] });
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
  await app.listen(Number(process.env.PORT), '127.0.0.1');
}

start().catch((error: unknown) => {
  // An uncaught exception is printed and ends the process with code 1.
  setImmediate(() => {
    throw error;
  });
});
