import { v5 as uuidv5 } from 'uuid';
import {
  type Lookup,
  type ObjectType,
  OBJECT_TYPES,
  type PropertyDefinition,
  type PropertyType,
} from './property-definition';

/** Ids of built-in definitions and options derive from their names in this namespace. They must never change. */
const NAMESPACE = '5f0c1b0e-7d0a-4c53-9a3b-2f6d8c1e4a97';

/** What the definition of a built-in property does not derive from its slug. */
interface BuiltInProperty {
  readonly slug: string;
  readonly type: PropertyType;
  readonly options?: readonly string[];
  readonly required?: boolean;
  readonly locked?: boolean;
  readonly lookup?: Lookup;
}

const SENIORITIES = ['intern', 'junior', 'senior', 'lead', 'manager', 'director', 'vice_president', 'c_level', 'owner'];
const LABELS = ['lead', 'customer', 'partner', 'supplier', 'investor', 'candidate', 'press', 'friend'];
const DEPARTMENTS = [
  'engineering',
  'product',
  'design',
  'marketing',
  'sales',
  'support',
  'operations',
  'finance',
  'people',
  'legal',
];

/** Display names that do not derive from the slug. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['linkedin', 'LinkedIn'],
  ['github', 'GitHub'],
  ['photo_url', 'Photo URL'],
  ['url', 'URL'],
  ['c_level', 'C-level'],
]);

/** Properties that a contact and an identity share. */
const person: readonly BuiltInProperty[] = [
  { slug: 'full_name', type: 'str' },
  { slug: 'first_name', type: 'str' },
  { slug: 'last_name', type: 'str' },
  { slug: 'title', type: 'str' },
  { slug: 'city', type: 'str' },
  { slug: 'country', type: 'str' },
  { slug: 'linkedin', type: 'str' },
  { slug: 'twitter', type: 'str' },
  { slug: 'github', type: 'str' },
  { slug: 'photo_url', type: 'str' },
  { slug: 'seniority', type: 'select_str', options: SENIORITIES },
  { slug: 'labels', type: 'multiselect_str', options: LABELS },
];

const owner: BuiltInProperty = { slug: 'owner', type: 'ref_identity' };

/** Written by the gateway: when the record was created and last changed. */
const times: readonly BuiltInProperty[] = [
  { slug: 'created_at', type: 'date', locked: true },
  { slug: 'updated_at', type: 'date', locked: true },
];

const properties: Readonly<Record<ObjectType, readonly BuiltInProperty[]>> = {
  organization: [
    { slug: 'name', type: 'str', required: true },
    { slug: 'primary_domain', type: 'str', lookup: 'indexed' },
    { slug: 'location', type: 'str' },
    { slug: 'description', type: 'text' },
    { slug: 'industry', type: 'str' },
    { slug: 'employees', type: 'num' },
    { slug: 'founded_on', type: 'date' },
    { slug: 'stage', type: 'select_str', options: ['lead', 'qualified', 'proposal', 'won', 'lost'] },
    { slug: 'tags', type: 'multi_str' },
    { slug: 'website', type: 'str' },
    { slug: 'linkedin', type: 'str' },
    { slug: 'notes', type: 'text' },
  ],
  contact: [
    ...person,
    { slug: 'email', type: 'str', lookup: 'indexed' },
    { slug: 'description', type: 'text' },
    { slug: 'department', type: 'multiselect_str', options: DEPARTMENTS },
    { slug: 'company', type: 'ref_organization' },
  ],
  identity: [
    ...person,
    { slug: 'about', type: 'text' },
    { slug: 'first_degree', type: 'bool' },
    { slug: 'email_addresses', type: 'multi_str' },
    { slug: 'companies', type: 'multiref_organization' },
  ],
  deal: [
    { slug: 'name', type: 'str' },
    { slug: 'description', type: 'text' },
    { slug: 'stage', type: 'select_str', options: ['lead', 'qualified', 'proposal', 'negotiation', 'won', 'lost'] },
    { slug: 'amount', type: 'num' },
    { slug: 'currency', type: 'str' },
    { slug: 'close_date', type: 'date' },
    owner,
    { slug: 'company', type: 'ref_organization' },
    { slug: 'contacts', type: 'multiref_contact' },
  ],
  action: [
    { slug: 'name', type: 'str' },
    { slug: 'description', type: 'text' },
    { slug: 'status', type: 'select_str', options: ['todo', 'in_progress', 'done', 'cancelled'] },
    { slug: 'priority', type: 'select_str', options: ['low', 'medium', 'high', 'urgent'] },
    { slug: 'due_date', type: 'date' },
    owner,
    { slug: 'deal', type: 'ref_deal' },
  ],
  document: [
    { slug: 'name', type: 'str' },
    { slug: 'description', type: 'text' },
    { slug: 'status', type: 'select_str', options: ['draft', 'in_review', 'approved', 'archived'] },
    { slug: 'url', type: 'str' },
    { slug: 'tags', type: 'multi_str' },
    { slug: 'date', type: 'date' },
    owner,
  ],
  engagement: [
    { slug: 'name', type: 'str' },
    { slug: 'description', type: 'text' },
    { slug: 'status', type: 'select_str', options: ['planned', 'active', 'on_hold', 'completed', 'cancelled'] },
    { slug: 'start_date', type: 'date' },
    { slug: 'end_date', type: 'date' },
    owner,
    { slug: 'company', type: 'ref_organization' },
    { slug: 'contacts', type: 'multiref_contact' },
  ],
  event: [
    { slug: 'name', type: 'str' },
    { slug: 'description', type: 'text' },
    { slug: 'location', type: 'str' },
    { slug: 'status', type: 'select_str', options: ['tentative', 'confirmed', 'cancelled'] },
    { slug: 'start_date', type: 'date' },
    { slug: 'end_date', type: 'date' },
    owner,
    { slug: 'attendees', type: 'multiref_contact' },
  ],
  comment: [
    { slug: 'body', type: 'text' },
    { slug: 'status', type: 'select_str', options: ['open', 'resolved'] },
    { slug: 'date', type: 'date' },
    owner,
    { slug: 'mentions', type: 'multiref_identity' },
  ],
};

/** The definitions that every team has, by object type. They precede the team's own. */
export const BUILT_IN_DEFINITIONS: ReadonlyMap<ObjectType, readonly PropertyDefinition[]> = new Map(
  OBJECT_TYPES.map((object) => [
    object,
    [...properties[object], ...times].map((property) => definition(object, property)),
  ]),
);

function definition(object: ObjectType, property: BuiltInProperty): PropertyDefinition {
  const { slug, type, options = [], required = false, locked = false, lookup = 'none' } = property;
  return {
    id: uuidv5(`${object}.${slug}`, NAMESPACE),
    slug,
    type,
    name: displayNameOf(slug),
    required,
    native: true,
    locked,
    list_id: null,
    lookup,
    lookup_state: lookup === 'none' ? null : 'ready',
    options: options.map((option) => ({
      id: uuidv5(`${object}.${slug}.${option}`, NAMESPACE),
      slug: option,
      value: displayNameOf(option),
    })),
  };
}

function displayNameOf(slug: string): string {
  return NAMES.get(slug) ?? slug.charAt(0).toUpperCase() + slug.slice(1).replaceAll('_', ' ');
}
