import { randomUUID } from 'node:crypto';
import { etagConditionOf, matchOf, type PlanItem, planOperations, planUpdates, planUpsert } from '#libs/records';
import type { Blocks, IfMatch, ItemDraft, Value } from './batch.arbitraries';
import type { ModelItem } from './batch.model';
import type { TeamFixture } from './team.fixture';
import type { WriteEnvironment } from './write.environment';

/** Makes plan items and items of the model from drafts. */
export class ItemResolver {
  private readonly versions: ReadonlyMap<string, number>;

  /** @param skipUnchanged the option of the batch */
  constructor(
    private readonly fixture: TeamFixture,
    private readonly etags: ReadonlyMap<string, string>,
    private readonly skipUnchanged: boolean,
  ) {
    this.versions = new Map([...fixture.model.current].map(([id, { version }]) => [id, version]));
  }

  resolve({ ref, ...draft }: ItemDraft): [PlanItem, ModelItem] {
    const [planned, model] = this.operation(draft);
    const named = ref === undefined ? {} : { ref };
    return [
      { ...planned, ...named },
      { ...model, ...named },
    ];
  }

  private operation(draft: ItemDraft): [PlanItem, ModelItem] {
    const id = this.fixture.id(draft.target);
    const { tag, condition } = 'ifMatch' in draft ? this.tagOf(draft.ifMatch, id) : {};
    const ifMatch = tag === undefined ? {} : { if_match: tag };
    const common = { newId: null, ...(condition && { ifMatch: condition }) };
    // The values after JSON serialization.
    const blocks = 'blocks' in draft ? (JSON.parse(JSON.stringify(draft.blocks)) as typeof draft.blocks) : {};
    switch (draft.kind) {
      case 'invalid': {
        const { code, blocks } = draft.fault;
        const sentId = draft.fault.id === undefined ? id : draft.fault.id;
        return [
          this.plan({ id: sentId, ...blocks }),
          { ...common, kind: 'invalid', id: sentId === id ? id : null, code },
        ];
      }
      case 'create':
        return [this.plan({ op: 'create', ...blocks }), { ...common, kind: 'create', ...blocks }];
      case 'restore':
      case 'delete':
        return [this.plan({ op: draft.kind, id, ...ifMatch }), { ...common, kind: draft.kind, id }];
      case 'patch': {
        const sentId = draft.upperCase ? id.toUpperCase() : id;
        return [this.plan({ id: sentId, ...ifMatch, ...blocks }), { ...common, kind: 'patch', id, ...blocks }];
      }
      case 'match': {
        const { match, ifAbsent } = draft;
        const absent = ifAbsent === undefined ? {} : { if_absent: ifAbsent };
        const planned = this.plan({ match, ...absent, ...ifMatch, ...blocks });
        if (ifAbsent !== 'create') return [planned, { ...common, kind: 'match', ...match, ...blocks }];
        const { [match.slug]: repeated = match.value, ...rest } = blocks.default ?? {};
        if (repeated !== match.value)
          return [planned, { ...common, kind: 'invalid', id: null, code: 'invalid_property' }];
        return [planned, { ...common, kind: 'match', ...upsertOf(match, { ...blocks, default: rest }) }];
      }
      case 'upsert': {
        const { match } = draft;
        const others = Object.entries(blocks.default ?? {}).filter(([slug]) => slug !== match.slug);
        const content = { ...blocks, default: Object.fromEntries(others) };
        const planned = planSingleUpsert(this.fixture.environment, match, content, tag);
        return [planned, { ...common, kind: 'match', ...upsertOf(match, content) }];
      }
    }
  }

  private plan(raw: object): PlanItem {
    const { validator, definitions } = this.fixture.environment;
    const [item] = ('op' in raw ? planOperations : planUpdates)([raw], {
      ...{ validator, definitions, newId: randomUUID },
      ...{ itemLimitBytes: 262_144, bodyBytes: 0, skipUnchanged: this.skipUnchanged },
    });
    if (item === undefined) throw new Error('no plan item');
    return item;
  }

  /** An etag, and which record it is the etag of. A record that the batch changes or creates gets another one. */
  private tagOf(ifMatch: IfMatch, id: string): { tag?: string; condition?: ModelItem['ifMatch'] } {
    const etag = this.etags.get(id) ?? 'none';
    switch (ifMatch) {
      case 'none':
        return {};
      case 'any':
        return { tag: '*', condition: () => true };
      case 'current': {
        const known = this.versions.get(id);
        return { tag: `"${etag}"`, condition: (other, version) => other === id && version === known };
      }
      case 'lost':
        // Of a change with the same version that was lost in a crash.
        return { tag: `"${this.versions.get(id) ?? 1}-1"`, condition: () => false };
      case 'weak':
        return { tag: `W/"${etag}"`, condition: () => false };
    }
  }
}

/** What an upsert sets in a record that exists, and in a new one. */
function upsertOf({ slug, value }: Value, blocks: Blocks): Value & Blocks & { create: Blocks } {
  return { slug, value, ...blocks, create: { ...blocks, default: { ...blocks.default, [slug]: value } } };
}

/** Plans as `PUT by/{slug}/{value}` does. */
function planSingleUpsert(
  environment: WriteEnvironment,
  { slug, value }: Value,
  content: Blocks & { default: object },
  tag?: string,
): PlanItem {
  const { validator } = environment;
  const match = matchOf(environment.definitionOf(slug), value);
  const patch = validator.patch(content);
  if (match === undefined || 'errors' in patch) throw new Error('the upsert is not valid');
  const create = validator.create({ ...content, default: { ...content.default, [slug]: value } });
  const condition = tag === undefined ? {} : etagConditionOf(tag);
  if (condition === 'malformed') throw new Error(`${tag} is no etag`);
  return planUpsert(randomUUID(), match, { patch, create, ifMatch: condition.etag, mustExist: tag !== undefined });
}
