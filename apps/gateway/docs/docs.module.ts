import { Module } from '@nestjs/common';
import { ApiDocument } from './api.document';
import { DocsController } from './docs.controller';
import { DocsPage } from './docs.page';

@Module({ controllers: [DocsController], providers: [ApiDocument, DocsPage] })
export class DocsModule {}
