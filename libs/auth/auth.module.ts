import { Module } from '@nestjs/common';
import { AccessService } from './access.service';
import { ApiKeyRepository } from './api-key.repository';
import { ApiKeyService } from './api-key.service';
import { AuthMetrics } from './auth.metrics';
import { ClientLabel } from './client.label';
import { ClientRepository } from './client.repository';
import { TeamRepository } from './team.repository';

/** Who may call. Needs `DatabaseModule`. */
@Module({
  providers: [
    AuthMetrics,
    ClientLabel,
    ApiKeyRepository,
    ApiKeyService,
    TeamRepository,
    ClientRepository,
    AccessService,
  ],
  exports: [AuthMetrics, ClientLabel, ApiKeyService, AccessService],
})
export class AuthModule {}
