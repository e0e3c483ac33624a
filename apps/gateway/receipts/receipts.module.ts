import { Module } from '@nestjs/common';
import { IdempotencyModule } from '#libs/idempotency';
import { ReceiptsController } from './receipts.controller';

@Module({ imports: [IdempotencyModule], controllers: [ReceiptsController] })
export class ReceiptsModule {}
