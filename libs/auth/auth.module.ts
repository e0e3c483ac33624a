import { Module } from '@nestjs/common';
import { ApiKeyRepository } from './api-key.repository';
import { ApiKeyService } from './api-key.service';
import { AuthMetrics } from './auth.metrics';
import { ClientLabel } from './client.label';

/** Authentication of callers. Requires `DatabaseModule`. */
@Module({
  providers: [AuthMetrics, ClientLabel, ApiKeyRepository, ApiKeyService],
  exports: [AuthMetrics, ClientLabel, ApiKeyService],
})
export class AuthModule {}
