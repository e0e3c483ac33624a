import { applyDecorators, Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Principal } from '#libs/auth';
import { type ObjectType, objectTypes, PropertyDefinitionService } from '#libs/properties';
import { ApiErrors } from '../docs/errors.decorator';
import { uuid } from '../docs/record.schemas';
import { commonHeaders } from '../docs/request.headers';
import { headerRefs } from '../docs/schema.type';
import { Authenticated, Caller } from '../http/authentication.decorators';
import { RecordTarget, Target } from '../http/target.decorator';
import type { Query as QueryParameters } from '../http/query.check';
import { definitionsSchema, type WireDefinition, wireDefinition } from './property-definition.schema';
import { type PropertyFilter, propertyFilterOf } from './property.filter';

/** Definitions by object type, then by id. */
type Definitions = Partial<Record<ObjectType, Record<string, WireDefinition>>>;

const filters = applyDecorators(
  ApiQuery({
    name: 'term',
    required: false,
    description: 'Only properties whose name or slug contains this text. Case is ignored.',
    schema: { type: 'string' },
    example: 'stage',
  }),
  ApiQuery({
    name: 'list_id',
    required: false,
    description: 'Only the properties of this list.',
    schema: uuid,
  }),
);

@ApiTags('Properties')
@ApiParam({ name: 'team', description: 'The id of the team.', schema: uuid })
@commonHeaders
@Controller('v2/prism/:team')
export class PropertiesController {
  constructor(private readonly properties: PropertyDefinitionService) {}

  /** The definitions of every object type. */
  @Get('properties')
  @Authenticated('records:read')
  @ApiOperation({
    operationId: 'listProperties',
    summary: 'List the property definitions of all object types, by object type and definition id',
  })
  @ApiOkResponse({ description: 'The definitions.', headers: headerRefs(), schema: definitionsSchema })
  @filters
  @ApiErrors({})
  async ofTeam(@Caller() caller: Principal, @Query() query: QueryParameters): Promise<Definitions> {
    return this.definitionsOf(caller.teamId, objectTypes, propertyFilterOf(query));
  }

  /** The definitions of one object type, which is the only key. */
  @Get(':object/properties')
  @Authenticated('records:read')
  @ApiOperation({
    operationId: 'listObjectProperties',
    summary: 'List the property definitions of one object type, by object type and definition id',
  })
  @ApiParam({ name: 'object', description: 'The object type.', enum: objectTypes })
  @ApiOkResponse({
    description: 'The definitions; the object type is the only key.',
    headers: headerRefs(),
    schema: definitionsSchema,
  })
  @filters
  @ApiErrors({})
  async ofObjectType(
    @Target() { teamId, objectType }: RecordTarget,
    @Query() query: QueryParameters,
  ): Promise<Definitions> {
    return this.definitionsOf(teamId, [objectType], propertyFilterOf(query));
  }

  private async definitionsOf(
    teamId: string,
    types: readonly ObjectType[],
    filter: PropertyFilter,
  ): Promise<Definitions> {
    const definitions: Definitions = {};
    for (const objectType of types) {
      const ofType = await this.properties.definitionsOf(teamId, objectType);
      definitions[objectType] = Object.fromEntries(
        ofType.filter(filter).map((each) => [each.id, wireDefinition(each)]),
      );
    }
    return definitions;
  }
}
