import { Body, Controller, Delete, HttpCode, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import { Authenticated } from '../http/authentication.decorators';
import type { QueryParameters } from '../http/query.check';
import { type RecordTarget, Target } from '../http/target.decorator';
import { Exchange, type HttpExchange } from '../http/exchange.decorator';
import { writeCall, WriteHandler } from '../http/write.handler';
import {
  ApiCreateOption,
  ApiCreateProperty,
  ApiDeleteOption,
  ApiDeleteProperty,
  ApiPatchOption,
  ApiPatchProperty,
} from './schema.operations';
import { SchemaService } from './schema.service';

@Controller('v2/prism/:team/:object/properties')
export class SchemaController {
  constructor(
    @Inject(SchemaService) private readonly schema: SchemaService,
    @Inject(WriteHandler) private readonly writes: WriteHandler,
  ) {}

  /** Defines a property. */
  @Post()
  @ApiCreateProperty()
  @HttpCode(201)
  @Authenticated('schema:write')
  createProperty(
    @Target() target: RecordTarget,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.writes.respond(exchange, (call) => this.schema.createProperty(target, body, call));
  }

  /** Changes the name of a property, whether it is required, or its lookup. */
  @Patch(':property')
  @ApiPatchProperty()
  @Authenticated('schema:write')
  patchProperty(
    @Target() target: RecordTarget,
    @Param('property') property: string,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.writes.respond(exchange, (call) => this.schema.patchProperty(target, property, body, call));
  }

  /** Deletes a property that no record uses, with its options. */
  @Delete(':property')
  @ApiDeleteProperty()
  @HttpCode(204)
  @Authenticated('schema:write')
  deleteProperty(
    @Target() target: RecordTarget,
    @Param('property') property: string,
    @Query() query: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<void> {
    return this.schema.deleteProperty(target, property, query, writeCall(exchange));
  }

  /** Adds an option to a select property. */
  @Post(':property/options')
  @ApiCreateOption()
  @HttpCode(201)
  @Authenticated('schema:write')
  createOption(
    @Target() target: RecordTarget,
    @Param('property') property: string,
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.writes.respond(exchange, (call) => this.schema.createOption(target, property, body, call));
  }

  /** Changes the display name and the place of an option. */
  @Patch(':property/options/:option')
  @ApiPatchOption()
  @Authenticated('schema:write')
  patchOption(
    @Target() target: RecordTarget,
    @Param() path: { property: string; option: string },
    @Body() body: unknown,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.writes.respond(exchange, (call) => this.schema.patchOption(target, path, body, call));
  }

  /** Deletes an option that no record has. */
  @Delete(':property/options/:option')
  @ApiDeleteOption()
  @HttpCode(204)
  @Authenticated('schema:write')
  deleteOption(
    @Target() target: RecordTarget,
    @Param() path: { property: string; option: string },
    @Query() query: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<void> {
    return this.schema.deleteOption(target, path, query, writeCall(exchange));
  }
}
