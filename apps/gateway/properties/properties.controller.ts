import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';

import { Authenticated, Caller, Principal } from '#libs/auth';
import { ObjectType, objectTypes, PropertyDefinition, PropertyDefinitionService } from '#libs/properties';

import { ApiProblems } from '../docs/problems.decorator';
import { uuid } from '../docs/record.schemas';
import { requestId, sdkTimeout, timeout, traceparent } from '../docs/request.headers';
import { headerRefs } from '../docs/schema.type';
import { RecordTarget, Target } from '../http/target.decorator';
import { definitionsSchema } from './property-definition.schema';

/** Definitions by object type, then by id. */
type Definitions = Partial<Record<ObjectType, Record<string, PropertyDefinition>>>;

@ApiTags('Properties')
@ApiParam({ name: 'team', description: 'The id of the team.', schema: uuid })
@timeout
@sdkTimeout
@requestId
@traceparent
@Controller('v2/prism/:team')
export class PropertiesController {
  constructor(private readonly properties: PropertyDefinitionService) {}

  /** The definitions of every object type. */
  @Get('properties')
  @Authenticated('records:read')
  @ApiOperation({
    operationId: 'listProperties',
    summary: 'The properties of all records, by object type, then by definition id',
  })
  @ApiOkResponse({ description: 'The definitions.', headers: headerRefs(), schema: definitionsSchema })
  @ApiProblems({})
  ofTeam(@Caller() caller: Principal): Promise<Definitions> {
    return this.definitionsOf(caller.teamId, objectTypes);
  }

  /** The definitions of one object type; its name is the only key. */
  @Get(':object/properties')
  @Authenticated('records:read')
  @ApiOperation({
    operationId: 'listObjectProperties',
    summary: 'The properties of the records of one object type, by object type, then by definition id',
  })
  @ApiParam({ name: 'object', description: 'The object type.', enum: objectTypes })
  @ApiOkResponse({
    description: 'The definitions; the object type is the only key.',
    headers: headerRefs(),
    schema: definitionsSchema,
  })
  @ApiProblems({})
  ofObjectType(@Target() { teamId, objectType }: RecordTarget): Promise<Definitions> {
    return this.definitionsOf(teamId, [objectType]);
  }

  private async definitionsOf(teamId: string, types: readonly ObjectType[]): Promise<Definitions> {
    const definitions: Definitions = {};
    for (const objectType of types) {
      const ofType = await this.properties.definitionsOf(teamId, objectType);
      definitions[objectType] = Object.fromEntries(ofType.map((definition) => [definition.id, definition]));
    }
    return definitions;
  }
}
