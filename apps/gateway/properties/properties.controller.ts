import { applyDecorators, Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Principal } from '#libs/auth';
import { type ObjectType, OBJECT_TYPES, type PropertyDefinition, PropertyDefinitionService } from '#libs/properties';
import { ApiErrors } from '../docs/errors.decorator';
import { UUID_SCHEMA } from '../docs/record.schemas';
import { commonHeaders } from '../docs/request.headers';
import { headerRefs } from '../docs/schema.type';
import { Authenticated, Caller } from '../http/authentication.decorators';
import { RecordTarget, Target } from '../http/target.decorator';
import type { QueryParameters } from '../http/query.check';
import { Exchange, type HttpExchange } from '../http/exchange.decorator';
import { DEFINITIONS_SCHEMA, wireDefinition } from './property-definition.schema';
import { type PropertyFilter, propertyFilterOf } from './property.filter';

/** At least one object type with its definitions. */
type Definitions = Map<ObjectType, readonly PropertyDefinition[]>;

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
    schema: UUID_SCHEMA,
  }),
);

@ApiTags('Properties')
@ApiParam({ name: 'team', description: 'The id of the team.', schema: UUID_SCHEMA })
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
  @ApiOkResponse({ description: 'The definitions.', headers: headerRefs(), schema: DEFINITIONS_SCHEMA })
  @filters
  @ApiErrors({})
  async ofTeam(
    @Caller() caller: Principal,
    @Query() query: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.respond(exchange, caller.teamId, OBJECT_TYPES, propertyFilterOf(query));
  }

  /** The definitions of one object type, which is the only key. */
  @Get(':object/properties')
  @Authenticated('records:read')
  @ApiOperation({
    operationId: 'listObjectProperties',
    summary: 'List the property definitions of one object type, by object type and definition id',
  })
  @ApiParam({ name: 'object', description: 'The object type.', enum: OBJECT_TYPES })
  @ApiOkResponse({
    description: 'The definitions; the object type is the only key.',
    headers: headerRefs(),
    schema: DEFINITIONS_SCHEMA,
  })
  @filters
  @ApiErrors({})
  async ofObjectType(
    @Target() { teamId, objectType }: RecordTarget,
    @Query() query: QueryParameters,
    @Exchange() exchange: HttpExchange,
  ): Promise<string> {
    return this.respond(exchange, teamId, [objectType], propertyFilterOf(query));
  }

  /** Renders a property per step, because a team can have thousands. @returns the body */
  private async respond(
    { request, reply }: HttpExchange,
    teamId: string,
    types: readonly ObjectType[],
    filter: PropertyFilter,
  ): Promise<string> {
    const { bytes } = await this.properties.usageOf(teamId);
    const definitions: Definitions = new Map();
    for (const objectType of types) {
      definitions.set(objectType, await this.properties.definitionsOf(teamId, objectType));
    }
    const parts = jsonParts(definitions, filter);
    let body = '';
    await request.requestContext.permits.computeAsync('render', bytes, () => {
      const { done, value } = parts.next();
      if (done !== true) body += value;
      return done !== true;
    });
    void reply.header('content-type', 'application/json; charset=utf-8');
    return body;
  }
}

/** The parts of an object of definitions by object type, then by id. */
function* jsonParts(definitions: Definitions, filter: PropertyFilter): Generator<string, void> {
  let before = '{';
  for (const [objectType, ofType] of definitions) {
    yield `${before}${JSON.stringify(objectType)}:{`;
    before = '';
    for (const definition of ofType) {
      if (!filter(definition)) continue;
      yield `${before}${JSON.stringify(definition.id)}:${JSON.stringify(wireDefinition(definition))}`;
      before = ',';
    }
    before = '},';
  }
  yield '}}';
}
