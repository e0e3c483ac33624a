import { Module } from '@nestjs/common';
import { AccessService } from './access.service';
import { ApiKeyRepository } from './api-key.repository';
import { ApiKeyService } from './api-key.service';
import { ClientRepository } from './client.repository';
import { TeamRepository } from './team.repository';

/** Who may call. Needs `DatabaseModule`. */
@Module({
  providers: [ApiKeyRepository, ApiKeyService, TeamRepository, ClientRepository, AccessService],
  exports: [ApiKeyService, AccessService],
})
export class AuthModule {}
